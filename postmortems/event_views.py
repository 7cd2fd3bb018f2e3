"""Choosing what a postmortem tells: its events, and what else the timeline of the incident has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.access import person
from accounts.models import Role
from core import pagination
from core.forms import take_errors
from core.htmx import HtmxHttpRequest, render, unseen, wants_fragment
from core.redirects import see_other
from core.versions import version_of
from incidents.models.incident import NotAllowedNow
from incidents.views import sheets
from incidents.views.sheets import posted, shown_and_sent
from postmortems import events, wording
from postmortems.event_forms import EventForm, RestForm, picked
from postmortems.fetching import event_of, postmortem_for, postmortem_for_responder

if TYPE_CHECKING:
    from collections.abc import Callable

    from postmortems.models import KeyEvent, Postmortem

ROWS = 50
SHOWN = ("", "told", "out", "rest")


@login_required
@require_safe
def event_list(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """The events in order, or what else the timeline has."""
    show = request.GET.get("show", "")
    context = _context(request, postmortem_for(person(request), reference), show)
    if wants_fragment(request) and show != "rest":
        if not unseen(request, {"events": context["version"]}):
            return HttpResponse(status=204)
        return render(request, "postmortems/_event_list.html", context)
    return render(request, "postmortems/postmortem_events.html", context)


@login_required
@require_POST
def event_decide(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Keep, leave out or take in: one by its own button, or all that are ticked."""
    user, data = person(request), request.POST
    postmortem = postmortem_for_responder(user, reference)
    try:
        if "take_in" in data:
            entries = picked(data, "take_in") or picked(data, "entry")
            count = len(events.take_in(postmortem, entries, by=user)) if entries else 0
            said = _counted(count, "is told now", "are told now")
        else:
            is_kept = "keep" in data
            pks = picked(data, "keep" if is_kept else "leave_out") or picked(data, "event")
            count = events.decide(postmortem, pks, is_kept=is_kept, by=user) if pks else 0
            said = _counted(count, *(("is told", "are told") if is_kept else ("is left out", "are left out")))
    except NotAllowedNow as error:
        return _refused(request, postmortem, str(error), status=409)
    except ValidationError as error:
        return _refused(request, postmortem, " ".join(error.messages), status=422)
    if wants_fragment(request):
        return sheets.done(request, postmortem.incident, said=said)
    messages.success(request, said)
    query = request.GET.urlencode()
    return see_other(_address(postmortem) + (f"?{query}" if query else ""))


@login_required
@shown_and_sent
def event_new(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Tell something that the timeline does not have."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    form = EventForm(posted(request), initial={"at": postmortem.incident.started_at})

    def act(**said: Any) -> KeyEvent:
        return events.add(postmortem, by=user, **said)

    return _sheet(request, postmortem, None, form, act)


@login_required
@shown_and_sent
def event_edit(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Correct what an event says, or when it happened; or take the correction back."""
    user = person(request)
    postmortem = postmortem_for_responder(user, reference)
    event = event_of(postmortem, pk)

    def act(**said: Any) -> KeyEvent:
        return events.correct(event, by=user, **said)

    if "source" in request.POST and event.source_at:
        data = {"text": event.source_text, "at": event.source_at}
        return _sheet(request, postmortem, event, EventForm(event=event), lambda **_: act(**data), is_ready=True)
    return _sheet(request, postmortem, event, EventForm(posted(request), event=event), act)


def _counted(count: int, one: str, many: str) -> str:
    return "Nothing was chosen." if not count else f"1 event {one}." if count == 1 else f"{count} events {many}."


def _refused(request: HtmxHttpRequest, postmortem: Postmortem, why: str, *, status: int) -> HttpResponse:
    if wants_fragment(request):
        context = {"conflict": why, "incident": postmortem.incident}
        return render(request, "incidents/_overtaken.html", context, status=status)
    context = _context(request, postmortem, request.GET.get("show", "")) | {"conflict": why}
    return render(request, "postmortems/postmortem_events.html", context, status=status)


def _sheet(
    request: HtmxHttpRequest,
    postmortem: Postmortem,
    event: KeyEvent | None,
    form: EventForm,
    act: Callable[..., KeyEvent],
    *,
    is_ready: bool = False,
) -> HttpResponse:
    """A small form: shown, done, sent back with what is wrong, or 409 where it cannot be any more."""
    try:
        if is_ready or form.is_valid():
            made = act(**({} if is_ready else form.cleaned_data))
            if wants_fragment(request):
                return sheets.done(request, postmortem.incident, said="Saved.")
            return see_other(f"{_address(postmortem)}#event-{made.pk}")
    except ValidationError as error:
        take_errors(form, error)
    except NotAllowedNow as error:
        return _refused(request, postmortem, str(error), status=409)
    context = {"postmortem": postmortem, "incident": postmortem.incident, "event": event, "form": form}
    status = 422 if request.method == "POST" else 200
    template, fragment = "postmortems/event_form.html", "postmortems/_event_form.html"
    return render(request, template, context, fragment=fragment, status=status)


def _context(request: HtmxHttpRequest, postmortem: Postmortem, show: str) -> dict[str, Any]:
    can_respond = person(request).has_role(Role.RESPONDER) and not postmortem.is_published
    rows = list(postmortem.events.select_related("changed_by", "entry__by"))
    told = sum(event.is_kept for event in rows)
    shown = [event for event in rows if {"told": event.is_kept, "out": not event.is_kept}.get(show, True)]
    context = {
        "postmortem": postmortem,
        "incident": postmortem.incident,
        "can_respond": can_respond,
        "show": show if show in SHOWN else "",
        "counts": {"all": len(rows), "told": told, "out": len(rows) - told},
        "days": _by_day(shown),
        "version": version_of((postmortem.state, [(row.pk, row.changed_at, row.is_kept) for row in rows], told)),
    }
    return context | (_rest(request, postmortem) if show == "rest" else {})


def _rest(request: HtmxHttpRequest, postmortem: Postmortem) -> dict[str, Any]:
    """A page of what the timeline has besides, narrowed by words and kind."""
    form = RestForm(request.GET)
    chosen = form.cleaned_data if form.is_valid() else {}
    rows = events.not_told(postmortem, q=chosen.get("q", ""), kind=chosen.get("kind", ""))
    try:
        page = pagination.page(rows, sort=("at",), cursor=request.GET.get("cursor"), limit=ROWS)
    except pagination.BadCursor:
        raise Http404 from None
    return {"page": page, "rest": [(entry, wording.say(entry)) for entry in page.items], "form": form, "chosen": chosen}


def _by_day(rows: list[KeyEvent]) -> list[tuple[Any, list[KeyEvent]]]:
    days: dict[Any, list[KeyEvent]] = {}
    for event in rows:
        days.setdefault(timezone.localtime(event.at).date(), []).append(event)
    return list(days.items())


def _address(postmortem: Postmortem) -> str:
    return see_other("postmortems:events", reference=postmortem.incident.reference).url
