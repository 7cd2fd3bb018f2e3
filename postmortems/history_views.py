"""What a section said before, what differs, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from accounts.models import Role
from core import diffing
from core.redirects import see_other
from incidents.models.incident import NotAllowedNow
from postmortems import editing, histories
from postmortems.fetching import postmortem_for, postmortem_for_responder, section_of
from postmortems.models import Revision

if TYPE_CHECKING:
    from postmortems.models import Postmortem, Section

MOST_REVISIONS = 1_000
MOST_SITTINGS = 50


@login_required
@require_safe
def history(request: HttpRequest, reference: str) -> HttpResponse:
    """The revisions of one section, and what differs between two: the newest sitting and what was there before, or
    those in the address."""
    postmortem = postmortem_for(person(request), reference)
    section = section_of(postmortem, request.GET.get("section") or postmortem.sections.all()[0].key)
    return _page(request, postmortem, section)


@login_required
@require_POST
def restore(request: HttpRequest, reference: str, section: str) -> HttpResponse:
    """Let the section say again what it said as of a revision."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    row = section_of(postmortem, section)
    number = _number(request.POST.get("number", ""), 0)
    try:
        editing.take_back(row, number=number, by=user)
    except Revision.DoesNotExist:
        raise Http404("There is no such revision.") from None
    except NotAllowedNow as error:
        return _page(request, postmortem, row, conflict=str(error))
    messages.success(request, f"{row.title} says again what it said as of revision {number}.")
    return see_other(f"{see_other('postmortems:history', reference=reference).url}?section={row.key}")


def _page(request: HttpRequest, postmortem: Postmortem, section: Section, *, conflict: str = "") -> HttpResponse:
    rows = Revision.objects.visible_to(person(request)).filter(section=section).select_related("by")
    until = _number(request.GET.get("until", ""), section.number)
    shown = histories.sittings(rows.defer("body").filter(number__lte=until).order_by("-number")[:MOST_REVISIONS])
    listed, earlier = shown[:MOST_SITTINGS], shown[MOST_SITTINGS:]
    newest = listed[0] if listed else None
    new = _number(request.GET.get("to", ""), newest.number if newest else section.number)
    before = (newest.before or newest.number) if newest else new
    old = _number(request.GET.get("from", ""), before)
    texts = dict(rows.filter(number__in=(old, new)).values_list("number", "body"))
    if not {old, new} <= texts.keys():
        raise Http404("There is no such revision.")
    context = {
        "postmortem": postmortem,
        "incident": postmortem.incident,
        "section": section,
        "sittings": listed,
        "earlier": earlier[0].number if earlier else None,
        "old": old,
        "new": new,
        "lines": diffing.lines(texts[old], texts[new]),
        "can_respond": person(request).has_role(Role.RESPONDER),
        "conflict": conflict,
    }
    return render(request, "postmortems/postmortem_history.html", context, status=409 if conflict else 200)


def _number(given: str, default: int) -> int:
    return int(given) if given.isascii() and given.isdecimal() and len(given) < 9 else default
