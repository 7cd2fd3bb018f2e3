"""Figures as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router

from api.auth import ApiRequest
from api.problems import Problem, invalid
from api.resources.metrics_question import Asked, ask
from api.schemas.metrics import ComparedQuery
from core import pdf
from metrics import leadership, report_files, wording
from metrics.questions import Question

if TYPE_CHECKING:
    from datetime import datetime

router = Router(tags=["metrics"])

RETRY_AFTER = {"Retry-After": "5"}


@router.get("/report", response={200: None})
def read_metrics_report(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> HttpResponse:
    """The leadership page as PDF: days of the site's zone only. `compare` stands beside the figures."""
    asked, now = ask(request, query, response), timezone.now()
    if asked.period.zone != asked.sums:
        raise invalid("zone", f"A report is of days of the site's zone, {asked.sums}.")
    if asked.period.first is None:
        raise invalid("from", "A report is of days: send a day, such as 2026-10-14.")
    first, last = asked.period.days
    try:
        body = pdf.make(_document(asked, now), what="This report")
    except pdf.NotMade as error:
        raise Problem(error.status, str(error), headers=RETRY_AFTER if isinstance(error, pdf.Busy) else None) from error
    made = HttpResponse(body, content_type="application/pdf")
    made["Content-Disposition"] = f'attachment; filename="muster-{first}-to-{last}.pdf"'
    made["X-Content-Type-Options"] = "nosniff"
    return made


def _document(asked: Asked, now: datetime) -> str:
    """As the page makes it; its links are those of the page's own question."""
    narrowing = asked.narrowing
    on_page = {**asked.kept, "factor": str(narrowing.factor.pk) if narrowing.factor else ""}
    given = {"from": str(asked.start), "to": str(asked.end), **on_page}
    question = Question(
        asked.period,
        asked.against.period if asked.against else None,
        narrowing,
        {name: value for name, value in given.items() if value},
    )
    found = leadership.read(question, asked.user, now=now)
    title = f"Incident report, {wording.days(asked.period)}"
    return report_files.document(found, title=title, now=now, is_demo=asked.user.is_demo)
