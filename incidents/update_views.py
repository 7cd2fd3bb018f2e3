"""Saying how an incident stands: writing, looking at it once more, taking it back, saying it otherwise."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import person
from core.forms import take_errors
from core.htmx import HtmxHttpRequest
from incidents import audience, communication, update_words, wordings
from incidents.fetching import incident_for_responder, update_of
from incidents.models import StatusUpdate
from incidents.models.incident import NotAllowedNow
from incidents.policy import policies
from incidents.update_forms import NEXT, ChooseTemplateForm, EditUpdateForm, EditWaitingForm, StatusUpdateForm
from incidents.views import sheets
from incidents.views.detail import page
from incidents.views.sheets import Sheet, posted, shown_and_sent

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import HttpResponse

    from accounts.models import User
    from incidents.models import Incident

UPDATE = Sheet("Post a status update", "Post update", "incidents/_update_fields.html")
EDIT = Sheet("Edit the status update", "Save", "incidents/_update_edit_fields.html")
EDIT_WAITING = Sheet("Edit the status update", "Save", "incidents/_update_fields.html")


@login_required
@shown_and_sent
def post_update(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Say how it stands; or, with another of the form's buttons, begin with a template, or see how it will look."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = StatusUpdateForm(posted(request), incident=incident, initial=_suggested(incident))
    choose = ChooseTemplateForm(posted(request), incident=incident)
    more: dict[str, Any] = {"choose": choose, "last": _last(incident)}
    if "fill" in request.POST:
        begun = _begun(request, incident, choose) or form
        return sheets.shown(request, incident, UPDATE, begun, more=more, is_step=True)
    if "preview" in request.POST:
        draft = _draft(form, incident, user)
        if draft:
            more |= _preview(draft, now=draft.at)
            form.look_elsewhere()
        return sheets.shown(request, incident, UPDATE, form, more=more, is_step=draft is not None)
    act = partial(communication.post_update, incident, by=user)
    is_held = request.POST.get("when", "hold") != "at"
    said = "It goes out in a minute; until then you can undo it." if is_held else "It goes out at the time you chose."
    return sheets.answer(request, incident, UPDATE, form, act, said=said, more=more)


@login_required
@shown_and_sent
def edit_update(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Say it otherwise: all of what waits, the words of what is out; or see how it will look."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    update = update_of(incident, pk)
    is_whole = "when" in request.POST if request.method == "POST" else update.is_waiting  # it may go out meanwhile
    form = (EditWaitingForm if is_whole else EditUpdateForm)(posted(request), update=update)
    sheet, more = EDIT_WAITING if is_whole else EDIT, {"update": update}
    if not form.is_valid():
        return sheets.shown(request, incident, sheet, form, more=more)
    try:
        if isinstance(form, EditWaitingForm) and "preview" in request.POST:
            now, said = timezone.now(), dict(form.cleaned_data)
            del said["based_on"]
            more |= _preview(update_words.edited(update, now=now, **said), now=now)
            form.look_elsewhere()
            return sheets.shown(request, incident, sheet, form, more=more, is_step=True)
        communication.edit(update, by=user, **form.cleaned_data)
        return sheets.done(request, incident, said="The update is saved.")
    except communication.Overtaken as overtaken:
        return _overtaken(request, incident, overtaken)
    except (ValidationError, NotAllowedNow) as error:
        take_errors(form, error if isinstance(error, ValidationError) else ValidationError(str(error)))
    return sheets.shown(request, incident, sheet, form, more=more)


def _overtaken(request: HtmxHttpRequest, incident: Incident, overtaken: communication.Overtaken) -> HttpResponse:
    """Everything as it was typed, beside what the update says by now, and to be saved over that."""
    update, typed = overtaken.update, request.POST.copy()
    typed["based_on"] = update.version
    is_whole = update.is_waiting
    form = (EditWaitingForm if is_whole else EditUpdateForm)(typed, update=update)
    more = {"update": update, "overtaken": overtaken}
    return sheets.shown(request, incident, EDIT_WAITING if is_whole else EDIT, form, more=more, status=409)


@login_required
@require_POST
def withdraw_update(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Undo: take back what waits."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    try:
        communication.withdraw(update_of(incident, pk), by=user)
    except NotAllowedNow as error:
        return sheets.conflict(request, incident, str(error), partial(page, request, incident))
    return sheets.done(request, incident, said="The update is taken back. Nobody has read it.")


@login_required
@require_POST
def publish_update(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Publish what waits, now."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    try:
        communication.publish_now(update_of(incident, pk), by=user)
    except NotAllowedNow as error:
        return sheets.conflict(request, incident, str(error), partial(page, request, incident))
    return sheets.done(request, incident, said="The update is published.")


def _suggested(incident: Incident) -> dict[str, Any]:
    """What the next update most likely says of itself."""
    last = incident.status_updates.filter(cancelled_at=None).order_by("due_at", "id").last()
    every = str(policies()[incident.severity].update_every_minutes or "")
    return {
        "status": communication.suggested_status(incident, last=last),
        "title": update_words.public_title(incident),
        "next_in": every if every in NEXT and incident.is_open else "",
    }


def _last(incident: Incident) -> StatusUpdate | None:
    said = incident.status_updates.published().select_related("by").order_by("published_at", "id")
    last: StatusUpdate | None = said.last()
    return last


def _begun(request: HtmxHttpRequest, incident: Incident, choose: ChooseTemplateForm) -> StatusUpdateForm | None:
    """The form with the words of the template that was chosen, if one was."""
    template = choose.cleaned_data["template"] if choose.is_valid() else None
    if template is None:
        return None
    so_far = StatusUpdateForm(request.POST, incident=incident)
    words = wordings.fill(template, incident, next_at=so_far.next_so_far(), now=timezone.now())
    return StatusUpdateForm.begun(request.POST, words, incident=incident)


def _draft(form: StatusUpdateForm, incident: Incident, user: User) -> StatusUpdate | None:
    """What the form would publish; None where it has to be looked at again, and says so."""
    try:
        if form.is_valid():
            return communication.draft(incident, by=user, now=timezone.now(), **form.cleaned_data)
    except ValidationError as error:
        take_errors(form, error)
    return None


def _preview(draft: StatusUpdate, *, now: datetime) -> dict[str, Any]:
    is_public = draft.visibility == StatusUpdate.Visibility.EXTERNAL
    return {
        "draft": draft,
        "inside": audience.of(draft.incident, by=draft.by, now=now),
        "doubts": update_words.inner_words(draft.incident, f"{draft.title}\n{draft.message}") if is_public else [],
        "public_title": draft.title or update_words.public_title(draft.incident, beside=draft if draft.pk else None),
    }
