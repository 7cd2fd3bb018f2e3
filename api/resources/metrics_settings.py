"""What the figures are held against, and the reports by e-mail: their settings, their choice, their files."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from ninja import Query, Router

from api import paging
from api.auth import ApiRequest, actor, admin, writer
from api.paging import ListQuery, Page
from api.problems import Problem
from api.schemas.base import Number
from api.schemas.metrics_settings import (
    ChoiceChange,
    ChoiceOut,
    NextReport,
    ReportOut,
    SettingsChange,
    SettingsOut,
)
from metrics import choosing, reports
from metrics.models import Report

router = Router(tags=["metrics"])


@router.get("/settings", response=SettingsOut)
def read_metrics_settings(request: ApiRequest) -> SettingsOut:
    """The target, what an hour costs, and whether leadership gets reports."""
    return SettingsOut.of(choosing.settings())


@router.patch("/settings", auth=admin, response=SettingsOut)
def change_metrics_settings(request: ApiRequest, body: SettingsChange) -> SettingsOut:
    """Change some of them; a rate of null is none."""
    return SettingsOut.of(choosing.save_settings(by=actor(request), **body.given()))


@router.get("/reports", response=Page[ReportOut])
def list_metrics_reports(request: ApiRequest, query: Query[ListQuery]) -> Page[ReportOut]:
    """The weekly and monthly reports that were made, newest first. They hold nothing private."""
    rows = Report.objects.visible_to(actor(request)).select_related("file").defer("file__content")

    def show(report: Report) -> ReportOut:
        path = reverse("api:read_metrics_report_file", args=[report.pk])
        return ReportOut.of(report, request.build_absolute_uri(path) if report.file_id else None)

    return paging.answer(request, rows, query, Page[ReportOut], show, sort=("-starts_on",))


@router.get("/reports/choice", response=ChoiceOut)
def read_report_choice(request: ApiRequest) -> ChoiceOut:
    """Which reports you get by e-mail, and when the next ones are made."""
    return _choice(request)


@router.patch("/reports/choice", auth=writer, response=ChoiceOut)
def change_report_choice(request: ApiRequest, body: ChoiceChange) -> ChoiceOut:
    """Choose which reports you get by e-mail; what is left out stays as it is now."""
    user = actor(request)
    wanted = choosing.wanted_by(user)
    choosing.choose_reports(user, **{"weekly": wanted.weekly, "monthly": wanted.monthly, **body.given()})
    return _choice(request)


@router.get("/reports/{report_id}/file", response={200: None})
def read_metrics_report_file(request: ApiRequest, report_id: Number) -> HttpResponse:
    """The PDF of a report as it was sent."""
    report = Report.objects.visible_to(actor(request)).select_related("file").filter(pk=report_id).first()
    if report is None or report.file is None:
        raise Problem(404, "There is no such file.")
    response = HttpResponse(bytes(report.file.content), content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{report.file.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _choice(request: ApiRequest) -> ChoiceOut:
    wanted = choosing.wanted_by(actor(request))
    coming = [NextReport.of(term) for term in reports.coming(now=timezone.now())]
    return ChoiceOut(
        weekly=wanted.weekly,
        monthly=wanted.monthly,
        is_chosen=wanted.is_chosen,
        is_leadership=wanted.is_leadership,
        next=coming,
    )
