"""The list of postmortems: what was learned, what is being written, and what is behind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import Http404
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.access import person
from core import pagination
from core.counting import Count, counted
from core.text import single_line
from incidents.policy import policies
from incidents.querysets import UNLISTED
from postmortems import listing, searching
from postmortems.listing import Filters, Standing
from postmortems.models import Postmortem

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User
    from incidents.models import Incident
    from incidents.querysets import IncidentQuerySet
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
        page, incidents = _behind(request, late) if tab == BEHIND else _written(request, user, filters, tab)
    except pagination.BadCursor:
        raise Http404 from None
    states = {state: listing.narrowed(user, filters, state=state) for state in (State.DRAFT, State.IN_REVIEW)}
    counts = counted(MOST_COUNTED, **states, **late)
    context = {
        "page": page,
        "rows": _rows(listing.standings(incidents, promised, now=now), filters.q),
        "filters": filters,
        "tab": tab,
        "tabs": TABS,
        "counts": counts | {BEHIND: Count(counts["late"] + counts["missing"], MOST_COUNTED)},
        "choices": listing.choices(user),
    }
    return render(request, "postmortems/postmortem_list.html", context)


def asked(request: HttpRequest) -> Filters:
    """What the address narrows the list to."""
    given = {name: single_line(request.GET.get(name, ""), limit=LONGEST) for name in Filters.__dataclass_fields__}
    return Filters(**given)


def _behind(
    request: HttpRequest, late: dict[str, IncidentQuerySet]
) -> tuple[pagination.Page[Incident], list[Incident]]:
    """One page of incidents with their postmortems. Raises BadCursor."""
    postmortems = Postmortem.objects.defer("document").select_related("owner").prefetch_related("factors")
    lanes = [
        rows.defer(*UNLISTED).prefetch_related("affected_services", Prefetch("postmortem", postmortems))
        for rows in late.values()
    ]
    page = pagination.page(lanes, sort=("-resolved_at",), cursor=request.GET.get("cursor"), limit=ROWS)
    return page, page.items


def _written(
    request: HttpRequest, user: User, filters: Filters, state: str
) -> tuple[pagination.Page[Postmortem], list[Incident]]:
    """One page of postmortems, and their incidents. Raises BadCursor."""
    rows = listing.narrowed(user, filters, state=state).for_list()
    page = pagination.page(rows, sort=("-id",), cursor=request.GET.get("cursor"), limit=ROWS)
    return page, [row.incident for row in page.items]


def _rows(standings: list[Standing], words: str) -> list[Row]:
    written = [each.postmortem for each in standings if each.postmortem] if words else []
    found = {each.postmortem.pk: each for each in searching.found_in(written, words)}
    return [Row(each, found.get(each.postmortem.pk) if each.postmortem else None) for each in standings]
