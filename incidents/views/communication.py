"""Saying how an incident stands, and what it left to do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.views.decorators.http import require_POST

from accounts.access import person
from core.htmx import HtmxHttpRequest, wants_fragment
from core.redirects import see_other
from incidents import action_items, communication
from incidents.communication_forms import ActionItemForm, StatusUpdateForm
from incidents.fetching import action_item_of, incident_for_responder
from incidents.models import ActionItem
from incidents.models.incident import NotAllowedNow
from incidents.views import sheets
from incidents.views.sheets import Sheet, posted, shown_and_sent

if TYPE_CHECKING:
    from django.http import HttpResponse

    from incidents.models import Incident

UPDATE = Sheet("Post a status update", "Post update", "incidents/_update_fields.html")
NEW_ITEM = Sheet("Add an action item", "Add action item")
ITEM = Sheet("Edit the action item", "Save")


@login_required
@shown_and_sent
def post_update(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Say how it stands."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    last = incident.status_updates.select_related("by").last()
    form = StatusUpdateForm(posted(request), initial={"status": communication.suggested_status(incident, last=last)})
    act = partial(communication.post_update, incident, by=user)
    return sheets.answer(request, incident, UPDATE, form, act, said="The update is posted.", more={"last": last})


@login_required
@shown_and_sent
def add_action(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Write down what is to be done."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = ActionItemForm(posted(request))
    act = partial(action_items.add, incident, by=user)
    return sheets.answer(request, incident, NEW_ITEM, form, act, said="The action item is added.")


@login_required
@shown_and_sent
def change_action(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Change what an item says, whose it is, and when it is due."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    item = action_item_of(incident, pk)
    form = ActionItemForm(posted(request), item=item)

    def act(**changes: Any) -> ActionItem:
        try:
            return action_items.change(item, by=user, **changes)
        except NotAllowedNow as error:  # the sheet keeps what was typed, and says why
            raise ValidationError(str(error)) from error

    return sheets.answer(request, incident, ITEM, form, act, said="The action item is saved.")


@login_required
@require_POST
def finish_action(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Tick an item."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    item = action_items.set_done(action_item_of(incident, pk), by=user)
    return _ticked(request, incident, f"Done: {item.title}.")


@login_required
@require_POST
def reopen_action(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Take the tick away."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    item = action_items.reopen(action_item_of(incident, pk), by=user)
    return _ticked(request, incident, f"Open again: {item.title}.")


def _ticked(request: HtmxHttpRequest, incident: Incident, said: str) -> HttpResponse:
    """Back to the list of items, or to the page of ours that asked; the tick itself is the answer."""
    if wants_fragment(request):
        return sheets.done(request, incident, said=said)
    return see_other(sheets.asked_from(request) or f"{incident.get_absolute_url()}#actions")
