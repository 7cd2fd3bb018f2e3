"""Action items that became tickets: in a tracker that is switched off, so that nothing is sent or asked."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from followups import defining, tickets
from followups.models import Ticket
from incidents.models import ActionItem

if TYPE_CHECKING:
    from datetime import datetime

    from followups.models import Tracker

State = Ticket.State

SITE = "https://github.finchlight.example"
PROJECT = "finchlight/operations"
ONE_OF = 4  # items became a ticket
FIRST_NUMBER = 118
SOON_AFTER = timedelta(minutes=25)


def load(*, now: datetime) -> Tracker:
    """The tracker and its tickets; the newest one waits for the tracker to be switched on."""
    tracker, _ = defining.create(
        kind="github", name="Operations backlog", base_url=f"{SITE}/api/v3", project=PROJECT, secret="demo",  # noqa: S106
        is_active=False, is_demo=True, by=None,
    )  # fmt: skip
    items = ActionItem.objects.filter(incident__is_demo=True, incident__is_private=False, owner__isnull=False)
    chosen = list(items.filter(created_at__lt=now - 2 * SOON_AFTER).order_by("created_at", "id")[::ONE_OF])
    rows = [_ticket(tracker, item, number, now=now) for number, item in enumerate(chosen, start=FIRST_NUMBER)]
    waiting = next((row for row in reversed(rows) if row.state == State.OPEN), None)
    if waiting:
        waiting.state, waiting.key, waiting.url, waiting.due_at = State.QUEUED, "", "", now
        waiting.exported_at = waiting.checked_at = None
    Ticket.objects.bulk_create(rows)
    return tracker


def _ticket(tracker: Tracker, item: ActionItem, number: int, *, now: datetime) -> Ticket:
    asked = item.created_at + SOON_AFTER
    return Ticket(
        action_item=item,
        tracker=tracker,
        marker=tickets.new_marker(item),
        state=State.CLOSED if item.done_at else State.OPEN,
        key=f"{PROJECT}#{number}",
        url=f"{SITE}/{PROJECT}/issues/{number}",
        asked_at=asked,
        asked_by_id=item.owner_id,
        exported_at=asked + timedelta(seconds=2),
        checked_at=item.done_at or now - SOON_AFTER,
        closed_at=item.done_at,
    )
