"""Finding what an address names, as far as the reader may see and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.access import require_role
from accounts.models import Role
from followups.models import Ticket, Tracker
from incidents.models import ActionItem

if TYPE_CHECKING:
    from accounts.models import User


def item_for(user: User, pk: int) -> ActionItem:
    """The item with its incident and owner, for somebody who sees the incident; 404 otherwise."""
    rows = ActionItem.objects.visible_to(user).select_related("incident", "owner")
    found: ActionItem = get_object_or_404(rows, pk=pk)
    return found


def item_for_responder(user: User, pk: int) -> ActionItem:
    """The item, for somebody who may act on its incident; 404 or 403 otherwise."""
    item = item_for(user, pk)
    require_role(user, Role.RESPONDER)
    return item


def ticket_of(item: ActionItem) -> Ticket:
    """What the item became elsewhere; 404 where it did not."""
    ticket: Ticket | None = Ticket.objects.select_related("tracker", "asked_by").filter(action_item=item).first()
    if ticket is None:
        raise Http404("It was not exported.")
    ticket.action_item = item
    return ticket


def tracker_for(user: User, pk: int) -> Tracker:
    """The tracker; 404 where there is none."""
    found: Tracker = get_object_or_404(Tracker.objects.visible_to(user).select_related("team"), pk=pk)
    return found


def tracker_for_admin(user: User, pk: int) -> Tracker:
    """The tracker, for whoever may change it; 404 or 403 otherwise."""
    require_role(user, Role.ADMIN)
    return tracker_for(user, pk)
