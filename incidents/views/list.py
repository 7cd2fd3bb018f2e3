"""The incident list: the state of the company at a glance."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import Role
from core.htmx import HtmxHttpRequest, render, wants_fragment
from core.pagination import BadCursor, Page
from incidents import list_rows, listing, saved_views
from incidents.filters import IncidentFilter
from incidents.models import Incident, SavedView

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import QueryDict

    from accounts.models import User
    from incidents.querysets import IncidentQuerySet

ID = "incidents"  # of the part of the page that asks whether it is current
_NUMBERS = re.compile(r"[0-9]{1,18}(?:,[0-9]{1,18}){0,499}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says: what to show, and what an open page that asks again shows already."""

    user: User
    now: datetime
    query: QueryDict
    period: str
    sort: str
    filters: IncidentFilter
    seen: str
    shown: frozenset[int]

    @property
    def rows(self) -> IncidentQuerySet:
        """Everything of the tab that fits the filters, in no order."""
        return listing.rows_of(self.period, self.filters.qs, now=self.now)


def asked(request: HtmxHttpRequest) -> Asked:
    """Read the address. What an open page adds to it is taken away, so that no link of the answer carries it on."""
    user, query = person(request), request.GET.copy()
    seen, shown = query.pop("seen", [""])[-1], query.pop("shown", [""])[-1]
    request.GET = query  # type: ignore[assignment]
    return Asked(
        user=user,
        now=timezone.now(),
        query=query,
        period=_one_of(listing.PERIODS, query.get("period"), listing.PERIODS[0]),
        sort=_one_of(listing.SORTS, query.get("sort"), listing.DEFAULT_SORT),
        filters=IncidentFilter(query, queryset=Incident.objects.visible_to(user), request=request),
        seen=seen,
        shown=frozenset(map(int, shown.split(","))) if _NUMBERS.fullmatch(shown) else frozenset(),
    )


@login_required
@require_safe
def incident_list(request: HtmxHttpRequest) -> HttpResponse:
    """One page of incidents; tab, filters, order and page stand in the address.

    An open page asks for the same address with the version that it has seen: 204 while nothing has changed.
    """
    ask = asked(request)
    if wants_fragment(request):
        return _refreshed(request, ask)
    if (tidy := _without_blanks(request)) is not None:
        return HttpResponseRedirect(tidy)
    views = list(SavedView.objects.visible_to(ask.user))
    current = saved_views.normalised(ask.query.urlencode())
    view = next((view for view in views if view.query == current), None)
    context = _context(request, ask) | {"filters": ask.filters, "views": views, "view": view, "current": current}
    return render(request, "incidents/incident_list.html", context)


def _refreshed(request: HtmxHttpRequest, ask: Asked) -> HttpResponse:
    """What the open page shows now; also what it still shows of incidents that have left its view."""
    context = _context(request, ask)
    if ask.seen == f"{ID}.{context['version']}":
        return HttpResponse(status=204)
    return render(request, "incidents/_list_changes.html", context)


def _context(request: HtmxHttpRequest, ask: Asked) -> dict[str, Any]:
    page = _page(ask)
    rows = list_rows.of(page.items)
    gone = ask.shown - {row.incident.pk for row in rows}
    counts = listing.counts(ask.filters.qs, now=ask.now)
    shown: dict[str, Any] = {
        "rows": rows,
        "left": list_rows.of_numbers(gone, user=ask.user) if gone else [],
        "counts": counts,
        "first_due": list_rows.first_due(rows, ask.filters.qs, waiting=counts.waiting),
        "can_respond": ask.user.has_role(Role.RESPONDER),
    }
    return shown | {
        "version": _version(shown, page),
        "filters": ask.filters,
        "period": ask.period,
        "sort": ask.sort,
        "page": page,
        "address": list_address(ask.query),
        "unfiltered": list_address(_only(ask.query, "period", "sort")),
        "now": ask.now,
    }


def _version(shown: dict[str, Any], page: Page[Incident]) -> str:
    """Another one as soon as the page would show anything else; what only ticks does not count."""
    rows = [(row.incident.pk, row.version) for row in (*shown["rows"], *shown["left"])]
    due = shown["first_due"] and shown["first_due"].due_at
    return list_rows.digest(rows, shown["counts"], due, shown["can_respond"], page.next is None, page.previous is None)


def _one_of(known: tuple[str, ...], value: str | None, default: str) -> str:
    return value if value in known else default


def _page(ask: Asked) -> Page[Incident]:
    """The page at the cursor; a cursor of another order or another time leads to the first page."""
    show = partial(listing.page, ask.rows, sort=ask.sort, now=ask.now)
    try:
        return show(cursor=ask.query.get("cursor"))
    except BadCursor:
        return show(cursor=None)


def list_address(query: QueryDict) -> str:
    """The list that this query string shows."""
    address = reverse("incidents:list")
    return f"{address}?{query.urlencode()}" if query else address


def _only(query: QueryDict, *names: str) -> QueryDict:
    kept = query.copy()
    for name in set(query) - set(names):
        del kept[name]
    return kept


def _without_blanks(request: HtmxHttpRequest) -> str | None:
    """The address without parameters that say nothing, as a form sends them without JavaScript; None if it has none."""
    query = request.GET.copy()
    for name in [name for name, values in query.lists() if not any(values)]:
        del query[name]
    return list_address(query) if len(query) < len(request.GET) else None
