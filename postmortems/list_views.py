"""The list of postmortems: what was learned, what is being written, and what is behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import person
from core import pagination
from core.counting import counted
from core.text import single_line
from incidents.policy import policies
from incidents.querysets import UNLISTED, IncidentQuerySet
from postmortems import listing, searching
from postmortems.listing import Filters, Standing
from postmortems.models import Postmortem

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from incidents.models import Incident
    from postmortems.querysets import PostmortemQuerySet
    from postmortems.searching import Found

ROWS = 50
MOST_COUNTED = 99
LONGEST = 200  # characters of a filter
BEHIND = "behind"
TABS = {"": "All", "draft": "Drafts", "in_review": "In review", "published": "Published", BEHIND: "Missing or overdue"}

State = Postmortem.State


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list: how far it is, and where the words that were asked for stand in it."""

    standing: Standing
    found: Found | None


@login_required
@require_GET
def postmortem_list(request: HttpRequest) -> HttpResponse:
    """Postmortems, the newest first; on the last tab incidents whose postmortem is behind, the last ended first."""
    user, now, promised = person(request), timezone.now(), policies()
    filters, tab = asked(request), request.GET.get("tab", "")
    tab = tab if tab in TABS else ""
    late = listing.behind(user, filters, promised, now=now)
    try:
        page, incidents = _page(request, late if tab == BEHIND else listing.narrowed(user, filters, state=tab))
    except pagination.BadCursor:
        raise Http404 from None
    states = {state: listing.narrowed(user, filters, state=state) for state in (State.DRAFT, State.IN_REVIEW)}
    context = {
        "page": page,
        "rows": _rows(listing.standings(incidents, promised, now=now), filters.q),
        "filters": filters,
        "tab": tab,
        "tabs": TABS,
        "counts": counted(MOST_COUNTED, **states, **{BEHIND: late}),
        "choices": listing.choices(user),
    }
    return render(request, "postmortems/postmortem_list.html", context)


def asked(request: HttpRequest) -> Filters:
    """What the address narrows the list to."""
    given = {name: single_line(request.GET.get(name, ""), limit=LONGEST) for name in Filters.__dataclass_fields__}
    return Filters(**given)


def _page(
    request: HttpRequest, rows: PostmortemQuerySet | IncidentQuerySet
) -> tuple[pagination.Page[Any], list[Incident]]:
    """One page, and its incidents with their postmortems. Raises BadCursor."""
    cursor = request.GET.get("cursor")
    if isinstance(rows, IncidentQuerySet):
        ended = rows.defer(*UNLISTED, "postmortem__document").select_related("postmortem__owner")
        ended = ended.prefetch_related("affected_services", "postmortem__factors")
        page = pagination.page(ended, sort=("-resolved_at",), cursor=cursor, limit=ROWS)
        return page, page.items
    written = pagination.page(rows.for_list(), sort=("-id",), cursor=cursor, limit=ROWS)
    return written, [row.incident for row in written.items]


def _rows(standings: list[Standing], words: str) -> list[Row]:
    written = [each.postmortem for each in standings if each.postmortem] if words else []
    found = {each.postmortem.pk: each for each in searching.found_in(written, words)}
    return [Row(each, found.get(each.postmortem.pk) if each.postmortem else None) for each in standings]
