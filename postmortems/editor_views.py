"""The editor: every section a form of its own, its preview, and what happens when two people write the same words.

A browser that runs our script gets the part of the page that has changed; every other one the whole page, or after a
save a redirect to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.access import person
from core.htmx import HtmxHttpRequest, render, unseen, wants_fragment
from core.redirects import see_other
from incidents.models.incident import NotAllowedNow
from postmortems import desk, editing, merging
from postmortems.desk import Typed
from postmortems.editing import Overtaken
from postmortems.fetching import postmortem_for_responder, section_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

    from accounts.models import User
    from postmortems.models import Postmortem, Section

INCOMPLETE = "What came from your browser was not complete. Reload the page and try again."
TOO_LONG = "What came from your browser was longer than a section can be. Reload the page and try again."


@login_required
@require_safe
def edit(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """All sections to write."""
    return page(request, postmortem_for_responder(person(request), reference))


@login_required
@require_GET
def edit_changed(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """The parts of the editor that the reader has not seen as they are; 204 when there are none."""
    shown = desk.of(postmortem_for_responder(person(request), reference))
    fresh = unseen(request, shown.versions)
    if not fresh:
        return HttpResponse(status=204)
    places = [place for place in shown.places if f"edit-{place.section.key}" in fresh]
    context = _context(shown) | {"places": places}
    return render(request, "postmortems/_edit_changed.html", context)


@login_required
@require_POST
def write(request: HtmxHttpRequest, reference: str, section: str) -> HttpResponse:
    """Save a section, or say why not: 409 where somebody else has changed the same words, 422 for a text too long."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    row, sent = section_of(postmortem, section), _sent(request)
    if sent is None:
        return _answer(request, user, row, Typed(row.body, row.body, wrong=INCOMPLETE), status=422)
    if sent.wrong:
        return _answer(request, user, row, sent, status=422)
    if "together" in request.POST:
        both = merging.together(sent.text, row.body)
        return _answer(request, user, row, Typed(both, row.body, note="Both texts, not saved"))
    try:
        saved = editing.write(row, body=sent.text, base=sent.base, by=user)
    except (Overtaken, ValidationError, NotAllowedNow) as error:
        typed, status = _not_saved(sent, error)
        return _answer(request, user, row, typed, status=status)
    if wants_fragment(request):
        note = f"Saved {timezone.localtime():%H:%M}"
        return _answer(request, user, row, Typed(saved.body, saved.body, note=note, sent=sent.text))
    is_merged = saved.body != sent.text
    messages.success(request, f"{row.title}: saved{' with what somebody else wrote meanwhile' if is_merged else ''}.")
    return see_other(f"{_address(reference)}#edit-{row.key}")


def _not_saved(sent: Typed, error: Exception) -> tuple[Typed, int]:
    """What was typed, with why it was not saved, and the status that says so."""
    if isinstance(error, Overtaken):
        theirs = error.section.body
        return Typed(sent.text, theirs, conflict=desk.conflict_of(str(error), mine=sent.text, theirs=theirs)), 409
    if isinstance(error, ValidationError):
        return Typed(sent.text, sent.base, wrong=" ".join(error.messages)), 422
    return Typed(sent.text, sent.base, wrong=str(error)), 409


@login_required
@require_POST
def preview(request: HtmxHttpRequest, reference: str, section: str) -> HttpResponse:
    """How a section would read; nothing is saved."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    row, sent = section_of(postmortem, section), _sent(request)
    if sent is None:
        return _answer(request, user, row, Typed(row.body, row.body, wrong=INCOMPLETE), status=422)
    if sent.wrong:
        return _answer(request, user, row, sent, status=422)
    typed = Typed(sent.text, sent.base, is_preview=True)
    if wants_fragment(request):
        shown = desk.of(postmortem, {row.key: typed})
        place = next(place for place in shown.places if place.section == row)
        return render(request, "postmortems/_edit_preview.html", {"place": place})
    return _answer(request, user, row, typed)


def page(
    request: HttpRequest, postmortem: Postmortem, *, status: int = 200, typed: Mapping[str, Typed] | None = None
) -> HttpResponse:
    """The editor with what somebody has typed; for a published postmortem 409, and how to take it back."""
    if postmortem.is_published:
        status = 409
    return render(request, "postmortems/postmortem_edit.html", _context(desk.of(postmortem, typed)), status=status)


def _answer(request: HttpRequest, user: User, section: Section, typed: Typed, *, status: int = 200) -> HttpResponse:
    """The section as it stands now with what was typed: alone to our script, otherwise on its page."""
    postmortem = postmortem_for_responder(user, f"INC-{section.postmortem.incident_id}")
    if not wants_fragment(request):
        return page(request, postmortem, status=status, typed={section.key: typed})
    shown = desk.of(postmortem, {section.key: typed})
    places = [place for place in shown.places if place.section == section]
    return render(request, "postmortems/_edit_changed.html", _context(shown) | {"places": places}, status=status)


def _context(shown: desk.Desk) -> dict[str, object]:
    return {
        "desk": shown,
        "places": shown.places,
        "postmortem": shown.postmortem,
        "incident": shown.postmortem.incident,
        "published": editing.PUBLISHED if shown.postmortem.is_published else "",
        "can_respond": True,
    }


def _sent(request: HttpRequest) -> Typed | None:
    """The field and what it began with, with line ends as they are kept, and what is wrong if either is too long; None
    where the browser has left one out."""
    if not {"body", "base"} <= request.POST.keys():
        return None
    text, base = (editing.normal(request.POST[name]) for name in ("body", "base"))
    if len(base) > editing.BODY_LIMIT:  # no section was ever as long
        return Typed(text, "", wrong=TOO_LONG)
    return Typed(text, base, wrong=editing.too_long(text))


def _address(reference: str) -> str:
    return see_other("postmortems:edit", reference=reference).url
