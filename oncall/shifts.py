"""Who is on call: pure arithmetic over rotations, layers and overrides (design, section 4.8).

Rules are wall time in an IANA zone and are computed in UTC. A wall time that a zone skips stands for the first instant
after the gap, one that comes twice for its first occurrence. Days and weeks are local dates, so a day may have 23 or
25 hours; hours are real hours, as in RFC 5545. Every interval has its start and not its end.

``on_call_at`` decides; everything else asks it, so that pager, pages, feeds and API cannot disagree.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, Protocol

from core.time_zones import instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
OVERRIDE = "Override"
UNIT_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the week, such as weekdays from 09:00 to 17:00. ``days`` (0 is Monday) are those on which it begins;
    one whose end is not after its beginning ends on the next day."""

    days: frozenset[int]
    begins: time
    ends: time

    def on(self, day: date, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
        """Its instants in UTC on a day; None where it does not begin on that day."""
        if day.weekday() not in self.days:
            return None
        last = day if self.ends > self.begins else day + DAY
        return instant(day, self.begins, zone), instant(last, self.ends, zone)


@dataclass(frozen=True, slots=True)
class Turn:
    """Who holds a layer, by key, and when the turn began and ends."""

    holder: int
    start: datetime
    end: datetime


class Layer(Protocol):
    """Something that has a holder at some instants."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def holders(self) -> set[int]:
        """Everybody who has a turn."""

    def held(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches that somebody holds, of those that touch an interval; they may overlap."""

    def turn_at(self, at: datetime) -> Turn | None:
        """The turn that covers an instant; None where nobody holds the layer."""

    def edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Every instant of an interval at which the answer of ``turn_at`` may change."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """People who take turns of ``length`` units from ``handoff`` on ``starts_on``, in their order, over and over.

    Nobody holds it before, after the end of the day ``ends_on``, or outside of every window, if there are any; the
    turns go on meanwhile.
    """

    name: str
    zone: ZoneInfo
    unit: str
    length: int
    handoff: time
    starts_on: date
    people: tuple[int, ...]
    ends_on: date | None = None
    windows: tuple[Window, ...] = ()

    def turn_at(self, at: datetime) -> Turn | None:
        """The turn that covers an instant."""
        if not self.people or at < self.begins_at or (self.ends_at is not None and at >= self.ends_at):
            return None
        if self.windows and not any(start <= at < end for start, end in self._windows_around(at)):
            return None
        number = self._number_at(at)
        return Turn(self.people[number % len(self.people)], self._handoff(number), self._handoff(number + 1))

    def edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Handoffs, the beginning and end of the layer, and of its windows."""
        yield self.begins_at
        if self.ends_at is not None:
            yield self.ends_at
            end = min(end, self.ends_at)
        start = max(start, self.begins_at)
        if start >= end:
            return
        number = self._number_at(start)
        while (edge := self._handoff(number)) < end:
            yield edge
            number += 1
        if self.windows:
            day, last = (start - 2 * DAY).date(), (end + 2 * DAY).date()
            while day <= last:
                for window in self.windows:
                    yield from window.on(day, self.zone) or ()
                day += DAY

    def held(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The stretches that somebody holds, of those that touch an interval; they may overlap."""
        start = max(start, self.begins_at)
        end = end if self.ends_at is None else min(end, self.ends_at)
        if not self.people or start >= end:
            return
        if not self.windows:
            yield start, end
            return
        day, last = (start - 2 * DAY).date(), (end + 2 * DAY).date()
        while day <= last:
            for window in self.windows:
                if found := window.on(day, self.zone):
                    yield max(found[0], start), min(found[1], end)
            day += DAY

    @property
    def holders(self) -> set[int]:
        """Everybody who has a turn."""
        return set(self.people)

    @property
    def begins_at(self) -> datetime:
        """The first handoff."""
        return instant(self.starts_on, self.handoff, self.zone)

    @property
    def ends_at(self) -> datetime | None:
        """The first instant after the last day."""
        return None if self.ends_on is None else instant(self.ends_on + DAY, time.min, self.zone)

    def _handoff(self, number: int) -> datetime:
        """When the turn of this number begins."""
        if self.unit == "hour":
            return self.begins_at + timedelta(hours=self.length * number)
        return instant(self.starts_on + self.length * UNIT_DAYS[self.unit] * number * DAY, self.handoff, self.zone)

    def _number_at(self, at: datetime) -> int:
        """The turn that covers an instant. Where a skipped day leaves a turn without time, it is the one after."""
        if self.unit == "hour":
            return (at - self.begins_at) // timedelta(hours=self.length)
        days = (at.astimezone(self.zone).date() - self.starts_on).days
        number = days // (self.length * UNIT_DAYS[self.unit])
        while self._handoff(number + 1) <= at:
            number += 1
        while self._handoff(number) > at:
            number -= 1
        return number

    def _windows_around(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Those that may cover an instant: that begin on its day, or one or two before where a zone skips a day."""
        today = at.astimezone(self.zone).date()
        for day in (today, today - DAY, today - 2 * DAY):
            for window in self.windows:
                if found := window.on(day, self.zone):
                    yield found


@dataclass(frozen=True, slots=True)
class Calendar:
    """Turns that are planned one by one, such as overrides or the events of an iCal feed; in order, and apart."""

    name: str
    turns: tuple[Turn, ...] = ()

    @classmethod
    def of(cls, name: str, turns: Iterable[Turn]) -> Calendar:
        """A calendar of turns that may overlap: where they do, the later one given holds."""
        return cls(name, tuple(_painted(list(turns))))

    def held(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The turns that touch an interval."""
        return ((turn.start, turn.end) for turn in self.turns if turn.end > start and turn.start < end)

    @property
    def holders(self) -> set[int]:
        """Everybody who has a turn."""
        return {turn.holder for turn in self.turns}

    def turn_at(self, at: datetime) -> Turn | None:
        """The turn that covers an instant."""
        number = bisect_right(self.turns, at, key=lambda turn: turn.start)
        turn = self.turns[number - 1] if number else None
        return turn if turn and at < turn.end else None

    def edges(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Where turns begin and end."""
        for turn in self.turns:
            if turn.end >= start and turn.start <= end:
                yield turn.start
                yield turn.end


def _painted(turns: Sequence[Turn]) -> Iterator[Turn]:
    """What can be seen of turns that lie over each other, the last one on top."""
    beginning: dict[datetime, list[int]] = defaultdict(list)
    for number, turn in enumerate(turns):
        beginning[turn.start].append(number)
    on_top: list[int] = []  # numbers, negative: the heap's first is the last turn given
    seen: Turn | None = None
    was = 0
    for begins, ends in pairwise(sorted({edge for turn in turns for edge in (turn.start, turn.end)})):
        for number in beginning[begins]:
            heappush(on_top, -number)
        while on_top and turns[-on_top[0]].end <= begins:
            heappop(on_top)
        if seen and on_top and was == on_top[0] and seen.end == begins:
            seen = Turn(seen.holder, seen.start, ends)
            continue
        if seen:
            yield seen
        seen, was = (Turn(turns[-on_top[0]].holder, begins, ends), on_top[0]) if on_top else (None, 0)
    if seen:
        yield seen


@dataclass(frozen=True, slots=True)
class Rota:
    """A schedule as it is computed: layers, of which the last is the highest, and above them all its overrides."""

    layers: tuple[Layer, ...]
    overrides: Calendar = Calendar(OVERRIDE)


@dataclass(frozen=True, slots=True)
class Shift:
    """One stretch of somebody's time on call, by which layer; ``holder`` is None where nobody is."""

    start: datetime
    end: datetime
    holder: int | None = None
    layer: str = ""


def on_call_at(rota: Rota, at: datetime) -> tuple[Turn, Layer] | None:
    """Who is on call at an instant, and by which layer; None in a gap."""
    for layer in (rota.overrides, *reversed(rota.layers)):
        if turn := layer.turn_at(at):
            return turn, layer
    return None


def shifts(rota: Rota, start: datetime, end: datetime) -> list[Shift]:
    """Every shift and gap of an interval, in order and without holes, clipped to it.

    A shift ends with its turn, even where the same person goes on.
    """
    layers = (*rota.layers, rota.overrides)
    edges = {edge for layer in layers for edge in layer.edges(start, end) if start < edge < end}
    found: list[Shift] = []
    previous = None
    for begins, ends in pairwise([start, *sorted(edges), end]):
        holding = on_call_at(rota, begins)
        if found and holding == previous:
            found[-1] = Shift(found[-1].start, ends, found[-1].holder, found[-1].layer)
        else:
            found.append(Shift(begins, ends, holding[0].holder, holding[1].name) if holding else Shift(begins, ends))
        previous = holding
    return found


def people_of(rota: Rota) -> set[int]:
    """Everybody who has a turn in any layer, or an override."""
    return set().union(*(layer.holders for layer in (*rota.layers, rota.overrides)))


def gaps(found: Sequence[Shift]) -> list[Shift]:
    """The stretches in which nobody is on call."""
    return [shift for shift in found if shift.holder is None]


def uncovered(rota: Rota, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """The gaps of an interval without asking who is on call in between: many times faster, for looking far ahead."""
    found: list[tuple[datetime, datetime]] = []
    spans: list[tuple[datetime, datetime]] = []
    for layer in (*rota.layers, rota.overrides):
        spans += layer.held(start, end)
        if spans and spans[-1][0] <= start and spans[-1][1] >= end:  # mostly the lowest layer is held always
            return []
    reached = start
    for begins, ends in sorted(spans):
        if begins >= ends:
            continue
        if begins > reached:
            found.append((reached, min(begins, end)))
        reached = max(reached, ends)
    return [*found, (reached, end)] if reached < end else found
