"""Sending tickets: claimed under a lease, sent outside any transaction, marked by token.

A ticket is written down as one that may exist before anything is sent. Whoever takes it up after an end that nobody
knows, because a process was killed or an answer never came, first asks the tracker for its mark, when the tracker's
search must know it; so a second one is not made.
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
from followups.models import Ticket
from followups.trackers import base
from incidents.models import ActionItem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

log = structlog.get_logger(__name__)

State = Ticket.State

LEASE = timedelta(seconds=120)  # longer than the slowest look and the slowest attempt together
SLOWEST = timedelta(seconds=15)  # an attempt: who was held up for so long that it would outlast its lease makes none
MOST_ATTEMPTS = 20
CHECK_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Claim:
    """A ticket that this process may send, and whether an earlier attempt may have made it already."""

    ticket: Ticket
    is_doubtful: bool

    @property
    def tracker_id(self) -> int:
        """Whose seat it takes."""
        return self.ticket.tracker_id


@dataclass(frozen=True, slots=True)
class _End:
    """What came of it: a ticket, or why there is none."""

    made: base.Ticket | None = None
    error: str = ""
    is_refused: bool = False
    may_exist: bool = False
    after: timedelta | None = None


def export_due(*, now: datetime) -> int:
    """Send what is due, a few at once; returns how many were taken up."""
    return seats.fill(lambda at, held: take(now=at, held=held), _send, now=now)


@transaction.atomic
def take(*, now: datetime, held: Mapping[int, int] | None = None) -> list[Claim]:
    """Claim due tickets: what has ended meanwhile and was never sent is let go."""
    due = Ticket.objects.to_send().due(now=now).select_related("tracker", "action_item__incident", "action_item__owner")
    claims = []
    for ticket in seats.claim_fairly(due, held=held or {}):
        if not ticket.action_item.is_undone and not ticket.may_exist:
            ticket.state, ticket.due_at = State.FAILED, None
            ticket.error = _ended(ticket.action_item)
        else:
            claims.append(Claim(ticket, is_doubtful=ticket.may_exist))
            ticket.state, ticket.may_exist, ticket.attempts = State.SENDING, True, ticket.attempts + 1
            ticket.lease_token, ticket.due_at = uuid.uuid4(), now + LEASE + trackers.of(ticket.tracker.kind).LAG
        ticket.save()
    return claims


def _send(one: Claim) -> None:
    if not connection.in_atomic_block:
        connection.close()  # others may use it while we wait for the answer
    try:
        end = _attempt(one)
    except base.Refusal as error:
        end = _End(error=str(error), is_refused=True, may_exist=False)
    except base.Doubtful as error:
        end = _End(error=f"{error} It may have arrived: Muster looks before it tries again.", may_exist=True)
    except Exception:  # a fault of ours must not leave it as it is; what was sent is not known here
        log.exception("an export failed", ticket=one.ticket.pk)
        end = _End(error="Muster failed while it sent this. The log has the reason.", may_exist=True)
    _mark(one.ticket, end)


def _attempt(one: Claim) -> _End:
    """Look where an earlier attempt may have made it, then make it if it is still to be done."""
    ticket, account = one.ticket, tickets.account_of(one.ticket.tracker)
    tracker = trackers.of(ticket.tracker.kind)
    if one.is_doubtful:
        try:
            if found := tracker.find(account, ticket.marker, since=ticket.asked_at):
                return _End(made=found)
        except base.TrackerError as error:
            return _End(
                error=str(error),
                is_refused=isinstance(error, base.Refusal),
                may_exist=True,
                after=getattr(error, "after", None),
            )
    if ticket.due_at is None or db_now() > ticket.due_at - tracker.LAG - SLOWEST:
        return _End(error="Muster stood still before it could send this.", may_exist=False)
    item = ActionItem.objects.get(pk=ticket.action_item_id)
    if not item.is_undone:
        may_exist = one.is_doubtful and not tracker.CAN_FIND
        return _End(error=_ended(item, may_exist=may_exist), is_refused=True, may_exist=may_exist)
    if not connection.in_atomic_block:
        connection.close()
    try:
        return _End(made=tracker.create(account, tickets.draft_of(ticket)))
    except base.Later as error:
        return _End(error=str(error), after=error.after)


def _ended(item: ActionItem, *, may_exist: bool = False) -> str:
    """Why it is not sent any more."""
    if may_exist:
        return f"It is {item.state} here already, so it was not sent again. The first time may have arrived."
    return f"It is {item.state} here already. Nothing was sent."


@transaction.atomic
def _mark(sent: Ticket, end: _End) -> None:
    """Written by token: whoever has taken it up since then speaks of it instead."""
    now = db_now()
    held = Ticket.objects.select_for_update(of=("self",)).select_related("tracker", "action_item__incident")
    ticket = held.filter(pk=sent.pk, lease_token=sent.lease_token, state=State.SENDING).first()
    if ticket is None:
        return
    end = _of_its_own(ticket, end)
    ticket.lease_token, ticket.error, ticket.may_exist = None, end.error[:500], end.may_exist
    if end.made:
        ticket.state, ticket.may_exist, ticket.exported_at = State.OPEN, True, now
        ticket.key, ticket.url = end.made.key[:250], end.made.url
        ticket.due_at = None if end.made.is_closed is None else now + CHECK_EVERY
    elif end.is_refused or ticket.attempts >= MOST_ATTEMPTS:
        ticket.state, ticket.due_at = State.FAILED, None
    else:
        wait = end.after if end.after is not None else tickets.wait_after(ticket.attempts)
        lag = trackers.of(ticket.tracker.kind).LAG if end.may_exist else timedelta(0)
        ticket.state, ticket.due_at = State.QUEUED, now + max(wait, lag)
    ticket.save()
    live.changed("incidents", ticket.action_item.incident.topic)


def _of_its_own(ticket: Ticket, end: _End) -> _End:
    """What came of it; a key that another item has is no ticket of this one, and would be none the next time."""
    if end.made is None:
        return end
    others = Ticket.objects.filter(tracker=ticket.tracker_id, key=end.made.key[:250]).exclude(pk=ticket.pk)
    if not others.exists():
        return end
    said = f"The tracker says {end.made.key[:250]}, which is the ticket of another item. This one has none of its own."
    return _End(error=said, is_refused=True)
