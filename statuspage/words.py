"""What a page says in its own language: fixed words, dates on its own clocks, lengths and shares.

Times are absolute and name their zone: whoever reads them may sit elsewhere, and read them an hour later. Plain
dictionaries, one module a language (``statuspage.languages``); a test holds their keys against each other.
"""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import Any, Protocol, cast

from core import durations, time_zones
from statuspage.languages import english, french, german, spanish


class Language(Protocol):
    """What a module of ``statuspage.languages`` holds."""

    MONTHS: str
    SHORT_MONTHS: str
    WEEKDAYS: str
    DAY: str
    DAY_OF_WEEK: str
    DATE: str
    MONTH: str
    DECIMAL: str
    THOUSANDS: str
    WORDS: dict[str, str]


LANGUAGES = cast("dict[str, Language]", {"en": english, "de": german, "fr": french, "es": spanish})


class Words:
    """The words of one page: its language and its time zone. ``locale`` that nobody knows is read as English."""

    def __init__(self, locale: str, time_zone: str) -> None:
        self.locale = locale if locale in LANGUAGES else "en"
        self.language = LANGUAGES[self.locale]
        self.zone = time_zones.zone(time_zone)

    def say(self, key: str, **values: object) -> str:
        """The words for ``key``."""
        return self.language.WORDS[key].format(**values) if values else self.language.WORDS[key]

    def count(self, key: str, count: int) -> str:
        """So many of them: ``minute.one`` or ``minute.other``. French counts none as one."""
        is_one = count == 1 or (count == 0 and self.locale == "fr")
        return self.say(f"{key}.{'one' if is_one else 'other'}", count=count)

    def listed(self, names: list[str]) -> str:
        """A, B and C."""
        if len(names) < 2:
            return "".join(names)
        return self.say("and", first=", ".join(names[:-1]), last=names[-1])

    def local(self, at: datetime) -> datetime:
        """The moment on the page's clocks."""
        return at.astimezone(self.zone)

    def zone_at(self, at: datetime) -> str:
        """CEST; where a zone has no letters, UTC+3."""
        name = self.local(at).tzname() or ""
        return name if name.isalpha() else self.offset_at(at)

    def offset_at(self, at: datetime) -> str:
        """UTC+2, UTC-3:30."""
        minutes = int((self.local(at).utcoffset() or timedelta()) / timedelta(minutes=1))
        hours, rest = divmod(abs(minutes), 60)
        if not minutes:
            return "UTC"
        return f"UTC{'-' if minutes < 0 else '+'}{hours}{f':{rest:02}' if rest else ''}"

    def day(self, on: date) -> str:
        """Wed 14 Oct."""
        return self._date(self.language.DAY_OF_WEEK, on)

    def dated(self, on: date) -> str:
        """14 Oct 2026."""
        return self._date(self.language.DATE, on)

    def month(self, on: date) -> str:
        """October 2026."""
        return self.language.MONTH.format(month=self.language.MONTHS.split()[on.month - 1], year=on.year)

    def clock(self, at: datetime, *, beside: datetime | None = None) -> str:
        """03:05 CEST; with the day before it where ``beside``, which the reader sees next to it, has another."""
        local = self.local(at)
        clock = f"{local:%H:%M} {self.zone_at(at)}"
        is_same_day = beside is None or local.date() == self.local(beside).date()
        return clock if is_same_day else f"{self._near(local.date(), self.local(beside or at).date())}, {clock}"

    def short(self, at: datetime, *, beside: datetime) -> str:
        """14 Oct, 03:05 CEST; with its year where ``beside`` has another."""
        local = self.local(at)
        return f"{self._near(local.date(), self.local(beside).date())}, {local:%H:%M} {self.zone_at(at)}"

    def full(self, at: datetime) -> str:
        """14 Oct 2026, 03:05 CEST."""
        local = self.local(at)
        return f"{self.dated(local.date())}, {local:%H:%M} {self.zone_at(at)}"

    def span(self, start: datetime, end: datetime) -> str:
        """Sun 18 Oct 2026, 04:00 to 05:00 CEST; both days where it ends on another."""
        first, last = self.local(start), self.local(end)
        left, right = f"{first:%H:%M}", f"{last:%H:%M} {self.zone_at(end)}"
        if self.zone_at(start) != self.zone_at(end):
            left = f"{left} {self.zone_at(start)}"
        if first.date() != last.date():
            right = f"{self.day(last.date())}, {right}"
        return self.say("to", start=f"{self.day(first.date())} {first.year}, {left}", end=right)

    def length(self, seconds: float) -> str:
        """38 minutes; 1 hour 12 minutes; 2 days 4 hours. The second unit is left out when there is none of it."""
        whole = max(0, int(seconds))
        if whole < durations.MINUTE:
            return self.count("second", whole)
        if whole < durations.HOUR:
            return self.count("minute", whole // durations.MINUTE)
        if whole < durations.DAY:
            large, rest = whole // durations.HOUR, whole % durations.HOUR // durations.MINUTE
            names = ("hour", "minute")
        else:
            large, rest = whole // durations.DAY, whole % durations.DAY // durations.HOUR
            names = ("date", "hour")
        return " ".join([self.count(names[0], large), *([self.count(names[1], rest)] if rest else [])])

    def percent(self, share: float) -> str:
        """99.82 %, rounded down: 100 % is said only of a time without any outage."""
        hundredths = 10_000 if share >= 1 else min(9_999, math.floor(share * 10_000 + 1e-9))
        if hundredths % 100 == 0:
            return f"{hundredths // 100}\u00a0%"
        return f"{hundredths // 100}{self.language.DECIMAL}{hundredths % 100:02}\u00a0%"

    def _near(self, on: date, today: date) -> str:
        return self._date(self.language.DAY if on.year == today.year else self.language.DATE, on)

    def _date(self, pattern: str, on: date) -> str:
        month = self.language.SHORT_MONTHS.split()[on.month - 1]
        weekday = self.language.WEEKDAYS.split()[on.weekday()]
        return pattern.format(day=on.day, month=month, year=on.year, weekday=weekday)


def of(page: Any) -> Words:
    """The words of a ``StatusPage``."""
    return Words(page.locale, page.time_zone)
