"""Figures as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from core.redirects import see_other
from incidents.views.export import as_file
from metrics import csv_files, load_files
from metrics.behind import BehindForm
from metrics.csv_files import CHARTS, INCIDENTS
from metrics.load_files import PAGES
from metrics.loads import Loads, working_hours
from metrics.paged import PagedForm
from metrics.questions import QuestionForm

if TYPE_CHECKING:
    from django.http import HttpRequest, StreamingHttpResponse

    from metrics.questions import Question


BEHIND = {INCIDENTS: BehindForm, PAGES: PagedForm}


@login_required
@require_safe
def csv(request: HttpRequest, chart: str) -> HttpResponse | StreamingHttpResponse:
    """A chart of the question in the address, or the incidents behind one of its numbers. A wrong question is told on
    the page; a file could not."""
    if chart not in CHARTS and chart not in BEHIND:
        raise Http404("There is no such chart.")
    form, narrower = QuestionForm(request.GET, now=timezone.now()), BEHIND.get(chart, BehindForm)(request.GET)
    if not form.is_valid() or (chart in BEHIND and not narrower.is_valid()):
        messages.warning(request, "No file was written, because the address asks for what there is not.")
        return see_other(f"{_page_of(chart)}?{request.GET.urlencode()}")
    question = form.question()
    if isinstance(narrower, PagedForm):
        return _pages(request, question, narrower)
    if chart == INCIDENTS:
        return _incidents(request, question, narrower)
    response = HttpResponse(
        csv_files.table(chart, question, person(request)), content_type="text/csv; charset=utf-8; header=present"
    )
    response["Content-Disposition"] = f'attachment; filename="{csv_files.file_name(chart, question)}"'
    return response


def _incidents(request: HttpRequest, question: Question, narrower: BehindForm) -> HttpResponse | StreamingHttpResponse:
    asked, user = narrower.asked(), person(request)
    figures = question.figures(user)
    chunks = csv_files.incident_chunks(
        asked.rows(figures), asked.measure, user=user, sort=asked.sort, zone=figures.zone
    )
    name = csv_files.file_name(f"{asked.measure.key}-incidents", question)
    instead = f"{reverse('metrics:incidents')}?{request.GET.urlencode()}"
    return as_file(request, chunks, name=name, instead=instead)


def _pages(request: HttpRequest, question: Question, narrower: PagedForm) -> HttpResponse | StreamingHttpResponse:
    user = person(request)
    found = Loads(user, question.period, question.narrowing, off=working_hours()[1])
    chunks = load_files.page_chunks(narrower.which().rows(found), user=user)
    name = csv_files.file_name(PAGES, question)
    return as_file(request, chunks, name=name, instead=f"{_page_of(PAGES)}?{request.GET.urlencode()}")


def _page_of(chart: str) -> str:
    """Where the same stands to be read."""
    if chart in BEHIND:
        return reverse(f"metrics:{chart}")
    return reverse("metrics:on_call" if chart.startswith("on-call") else "metrics:overview")
