"""The page of all figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from metrics import links
from metrics import overview as page
from metrics.questions import QuestionForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from metrics.questions import Question

CHARTS = {
    "response-times": "Times by severity",
    "frequency": "Incidents per week",
    "sla": "Clocks met",
    "stages": "Time in each stage",
    "hours": "Hours of the week",
    "services": "Services",
    "teams": "Teams",
    "causes": "Causes",
    "follow-up": "Follow-up",
}
NARROWING = ("severity", "service", "team", "factor")


@login_required
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Figures of the question in the address; none where it asks for what there is not."""
    now = timezone.now()
    form = QuestionForm(request.GET, now=now)
    question = form.question() if form.is_valid() else None
    whole = request.GET.get("all", "")
    found = page.read(question, person(request), now=now, whole=whole) if question else None
    context = {
        **asked(form, question, page.ROUTE),
        "overview": found,
        "links": _elsewhere(question) if question else {},
    }
    return render(request, "metrics/overview.html", context)


def asked(form: QuestionForm, question: Question | None, route: str) -> dict[str, Any]:
    """What ``metrics/_question.html`` shows on any page of figures."""
    return {
        "form": form,
        "forms": [form],
        "page": reverse(route),
        "tabs": links.head(question, route).tabs if question else links.plain_tabs(route),
        "narrowed": sum(bool(form[name].value()) for name in NARROWING),
        "unfiltered": question.address(route, **dict.fromkeys(NARROWING, "")) if question else reverse(route),
        "longer": question.address(route, period="1y", **{"from": "", "to": ""}) if question else "",
    }


def _elsewhere(question: Question) -> dict[str, Any]:
    query = urlencode(question.asked)
    charts = [(label, f"{reverse('metrics:csv', args=[name])}?{query}") for name, label in CHARTS.items()]
    return {
        "leadership": question.address("metrics:leadership"),
        "on_call": question.address("metrics:on_call"),
        "pdf": question.address("metrics:pdf"),
        "csv": charts,
    }
