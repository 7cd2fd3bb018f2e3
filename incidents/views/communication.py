"""What an incident left to do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.views.decorators.http import require_POST

from accounts.access import person
from core.htmx import HtmxHttpRequest, wants_fragment
from core.redirects import see_other
from incidents import action_items
from incidents.communication_forms import AcceptRiskForm, ActionItemForm, DueByPolicy
from incidents.fetching import action_item_of, incident_for_responder
from incidents.models import ActionItem
from incidents.models.incident import NotAllowedNow
from incidents.views import sheets
from incidents.views.sheets import Sheet, posted, shown_and_sent

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

    from incidents.models import Incident

NEW_ITEM = Sheet("Add an action item", "Add action item")
ITEM = Sheet("Edit the action item", "Save")
ACCEPT = Sheet("Accept the risk", "Accept the risk", "incidents/_accept_fields.html")


@login_required
@shown_and_sent
def add_action(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Write down what is to be done."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = ActionItemForm(posted(request), by_policy=DueByPolicy.of(incident))
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

    act = partial(_or_say_why, action_items.change, item, by=user)
    return sheets.answer(request, incident, ITEM, form, act, said="The action item is saved.")


@login_required
@shown_and_sent
def accept_action(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Close an item undone, for a reason."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    item = action_item_of(incident, pk)
    act = partial(_or_say_why, action_items.accept_risk, item, by=user)
    said = f"Risk accepted: {item.title}."
    form = AcceptRiskForm(posted(request))
    return sheets.answer(request, incident, ACCEPT, form, act, said=said, more={"item": item})


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


def _or_say_why(act: Callable[..., ActionItem], item: ActionItem, **said: Any) -> ActionItem:
    """Do it, or have the sheet keep what was typed and say why it cannot be done now."""
    try:
        return act(item, **said)
    except NotAllowedNow as error:
        raise ValidationError(str(error)) from error


def _ticked(request: HtmxHttpRequest, incident: Incident, said: str) -> HttpResponse:
    """Back to the list of items, or to the page of ours that asked; the tick itself is the answer."""
    if wants_fragment(request):
        return sheets.done(request, incident, said=said)
    return see_other(sheets.asked_from(request) or f"{incident.get_absolute_url()}#actions")
