"""The leadership page, its PDF, and the reports by e-mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from accounts.models import Role
from core import pdf as paper
from core.redirects import see_other
from metrics import choosing, leadership, links, overview, report_files, reports, wording
from metrics.models import Report
from metrics.questions import QuestionForm
from metrics.views import asked

if TYPE_CHECKING:
    from django.http import HttpRequest

    from metrics.questions import Question

ROUTE = "metrics:leadership"
RETRY_AFTER_SECONDS = "5"
NOTHING_RUNS = "default-src 'none'; sandbox"


@login_required
@require_safe
def leadership_page(request: HttpRequest) -> HttpResponse:
    """Four questions on one screen; no figures where the address asks for what there is not."""
    now = timezone.now()
    form = QuestionForm(request.GET, now=now)
    question = form.question() if form.is_valid() else None
    context = {
        **asked(form, question, ROUTE),
        "head": links.head(question, ROUTE) if question else None,
        "found": leadership.read(question, person(request), now=now) if question else None,
        "freshness": overview.freshness(now=now) if question else None,
        "all_figures": question.address("metrics:overview") if question else "",
        "all_services": question.address("metrics:overview", all="service") if question else "",
        "pdf": question.address("metrics:pdf") if question else "",
    }
    return render(request, "metrics/leadership.html", context)


@login_required
@require_safe
def pdf(request: HttpRequest) -> HttpResponse:
    """The same as a file, of what the reader may see."""
    user, now = person(request), timezone.now()
    form = QuestionForm(request.GET, now=now)
    if not form.is_valid():
        context = {**asked(form, None, ROUTE), "head": None, "found": None}
        return render(request, "metrics/leadership.html", context, status=422)
    question = form.question()
    title = f"Incident report, {wording.days(question.period)}"
    found = leadership.read(question, user, now=now)
    try:
        html = report_files.document(found, title=title, now=now, is_demo=user.is_demo)
        body = paper.make(html, what="This report", instead="Print the page instead.")
    except paper.NotMade as error:
        return _not_made(request, question, error)
    first, last = question.period.days
    return as_pdf(body, f"muster-{first}-to-{last}.pdf")


def as_pdf(body: bytes, name: str) -> HttpResponse:
    """A file to save. Whatever a browser makes of it, it runs nothing and asks for nothing."""
    response = HttpResponse(body, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    response["Content-Security-Policy"] = NOTHING_RUNS
    return response


def _not_made(request: HttpRequest, question: Question, error: paper.NotMade) -> HttpResponse:
    context: dict[str, Any] = {
        "message": str(error),
        "status": error.status,
        "is_busy": isinstance(error, paper.Busy),
        "lacks": " ".join(paper.LIBRARIES) if isinstance(error, paper.Unavailable) else "",
        "again": question.address("metrics:pdf"),
        "back": question.address(ROUTE),
    }
    response = render(request, "metrics/report_failed.html", context, status=error.status)
    if isinstance(error, paper.Busy):
        response["Retry-After"] = RETRY_AFTER_SECONDS
    return response


@login_required
@require_safe
def report_list(request: HttpRequest) -> HttpResponse:
    """The reports that were made, when the next ones are, and which of them one gets."""
    user, now = person(request), timezone.now()
    context = {
        "wanted": choosing.wanted_by(user),
        "coming": reports.coming(now=now),
        "reports": reports.made(user),
        "is_admin": user.has_role(Role.ADMIN),
    }
    return render(request, "metrics/reports.html", context)


@login_required
@require_POST
def choose_reports(request: HttpRequest) -> HttpResponse:
    """Take a person's word for which reports they want."""
    user = person(request)
    wanted = {kind: bool(request.POST.get(kind)) for kind in Report.Kind.values}
    choosing.choose_reports(user, **wanted)
    said = " and ".join(f"the {kind}" for kind, is_wanted in wanted.items() if is_wanted)
    if said and not user.email:
        messages.warning(request, "Your account has no e-mail address: no report can reach you until it has one.")
    else:
        messages.success(request, f"You get {said} report by e-mail." if said else "You get no report by e-mail.")
    return see_other("metrics:reports")


@login_required
@require_safe
def report_file(request: HttpRequest, pk: int) -> HttpResponse:
    """The PDF of a report as it was sent."""
    report = get_object_or_404(Report.objects.visible_to(person(request)).select_related("file"), pk=pk)
    if report.file is None:
        raise Http404
    return as_pdf(bytes(report.file.content), report.file.name)
