"""All that incidents left to do, finished or visibly not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import Role
from core.htmx import HtmxHttpRequest, render, unseen, wants_fragment
from core.pagination import BadCursor
from core.redirects import see_other
from core.versions import version_of
from followups import export, listing, summary
from followups.filters import FollowUpFilter, ScopeFilter
from followups.models import Tracker
from incidents.models import ActionItem
from incidents.views.export import as_file

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import QueryDict, StreamingHttpResponse

    from accounts.models import User
    from core.pagination import Page
    from incidents.models.communication import ActionItemQuerySet

TABS = (
    (listing.OPEN, "Open"),
    (listing.OVERDUE, "Overdue"),
    (listing.DONE, "Done"),
    (listing.ACCEPTED, "Accepted"),
    (listing.ALL, "All"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says."""

    user: User
    now: datetime
    query: QueryDict
    state: str
    sort: str
    scope: ScopeFilter
    filters: FollowUpFilter

    @property
    def rows(self) -> ActionItemQuerySet:
        """Everything of the tab that fits the filters, in no order."""
        return listing.rows_of(self.state, self.filters.qs, now=self.now, today=timezone.localdate(self.now))

    @property
    def address(self) -> str:
        """The list that the address shows."""
        words = self.query.urlencode()
        return f"{reverse('followups:list')}?{words}" if words else reverse("followups:list")


def asked(request: HtmxHttpRequest) -> Asked:
    """Read the address, without what an open page adds to it and what says nothing."""
    user, query = person(request), request.GET.copy()
    query.pop("seen", None)
    for name in [name for name, values in query.lists() if not any(values)]:
        del query[name]
    state = query.get("state", "")
    state = state if state in listing.STATES else listing.OPEN
    sort = query.get("sort", "")
    visible = ActionItem.objects.visible_to(user)
    return Asked(
        user=user,
        now=timezone.now(),
        query=query,
        state=state,
        sort=sort if sort in listing.SORTS else listing.default_sort(state),
        scope=ScopeFilter(query, queryset=visible, request=request),
        filters=FollowUpFilter(query, queryset=visible, request=request),
    )


@login_required
@require_safe
def follow_ups(request: HtmxHttpRequest) -> HttpResponse:
    """One page of the action items of all incidents, and how it stands. An open page asks with the versions that it
    shows and gets the parts that differ, or 204."""
    seen, ask = request.GET.get("seen", ""), asked(request)
    query = ask.query.copy()
    request.GET = query  # type: ignore[assignment]
    context = _context(ask)
    if not wants_fragment(request):
        return render(request, "followups/follow_ups.html", context | {"filters": ask.filters})
    query["seen"] = seen
    fresh = unseen(request, context["versions"])
    del query["seen"]
    if not fresh:
        return HttpResponse(status=204)
    context["panels"] = [f"followups/_{name}.html" for name in fresh]
    return render(request, "home/_panels.html", context)


@login_required
@require_safe
def export_csv(request: HtmxHttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Everything of the tab and filters in the address as CSV. A wrong filter is left out of the list, which says so;
    a file could not."""
    ask = asked(request)
    if not ask.filters.form.is_valid():
        messages.warning(request, "Nothing was exported, because a filter is not right. It says below what it takes.")
        return see_other(ask.address)
    name = f"follow-ups-{ask.state}-{ask.now:%Y-%m-%d}.csv"
    return as_file(request, export.chunks(ask.rows, sort=ask.sort), name=name, instead=ask.address)


def _context(ask: Asked) -> dict[str, Any]:
    page, today = _page(ask), timezone.localdate(ask.now)
    rows = listing.as_rows(page.items, now=ask.now)
    figures = summary.of(ask.scope.qs, now=ask.now, today=today)
    can_respond = ask.user.has_role(Role.RESPONDER)
    can_export = can_respond and Tracker.objects.on().exists()
    shown = ([row.version for row in rows], today, can_respond, can_export, page.next is None, page.previous is None)
    return {
        "rows": rows,
        "page": page,
        "figures": figures,
        "filters": ask.filters,
        "tabs": TABS,
        "state": ask.state,
        "sort": ask.sort,
        "address": ask.address,
        "can_respond": can_respond,
        "can_export": can_export,
        "versions": {"items": version_of(shown), "figures": version_of(figures), "sides": version_of(figures)},
    }


def _page(ask: Asked) -> Page[ActionItem]:
    """The page at the cursor; a cursor of another order leads to the first page."""
    try:
        return listing.page(ask.rows, sort=ask.sort, cursor=ask.query.get("cursor"))
    except BadCursor:
        return listing.page(ask.rows, sort=ask.sort, cursor=None)
