"""A schedule as people look at it: lanes of a timeline, days of a week or a month, and shifts in a row."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from core.time_zones import instant
from oncall.shifts import Rota, Shift, people_of, shifts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from accounts.models import User
    from oncall.shifts import Layer

DAY = timedelta(days=1)
VIEWS = ("timeline", "week", "month")
TIMELINE_DAYS = 14
NAME_FITS, INITIALS_FIT, SHORT_FITS = 11, 3, 9  # hundredths of a lane


@dataclass(frozen=True, slots=True)
class Span:
    """Whole days of a reader's zone, and where one goes from there."""

    view: str
    days: tuple[date, ...]
    zone: ZoneInfo
    previous: date
    next: date

    @property
    def start(self) -> datetime:
        """The first instant."""
        return instant(self.days[0], time.min, self.zone)

    @property
    def end(self) -> datetime:
        """The first instant after."""
        return instant(self.days[-1] + DAY, time.min, self.zone)

    def place(self, at: datetime) -> float:
        """Where an instant lies, from 0 to 100."""
        return max(0.0, min(100.0, (at - self.start) / (self.end - self.start) * 100))

    @property
    def ticks(self) -> list[tuple[date, str, str]]:
        """Each day with where it begins and where its middle is, for SVG."""
        edges = [self.place(instant(day, time.min, self.zone)) for day in self.days] + [100.0]
        middles = [(one + other) / 2 for one, other in pairwise(edges)]
        return [(day, f"{one:.3f}%", f"{half:.3f}%") for day, one, half in zip(self.days, edges, middles, strict=False)]

    def place_of_now(self, now: datetime) -> str:
        """Where now is, for SVG; empty outside."""
        return f"{self.place(now):.3f}%" if self.start <= now < self.end else ""


def span(view: str, day: date, zone: ZoneInfo) -> Span:
    """The stretch of a view around a day: a month with its whole weeks, one week, or two weeks from its Monday."""
    monday = day - timedelta(days=day.weekday())
    if view == "month":
        first = day.replace(day=1)
        last = day.replace(day=calendar.monthrange(day.year, day.month)[1])
        begin, end = first - timedelta(days=first.weekday()), last + timedelta(days=6 - last.weekday())
        return Span(view, _days(begin, (end - begin).days + 1), zone, first - DAY, last + DAY)
    count = TIMELINE_DAYS if view == "timeline" else 7
    step = timedelta(days=7)
    return Span(view, _days(monday, count), zone, monday - step, monday + step)


def _days(first: date, count: int) -> tuple[date, ...]:
    return tuple(first + number * DAY for number in range(count))


# ---- a timeline ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """A shift on a lane, in hundredths of its width. ``tone`` is a class of the style sheet."""

    x: float
    width: float
    tone: str
    name: str
    initials: str
    shift: Shift

    @property
    def left(self) -> str:
        """Where it begins, for SVG."""
        return f"{self.x:.3f}%"

    @property
    def wide(self) -> str:
        """How wide it is, for SVG."""
        return f"{self.width:.3f}%"

    @property
    def text(self) -> str:
        """What fits on a desk: the name, or the initials."""
        return self.name if self.width >= NAME_FITS else self.initials if self.width >= INITIALS_FIT else ""

    @property
    def short_text(self) -> str:
        """What fits on a phone."""
        return self.initials if self.width >= SHORT_FITS else ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A line of the timeline."""

    name: str
    note: str
    bars: list[Bar]
    is_final: bool = False

    @property
    def words(self) -> str:
        """The lane for those who do not see it."""
        return "; ".join(f"{bar.name} {bar.shift.start:%a %d %b} to {bar.shift.end:%a %d %b}" for bar in self.bars)


def lanes(rota: Rota, users: Mapping[int, User], span: Span, *, reader: User) -> list[Lane]:
    """Overrides, what comes of it all, and the layers, the highest first."""
    tones = _tones(rota)

    def bar(shift: Shift, *, is_override: bool) -> Bar:
        x, width = span.place(shift.start), span.place(shift.end) - span.place(shift.start)
        if shift.holder is None:
            return Bar(x, width, "p-gap", "Nobody", "!", shift)
        person = users[shift.holder]
        tone = "p-over" if is_override else tones[shift.holder]
        return Bar(x, width, f"{tone} p-mine" if person == reader else tone, str(person), person.initials, shift)

    def lane(layer: Layer, note: str = "", *, is_override: bool = False) -> Lane:
        held = [row for row in shifts(Rota((layer,)), span.start, span.end) if row.holder is not None]
        return Lane(layer.name, note, [bar(row, is_override=is_override) for row in held])

    over = lane(rota.overrides, is_override=True)
    whole = shifts(rota, span.start, span.end)
    final = [bar(row, is_override=row.layer == rota.overrides.name) for row in whole]
    found = [Lane("On call", "who is paged", final, is_final=True)]
    found += [lane(layer) for layer in reversed(rota.layers)]
    return [Lane("Overrides", "", over.bars), *found] if over.bars else found


def _tones(rota: Rota) -> dict[int, str]:
    """Two tones in turn; overrides have one of their own."""
    people = sorted(people_of(rota))
    return {person: ("p-a", "p-b")[number % 2] for number, person in enumerate(people)}


# ---- days ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week or the month, with the shifts that touch it, clipped to it."""

    date: date
    shifts: list[Shift]
    is_today: bool
    is_outside: bool


def days(found: Sequence[Shift], span: Span, *, today: date, month: int | None = None) -> list[list[Day]]:
    """Weeks of days. Days of another ``month`` are outside."""
    rows = []
    for day in span.days:
        start, end = instant(day, time.min, span.zone), instant(day + DAY, time.min, span.zone)
        touching = [
            Shift(max(row.start, start), min(row.end, end), row.holder, row.layer)
            for row in found
            if row.start < end and row.end > start
        ]
        rows.append(Day(day, merged(touching), day == today, month is not None and day.month != month))
    return [rows[first : first + 7] for first in range(0, len(rows), 7)]


def merged(found: Sequence[Shift]) -> list[Shift]:
    """Shifts, those of the same person by the same layer in one where they follow each other."""
    rows: list[Shift] = []
    for row in found:
        last = rows[-1] if rows else None
        if last and (last.holder, last.layer, last.end) == (row.holder, row.layer, row.start):
            rows[-1] = Shift(last.start, row.end, row.holder, row.layer)
        else:
            rows.append(row)
    return rows


# ---- comparing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Difference:
    """A stretch in which somebody else is on call than before; ``None`` is nobody."""

    start: datetime
    end: datetime
    before: int | None
    after: int | None


def differences(old: Sequence[Shift], new: Sequence[Shift]) -> list[Difference]:
    """Where two lists of shifts over the same stretch have different holders, in order."""
    edges = sorted({edge for row in (*old, *new) for edge in (row.start, row.end)})
    found: list[Difference] = []
    one, other = iter(old), iter(new)
    before, after = next(one, None), next(other, None)
    for start, end in pairwise(edges):
        while before and before.end <= start:
            before = next(one, None)
        while after and after.end <= start:
            after = next(other, None)
        was, will = before.holder if before else None, after.holder if after else None
        if was == will:
            continue
        last = found[-1] if found else None
        if last and (last.end, last.before, last.after) == (start, was, will):
            found[-1] = Difference(last.start, end, was, will)
        else:
            found.append(Difference(start, end, was, will))
    return found
