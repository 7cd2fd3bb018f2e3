"""Business days in a time zone: when the next one ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core.time_zones import instant

MONDAY_TO_FRIDAY = frozenset(range(5))


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessCalendar:
    """When a team works: wall times of the IANA zone ``zone``, weekdays counted from Monday = 0.

    Raises ValueError for an unknown zone or weekday, no weekdays, or a day that closes before it opens.
    """

    zone: str
    opens: time
    closes: time
    weekdays: frozenset[int] = MONDAY_TO_FRIDAY
    holidays: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        try:
            ZoneInfo(self.zone)
        except (KeyError, OSError, ValueError):
            raise ValueError(f"{self.zone!r} is no time zone") from None
        if not self.weekdays or not self.weekdays <= frozenset(range(7)):
            raise ValueError("a calendar needs weekdays from 0 (Monday) to 6 (Sunday)")
        if self.opens >= self.closes:
            raise ValueError("a business day closes later than it opens")

    def is_business_day(self, day: date) -> bool:
        """Whether people work on ``day``, a date of the calendar's zone."""
        return day.weekday() in self.weekdays and day not in self.holidays


def next_business_day_end(calendar: BusinessCalendar, at: datetime) -> datetime:
    """The closing time, in UTC, of the first business day whose local date is after the local date of ``at``.

    ``at`` is aware. A closing time that the clocks skip is the first instant after the gap; one that happens twice
    is its first occurrence. Raises ValueError where no such day is left before the year 10000.
    """
    zone = ZoneInfo(calendar.zone)
    day = at.astimezone(zone).date()
    try:
        while True:
            day += timedelta(days=1)
            if calendar.is_business_day(day):
                return instant(day, calendar.closes, zone)
    except OverflowError:
        raise ValueError("no business day is left in the calendar") from None
