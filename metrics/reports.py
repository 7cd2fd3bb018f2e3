"""The reports that were made, and those that are to come."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics import report_calendar
from metrics.figures import sums_zone
from metrics.models import Report
from notifications.models import File

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from accounts.models import User
    from incidents.models import Incident
    from metrics.report_calendar import Term

MOST_LISTED = 120


@dataclass(frozen=True, slots=True)
class Made:
    """A report of the list. ``page`` shows the same days as they are known now, ``anew`` makes a PDF of them."""

    report: Report
    name: str
    page: str
    anew: str


def made(user: User) -> list[Made]:
    """The newest first."""
    rows = Report.objects.visible_to(user).order_by("-starts_on", "kind").select_related("file").defer("file__content")
    zone_name = sums_zone()
    return [_made(report, report_calendar.of(report, zone_name)) for report in rows[:MOST_LISTED]]


def _made(report: Report, term: Term) -> Made:
    return Made(report, term.name, term.question.pinned("metrics:leadership"), term.question.pinned("metrics:pdf"))


def forget(*, with_any_of: QuerySet[Incident]) -> Counter[str]:
    """Take away the reports, with their files, of a time in which one of some incidents was created; returns how many
    rows of what went."""
    zone_name, removed = sums_zone(), Counter[str]()
    for report in Report.objects.defer("file__content"):
        period = report_calendar.of(report, zone_name).period
        if with_any_of.filter(created_at__gte=period.start, created_at__lt=period.end).exists():
            removed.update(File.objects.filter(pk=report.file_id).delete()[1])
            removed.update(report.delete()[1])
    return removed


def coming(*, now: datetime) -> list[Term]:
    """The next of each kind."""
    return [report_calendar.current(kind, now=now, zone_name=sums_zone()) for kind in report_calendar.Kind]
