"""On-call load, and the pages behind each of its numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from metrics import load_tables, paged, wording
from metrics.load_files import PAGES
from metrics.paged import PagedForm
from metrics.questions import QuestionForm
from metrics.views import asked

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from metrics.questions import Question

CHARTS = {"on-call-people": "By person", "on-call-teams": "By team", PAGES: "All pages"}


@login_required
@require_safe
def on_call(request: HttpRequest) -> HttpResponse:
    """How often people are paged, and how evenly; no figures where the address asks for what there is not."""
    now = timezone.now()
    form = QuestionForm(request.GET, now=now)
    question = form.question() if form.is_valid() else None
    context = {
        **asked(form, question, load_tables.ROUTE),
        "load": load_tables.read(question, person(request), now=now) if question else None,
        "csv": _files(question) if question else [],
        "overview_link": question.address("metrics:overview") if question else reverse("metrics:overview"),
    }
    return render(request, "metrics/on_call.html", context)


@login_required
@require_safe
def pages(request: HttpRequest) -> HttpResponse:
    """Exactly the pages behind a number of on-call load; none where the address asks for what there is not."""
    form, narrower = QuestionForm(request.GET, now=timezone.now()), PagedForm(request.GET)
    is_valid = form.is_valid() & narrower.is_valid()  # both say what is wrong
    context: dict[str, Any] = {"forms": [form, narrower], "load_link": reverse(load_tables.ROUTE)}
    if is_valid:
        question, which = form.question(), narrower.which()
        found = paged.read(person(request), question, which, cursor=request.GET.get("cursor"))
        context |= {
            "found": found,
            "days": wording.days(question.period),
            "load_link": question.address(load_tables.ROUTE),
            "csv": _file(PAGES, question, **which.parts),
        }
    return render(request, "metrics/pages.html", context)


def _files(question: Question) -> list[tuple[str, str]]:
    return [(label, _file(chart, question)) for chart, label in CHARTS.items()]


def _file(chart: str, question: Question, **parts: str) -> str:
    return f"{reverse('metrics:csv', args=[chart])}?{urlencode({**question.asked, **parts})}"
