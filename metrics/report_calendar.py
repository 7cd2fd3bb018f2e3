"""Which reports there are to be: of each ISO week and each month that is over, at eight in the morning of the next day.

Days and hours are those of the site's clocks. Nothing here touches the database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from core.time_zones import instant, zone
from metrics import wording
from metrics.figures import Narrowing
from metrics.models import Report
from metrics.periods import DAY, WEEK, Period
from metrics.questions import Question

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Report.Kind
AT = time(8)
LOOKED_BACK = {Kind.WEEKLY: 5, Kind.MONTHLY: 3}  # so many are made afterwards where nothing ran when they were due


@dataclass(frozen=True, slots=True)
class Term:
    """A week or a month that a report is of; ``first`` is its first day."""

    kind: str
    first: date
    zone: str

    @property
    def is_weekly(self) -> bool:
        """Or monthly."""
        return self.kind == Kind.WEEKLY

    @property
    def next(self) -> date:
        """The first day of the next one."""
        return self.first + WEEK if self.is_weekly else _month(self.first, 1)

    @property
    def period(self) -> Period:
        """Its days."""
        return Period.of_days(self.first, self.next - DAY, self.zone)

    @property
    def due_at(self) -> datetime:
        """When its report is made."""
        return instant(self.next, AT, zone(self.zone))

    @property
    def label(self) -> str:
        """2026-W48 (ISO 8601), or 2026-11: for keys and the names of files."""
        year, week, _ = self.first.isocalendar()
        return f"{year}-W{week:02}" if self.is_weekly else f"{self.first:%Y-%m}"

    @property
    def name(self) -> str:
        """Week 48, 23 Nov to 29 Nov 2026, or November 2026."""
        if self.is_weekly:
            return f"Week {self.first.isocalendar()[1]}, {wording.days(self.period)}"
        return f"{self.first:%B %Y}"

    @property
    def before(self) -> Term:
        """The one before it, which it is compared with."""
        first = self.first - WEEK if self.is_weekly else _month(self.first, -1)
        return Term(self.kind, first, self.zone)

    @property
    def question(self) -> Question:
        """What its figures answer: of all incidents, beside the term before."""
        return Question(self.period, self.before.period, Narrowing())


def _month(first: date, by: int) -> date:
    """The first day of another month."""
    months = first.year * 12 + first.month - 1 + by
    return date(months // 12, months % 12 + 1, 1)


def of(report: Report, zone_name: str) -> Term:
    """The term of a report that was made."""
    return Term(report.kind, report.starts_on, zone_name)


def current(kind: str, *, now: datetime, zone_name: str) -> Term:
    """The one whose report is the next to be made."""
    today = now.astimezone(zone(zone_name)).date()
    first = today - timedelta(days=today.weekday()) if kind == Kind.WEEKLY else today.replace(day=1)
    running = Term(kind, first, zone_name)
    return running.before if now < running.before.due_at else running


def due(kind: str, *, now: datetime, zone_name: str) -> Iterator[Term]:
    """Those whose reports are due, the latest first, as far back as is looked."""
    found = current(kind, now=now, zone_name=zone_name)
    for _ in range(LOOKED_BACK[Kind(kind)]):
        found = found.before
        yield found
