"""What numbers are, and the incidents behind each."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

from django.db.models import Prefetch, Q
from django.http import HttpResponse
from ninja import Query, Router

from api import paging
from api.auth import ApiRequest
from api.paging import Page
from api.problems import invalid
from api.resources.metrics_question import Asked, ask, monday_of
from api.schemas.incidents import IncidentOut
from api.schemas.metrics import BehindOut, BehindQuery, DefinitionOut, NoQuery, StateOut, seconds
from core.time_zones import instant, zone
from incidents.models import AffectedService
from incidents.querysets import seen_by
from metrics import drilldown
from metrics.figures import sums_zone
from metrics.measures import BY_KEY, Measure
from metrics.models import Fact, Progress, Stale
from metrics.periods import WEEK, Period

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User

router = Router(tags=["metrics"])

_COUNTED = BY_KEY["incidents"].condition
# Not summed by themselves: what the states of a promise are parts of.
PROMISED = {
    kind: Measure(
        kind, f"{kind.capitalize()} clocks", _COUNTED & ~Q(**{kind: Fact.Promise.NONE}), f"Those with a {kind} clock"
    )
    for kind in ("response", "resolution")
}
KNOWN = {**BY_KEY, **PROMISED}


@router.get("/incidents", response=BehindOut)
def list_metrics_incidents(request: ApiRequest, response: HttpResponse, query: Query[BehindQuery]) -> BehindOut:
    """The incidents behind a number: exactly those that it counts, or whose amounts it adds up. `total` is the
    number."""
    asked = ask(request, query, response)
    measure = KNOWN.get(query.of)
    if measure is None:
        raise invalid("of", "There is no such measure; see /api/v1/metrics/definitions.")
    if query.week is not None:
        asked = asked.within(_week(query.week, asked))
    rows = drilldown.rows(asked.figures(), measure, hour=query.hour)
    total = drilldown.total(rows, measure)
    if query.sort not in drilldown.sorts(measure):
        raise invalid("sort", "This measure counts incidents, and has no amounts.")
    whole, order = drilldown.in_order(_whole(rows, asked.user), measure, query.sort)
    page = paging.answer(
        request, whole, query, Page[IncidentOut], lambda fact: IncidentOut.of(fact.incident), sort=order
    )
    return BehindOut(
        items=page.items,
        next=page.next,
        total=(seconds(total) or 0) if drilldown.is_length(measure) else total,
        count=rows.count() if measure.amount else total,
    )


def _whole(rows: QuerySet[Fact], user: User) -> QuerySet[Fact]:
    """With what an incident shows. Its facts may be some seconds old: who may see it now is asked of itself."""
    if not user.is_staff:
        rows = rows.filter(seen_by(user, beside="incident__"))
    links = AffectedService.objects.select_related("service").order_by("id")
    prefetched = Prefetch("incident__service_links", links)
    return rows.select_related("incident__assignee").prefetch_related(prefetched)


def _week(text: str, asked: Asked) -> Period:
    """The part of the period that is in a week of its zone. Raises the problem 422."""
    monday, here = monday_of(text), zone(asked.period.zone)
    start, end = (instant(day, time.min, here) for day in (monday, monday + WEEK))
    start, end = max(start, asked.period.start), min(end, asked.period.end)
    return Period(start, max(start, end), asked.period.zone)


@router.get("/definitions", response=StateOut)
def read_metrics_definitions(request: ApiRequest) -> StateOut:
    """Every measure in words, and how fresh the figures are: a change is in them after a few seconds."""
    paging.refuse_unknown(request, NoQuery())
    progress = Progress.objects.filter(pk=1).first()
    return StateOut(
        zone=sums_zone(),
        summed_at=progress.summed_at if progress else None,
        waiting=Stale.objects.count(),
        is_rebuilding=bool(progress and progress.rebuilding),
        measures=[_defined(measure) for measure in KNOWN.values()],
    )


def _defined(measure: Measure) -> DefinitionOut:
    label, definition = drilldown.words(measure)
    unit = "seconds" if drilldown.is_length(measure) else measure.unit or "incidents"
    return DefinitionOut(key=measure.key, label=label, definition=definition, unit=unit)
