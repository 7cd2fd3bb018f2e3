"""The incident list: the state of the company at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import Role
from core.htmx import HtmxHttpRequest, render
from core.pagination import BadCursor, Page
from incidents import listing
from incidents.filters import IncidentFilter
from incidents.models import Incident

if TYPE_CHECKING:
    from django.http import HttpResponse

    from incidents.querysets import IncidentQuerySet


@login_required
@require_safe
def incident_list(request: HtmxHttpRequest) -> HttpResponse:
    """One page of incidents; tab, filters, order and page stand in the address."""
    user, now = person(request), timezone.now()
    period = _one_of(listing.PERIODS, request.GET.get("period"), "active")
    sort = _one_of(listing.SORTS, request.GET.get("sort"), listing.DEFAULT_SORT)
    filters = IncidentFilter(request.GET, queryset=Incident.objects.visible_to(user), request=request)
    context: dict[str, Any] = {
        "filters": filters,
        "period": period,
        "sort": sort,
        "page": _page(listing.rows_of(period, filters.qs, now=now), sort, request.GET.get("cursor")),
        "counts": listing.counts(filters.qs, user=user, now=now),
        "can_respond": user.has_role(Role.RESPONDER),
        "now": now,
    }
    return render(request, "incidents/incident_list.html", context, fragment="incidents/_incidents.html")


def _one_of(known: tuple[str, ...], value: str | None, default: str) -> str:
    return value if value in known else default


def _page(rows: IncidentQuerySet, sort: str, cursor: str | None) -> Page[Incident]:
    """The page at ``cursor``; a cursor of another order or another time leads to the first page."""
    try:
        return listing.page(rows, sort=sort, cursor=cursor)
    except BadCursor:
        return listing.page(rows, sort=sort, cursor=None)
