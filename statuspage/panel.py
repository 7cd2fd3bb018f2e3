"""What the public hears of an incident, for the panel on its page and for the address that refreshes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q

from core.versions import version_of
from statuspage import addresses
from statuspage.concerning import mapped_to
from statuspage.models import Component, Delivery, Impact, Mailing, Report

if TYPE_CHECKING:
    from incidents.models import Incident


@dataclass(frozen=True, slots=True)
class Told:
    """How one page tells it: its permanent address there, and the components that are not well by it."""

    report: Report
    url: str
    impacts: list[Impact]
    news: Mailing | None  # the last one of an update, with how many of its deliveries are done, open and failed


@dataclass(frozen=True, slots=True)
class Panel:
    """The pages that tell an incident; ``silent`` are components that readers use and do not know of yet."""

    incident: Incident
    told: list[Told]
    silent: list[Component]
    version: str

    @property
    def is_empty(self) -> bool:
        """Whether no page tells of it, and none could."""
        return not self.told and not self.silent


def of(incident: Incident) -> Panel:
    """The panel of an incident that the reader may see: three queries at most, whatever the number of pages."""
    reports = list(Report.objects.filter(incident=incident).select_related("page").defer("page__logo"))
    told, silent = [], []
    if reports:
        open_impacts = list(Impact.objects.filter(report__in=reports, ended_at=None).select_related("component"))
        news = _news(reports)
        for report in reports:
            own = [impact for impact in open_impacts if impact.report_id == report.pk]
            told.append(Told(report, addresses.incident_of(report.page, report.public_id), own, news.get(report.pk)))
    elif incident.is_open and not incident.merged_into_id:
        rows = Component.objects.filter(pk__in=mapped_to(incident)).select_related("page").defer("page__logo")
        silent = list(rows.order_by("page__name", "position"))
    looks = [
        (each.report.name, each.report.status, each.url, [(i.pk, i.health) for i in each.impacts], _counts(each.news))
        for each in told
    ]
    version = version_of((looks, [component.name for component in silent], incident.is_private))
    return Panel(incident, told, silent, version)


def _news(reports: list[Report]) -> dict[int, Mailing]:
    """The last mailing of an update of each report, by the report."""
    last = Mailing.objects.filter(report__in=reports, kind=Mailing.Kind.UPDATE).order_by("report_id", "-id")
    rows = Mailing.objects.filter(pk__in=last.distinct("report_id").values("pk")).only("report", "fanned_at")
    state = Delivery.State
    counted = rows.annotate(
        done=Count("deliveries", filter=Q(deliveries__state__in=(state.SENT, state.KEPT))),
        open=Count("deliveries", filter=Q(deliveries__state=state.PENDING)),
        failed=Count("deliveries", filter=Q(deliveries__state=state.FAILED)),
    )
    return {mailing.report_id: mailing for mailing in counted if mailing.report_id}


def _counts(news: Mailing | None) -> object:
    return news and (news.pk, news.fanned_at, news.done, news.open, news.failed)  # type: ignore[attr-defined]
