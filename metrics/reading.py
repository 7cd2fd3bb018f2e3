"""What a page of figures is read from: the question, what its reader may know of it, and what it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from core.time_zones import zone
from incidents import action_items, policy
from incidents.models import Severity
from metrics import choosing, periods
from metrics.links import Links

if TYPE_CHECKING:
    from datetime import date, datetime

    from accounts.models import User
    from incidents.models import IncidentSettings
    from metrics.figures import Figures
    from metrics.models import MetricsSettings
    from metrics.periods import Step
    from metrics.questions import Question

WORST_FIRST = ("critical", "high", "medium", "low")


@dataclass
class Reading:
    """``before`` is None where nothing is compared; ``user`` where the figures are of what is not private."""

    question: Question
    user: User | None
    now: datetime
    figures: Figures
    before: Figures | None
    links: Links
    links_before: Links | None

    @cached_property
    def settings(self) -> MetricsSettings:
        """The target, and what an hour costs."""
        return choosing.settings()

    @cached_property
    def site(self) -> IncidentSettings:
        """Working hours."""
        return policy.site_settings()

    @property
    def today(self) -> date:
        """The reader's day, as the list of follow-ups has it; the site's where there is no reader."""
        if self.user is None:
            return self.now.astimezone(zone(self.question.period.zone)).date()
        return action_items.today_of(self.user, now=self.now)

    @cached_property
    def severities(self) -> list[str]:
        """The worst first; only the one that is asked for."""
        chosen = self.question.narrowing.severity
        return [chosen] if chosen else list(WORST_FIRST)

    @cached_property
    def steps(self) -> list[Step]:
        """All weeks of the period as they are drawn, the first and last perhaps cut."""
        return periods.steps(self.question.period.mondays())

    @cached_property
    def span(self) -> str:
        """How long a step is: week, 4 weeks."""
        weeks = len(self.steps[-1].mondays)
        return "week" if weeks == 1 else f"{weeks} weeks"

    def number_in(self, step: Step, key: str, *, severity: str = "") -> int:
        """One of the period's numbers, of some weeks of it."""
        if severity:
            cells = self.figures.by_cell
            return sum(cells[week, severity][key] for week in step.mondays if (week, severity) in cells)
        weeks = self.figures.by_week
        return sum(weeks[week][key] for week in step.mondays if week in weeks)

    def number(self, key: str) -> int:
        """One of the period's numbers."""
        return self.figures.total[key]

    def number_before(self, key: str) -> int:
        """The same of the period it is compared with; 0 where there is none."""
        return self.before.total[key] if self.before else 0


def read(question: Question, user: User | None, *, now: datetime) -> Reading:
    """Nothing is asked of the database yet."""
    against = Links(question, question.against) if question.against else None
    return Reading(question, user, now, question.figures(user), question.compared(user), Links(question), against)


def named(severity: str) -> str:
    """Critical."""
    return str(Severity(severity).label)
