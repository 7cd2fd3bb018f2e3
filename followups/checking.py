"""How tickets stand: asked every ten minutes, less often when a tracker fails, and what has changed there is done here.

Only a change counts: who reopens an item here while its ticket stays closed keeps it open.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import connection, transaction

from core import live
from core.work import db_now
from followups import seats, tickets, trackers
from followups.exporting import CHECK_EVERY
from followups.models import Ticket
from followups.trackers import base
from incidents import action_items
from incidents.models import Incident

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

log = structlog.get_logger(__name__)

State = Ticket.State

LEASE = timedelta(seconds=60)
CLOSED_EVERY = timedelta(hours=1)  # what is closed may be opened again
CLOSED_FOR = timedelta(days=90)  # after which nobody looks any more


@dataclass(frozen=True, slots=True)
class _Seen:
    """Whether it is closed, None where the tracker does not tell; or why nobody knows."""

    is_closed: bool | None = None
    error: str = ""
    after: timedelta | None = None


def check_due(*, now: datetime) -> int:
    """Ask for the state of tickets whose time has come, a few at once; returns how many."""
    return seats.fill(lambda at, held: _take(now=at, held=held), _check, now=now)


@transaction.atomic
def _take(*, now: datetime, held: Mapping[int, int] | None = None) -> list[Ticket]:
    claims = seats.claim_fairly(Ticket.objects.there().due(now=now).select_related("tracker"), held=held or {})
    for ticket in claims:
        ticket.lease_token, ticket.due_at = uuid.uuid4(), now + LEASE
        ticket.save(update_fields=["lease_token", "due_at"])
    return claims


def _check(ticket: Ticket) -> None:
    if not connection.in_atomic_block:
        connection.close()  # others may use it while we wait for the answer
    try:
        account = tickets.account_of(ticket.tracker)
        seen = _Seen(trackers.of(ticket.tracker.kind).look(account, ticket.key))
    except base.TrackerError as error:
        seen = _Seen(error=str(error), after=getattr(error, "after", None))
    except Exception:
        log.exception("a check failed", ticket=ticket.pk)
        seen = _Seen(error="Muster failed while it asked. The log has the reason.")
    _mark(ticket, seen)


@transaction.atomic
def _mark(asked: Ticket, seen: _Seen) -> None:
    """Written by token, after the incident, which is locked first; a change there ends or reopens the item."""
    now, incident = db_now(), Incident.objects.locked(asked.action_item.incident_id)
    held = Ticket.objects.select_for_update(of=("self",)).select_related("tracker", "action_item")
    ticket = held.filter(pk=asked.pk, lease_token=asked.lease_token).first()
    if ticket is None:
        return
    was, ticket.lease_token, ticket.error = (ticket.state, ticket.error), None, seen.error[:500]
    if seen.error:
        ticket.misses += 1
        ticket.due_at = now + max(seen.after or timedelta(0), CHECK_EVERY, tickets.wait_after(ticket.misses))
    else:
        ticket.misses, ticket.checked_at = 0, now
        _follow(ticket, seen.is_closed, now=now)
    ticket.save()
    if was != (ticket.state, ticket.error):
        live.changed("incidents", incident.topic)


def _follow(ticket: Ticket, is_closed: bool | None, *, now: datetime) -> None:
    """Do here what was done there, and say when to look next."""
    if is_closed is None:
        ticket.due_at = None
        return
    if is_closed and ticket.state == State.OPEN:
        ticket.state, ticket.closed_at = State.CLOSED, now
        action_items.set_done(ticket.action_item, by=None, source=ticket.source, now=now)
    elif not is_closed and ticket.state == State.CLOSED:
        ticket.state, ticket.closed_at = State.OPEN, None
        action_items.reopen(ticket.action_item, by=None, source=ticket.source, now=now)
    is_old = ticket.closed_at is not None and now - ticket.closed_at > CLOSED_FOR
    ticket.due_at = None if is_old else now + (CLOSED_EVERY if ticket.state == State.CLOSED else CHECK_EVERY)
