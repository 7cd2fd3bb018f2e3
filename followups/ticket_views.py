"""Exporting an item to a tracker, and trying again."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.access import person
from core.htmx import HtmxHttpRequest, wants_fragment
from core.redirects import see_other
from followups import tickets
from followups.fetching import item_for_responder, ticket_of
from followups.forms import ExportForm
from incidents.models.incident import NotAllowedNow
from incidents.views import sheets
from incidents.views.sheets import Sheet, posted, shown_and_sent

if TYPE_CHECKING:
    from django.http import HttpResponse

    from followups.models import Ticket
    from incidents.models import ActionItem

EXPORT = Sheet("Export the action item", "Export", "followups/_export_fields.html")


@login_required
@shown_and_sent
def export_item(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Have an item become a ticket; a sweep sends it within seconds."""
    user = person(request)
    item = item_for_responder(user, pk)
    form = ExportForm(posted(request), incident=item.incident)
    trackers = list(form.fields["tracker"].queryset)  # type: ignore[attr-defined]
    if len(trackers) == 1:
        form.initial["tracker"] = trackers[0]
    sheet = Sheet(EXPORT.title, f"Export to {trackers[0]}", EXPORT.fields) if len(trackers) == 1 else EXPORT
    more = {"item": item, "trackers": trackers}
    act = partial(_export, item, by=user)
    return sheets.answer(request, item.incident, sheet, form, act, said="It is on its way.", more=more)


@login_required
@require_POST
def retry_ticket(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Try again what could not be sent or asked."""
    user = person(request)
    ticket = ticket_of(item_for_responder(user, pk))
    said = f"Trying {ticket.tracker} again."
    try:
        tickets.retry(ticket, by=user)
    except NotAllowedNow as error:
        said = str(error)
    if wants_fragment(request):
        return sheets.done(request, ticket.action_item.incident, said=said)
    messages.info(request, said)
    return see_other(sheets.asked_from(request) or reverse("followups:list"))


def _export(item: ActionItem, **said: Any) -> Ticket:
    try:
        return tickets.export(item, **said)
    except NotAllowedNow as error:  # the sheet stays open, and says why
        raise ValidationError(str(error)) from error
