"""A stretch of time that figures speak of, and the one it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Self

from core.time_zones import instant, zone

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY, WEEK = timedelta(days=1), timedelta(days=7)
LONGEST_DAYS = 3_700
STEPS, LONGEST_STEP = {54: 1, 216: 4}, 13  # weeks in a drawing, and how many of them make a step


@dataclass(frozen=True, slots=True)
class Period:
    """From ``start`` on and before ``end``, aware UTC; ``first`` and ``last`` are its days in ``zone``, where it is
    made of whole days."""

    start: datetime
    end: datetime
    zone: str
    first: date | None = None
    last: date | None = None

    @classmethod
    def of_days(cls, first: date, last: date, zone_name: str) -> Self:
        """Both days are in it."""
        here = zone(zone_name)
        start, end = instant(first, time.min, here), instant(last + DAY, time.min, here)
        return cls(start, end, zone_name, first, last)

    @property
    def days(self) -> tuple[date, date]:
        """Its first and last local day, whole or not."""
        here = zone(self.zone)
        before_end = self.end - timedelta(microseconds=1)
        return self.start.astimezone(here).date(), max(self.start, before_end).astimezone(here).date()

    def earlier(self, by: timedelta) -> Period:
        """The same days of an earlier time; the same length where it is not made of days."""
        if self.first is not None and self.last is not None:
            return Period.of_days(self.first - by, self.last - by, self.zone)
        return Period(self.start - by, self.end - by, self.zone)

    def weeks(self, zone_name: str) -> tuple[date, date]:
        """The Mondays of the first whole week of a zone that is in it, and of the first one that is not any more;
        equal where there is none."""
        here = zone(zone_name)
        first = self.start.astimezone(here).date()
        monday = first + (WEEK - DAY * first.weekday()) % WEEK
        if instant(monday, time.min, here) < self.start:  # it begins within a Monday
            monday += WEEK
        last = self.end.astimezone(here).date()
        end = last - DAY * last.weekday()
        return (monday, end) if monday < end else (monday, monday)

    def edges(self, zone_name: str) -> list[tuple[datetime, datetime]]:
        """What is beside the whole weeks: one or two stretches, or none."""
        monday, end = self.weeks(zone_name)
        if monday == end:
            return [(self.start, self.end)] if self.start < self.end else []
        here = zone(zone_name)
        inner = instant(monday, time.min, here), instant(end, time.min, here)
        around = [(self.start, inner[0]), (inner[1], self.end)]
        return [(start, until) for start, until in around if start < until]

    def mondays(self) -> list[date]:
        """The Mondays of all weeks of its own zone that it touches."""
        first, last = self.days
        monday = first - DAY * first.weekday()
        return [monday + WEEK * n for n in range(((last - monday).days // 7) + 1)]


@dataclass(frozen=True, slots=True)
class Step:
    """Weeks in a row that a drawing shows as one, by their Mondays."""

    mondays: tuple[date, ...]

    @property
    def first(self) -> date:
        """A Monday."""
        return self.mondays[0]

    @property
    def last(self) -> date:
        """A Sunday."""
        return self.mondays[-1] + WEEK - DAY


def steps(mondays: Sequence[date]) -> list[Step]:
    """Weeks one by one; those of more than a year in fours, of more than four years by quarters of 13, so that there
    is something to see. The last is whole and the first has what is left, so that no fall at the end means nothing."""
    size = next((size for most, size in STEPS.items() if len(mondays) <= most), LONGEST_STEP)
    short = len(mondays) % size
    starts = range(short, len(mondays), size)
    first = [Step(tuple(mondays[:short]))] if short else []
    return [*first, *(Step(tuple(mondays[start : start + size])) for start in starts)]


# The periods that pages offer: how many days back the first day is, whole weeks beginning on a Monday.
CHOICES = {"30d": "30 days", "13w": "13 weeks", "1y": "1 year"}
_WEEKS = {"13w": 13, "1y": 52}
STEP = {"30d": 30 * DAY, "13w": 13 * WEEK, "1y": 52 * WEEK}


def chosen(name: str, *, now: datetime, zone_name: str) -> Period:
    """One of ``CHOICES``, up to and with today: 30 days, or 13 or 52 ISO weeks of which the last one is under way."""
    today = now.astimezone(zone(zone_name)).date()
    if name == "30d":
        return Period.of_days(today - 29 * DAY, today, zone_name)
    monday = today - DAY * today.weekday()
    return Period.of_days(monday - WEEK * (_WEEKS[name] - 1), today, zone_name)


def length(period: Period) -> timedelta:
    """How far back the period before it is: as many days, or as long."""
    if period.first is not None and period.last is not None:
        return period.last - period.first + DAY
    return period.end - period.start
