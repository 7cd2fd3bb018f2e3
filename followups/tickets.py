"""Tickets that action items become in trackers: asked for here, sent and looked after by sweeps."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from core import live
from core.work import db_now, nudge
from followups.models import Ticket, Tracker
from followups.trackers.base import Account, Draft, Line
from incidents.messages import absolute
from incidents.models import ActionItem, Incident
from incidents.models.incident import NotAllowedNow

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

State = Ticket.State

# No digits beside those of the item, and no letters that look like others: searches take the mark for four plain words.
LETTERS = "abcdefghjkmnpqrstuvwxyz"
MARK_LETTERS = 8

# Errors of a tracker are tried again after so long, and longer each time, up to a limit.
FIRST_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=6)


@transaction.atomic
def export(item: ActionItem, *, tracker: Tracker, by: User | None, now: datetime | None = None) -> Ticket:
    """Have an item become a ticket; a sweep sends it. One that could not be exported may be sent elsewhere.

    Raises ValidationError for a tracker that does not take it, and NotAllowedNow for an item that has ended or has a
    ticket already.
    """
    incident = Incident.objects.locked(item.incident_id)
    item, now = ActionItem.objects.get(pk=item.pk), now or db_now()
    if not item.is_undone:
        raise NotAllowedNow(f"“{item.title}” is {item.state}; reopen it to export it.")
    if not Tracker.objects.on().taking(incident).filter(pk=tracker.pk).exists():
        raise ValidationError({"tracker": f"{tracker} takes nothing from this incident."})
    fresh = {"tracker": tracker, "state": State.QUEUED, "due_at": now, "asked_at": now, "asked_by": by}
    ticket, is_new = Ticket.objects.get_or_create(action_item=item, defaults={**fresh, "marker": new_marker(item)})
    if not is_new:
        if ticket.state != State.FAILED:
            raise NotAllowedNow(f"“{item.title}” has a ticket already: {ticket.key or ticket.tracker}.")
        if ticket.tracker_id != tracker.pk and ticket.may_exist:
            raise NotAllowedNow(f"“{item.title}” may have arrived in {ticket.tracker}: try again there first.")
        _again(ticket, fresh)
    _told(item)
    return ticket


@transaction.atomic
def retry(ticket: Ticket, *, by: User | None, now: datetime | None = None) -> Ticket:
    """Look again now: send what could not be sent, or see how it stands. Whatever else it is at is let alone."""
    Incident.objects.locked(ticket.action_item.incident_id)
    ticket = Ticket.objects.select_for_update(of=("self",)).select_related("tracker", "action_item").get(pk=ticket.pk)
    now = now or db_now()
    if ticket.state == State.FAILED:
        if not ticket.action_item.is_undone:
            raise NotAllowedNow(f"“{ticket.action_item.title}” is {ticket.action_item.state}; reopen it to export it.")
        _again(ticket, {"state": State.QUEUED, "due_at": now, "asked_by": by})
    elif ticket.is_there and ticket.error:
        _again(ticket, {"due_at": now})
    _told(ticket.action_item)
    return ticket


def _again(ticket: Ticket, fresh: dict[str, object]) -> None:
    for name, value in {**fresh, "error": "", "lease_token": None, "attempts": 0, "misses": 0}.items():
        setattr(ticket, name, value)
    ticket.save()


def _told(item: ActionItem) -> None:
    nudge("followups.export_due", "followups.check_due")
    live.changed("incidents", item.incident.topic)


def new_marker(item: ActionItem) -> str:
    """A mark that no other ticket has, of whichever installation."""
    return f"muster-action-{item.pk}-{''.join(secrets.choice(LETTERS) for _ in range(MARK_LETTERS))}"


def account_of(tracker: Tracker) -> Account:
    """What a tracker's file needs to speak for it."""
    return Account(
        base_url=tracker.base_url,
        project=tracker.project,
        username=tracker.username,
        secret=tracker.secret,
        issue_type=tracker.issue_type,
    )


def draft_of(ticket: Ticket) -> Draft:
    """What is written into the tracker. Of a private incident, its number and nothing else: others read there."""
    item, incident = ticket.action_item, ticket.action_item.incident
    address = absolute(f"{incident.get_absolute_url()}#action-{item.pk}")
    title = "" if incident.is_private else incident.title
    severity = "" if incident.is_private else f" ({incident.get_severity_display().lower()})"
    facts = [
        f"Kind: {item.get_kind_display().lower()}" if item.kind else "",
        f"Due: {item.due_on.isoformat()}" if item.due_on else "",
    ]
    lines = [
        Line(f"Left to do after {incident.reference}{severity}:", quoted=title)
        if title
        else _after(incident.reference),
        *(Line(fact) for fact in facts if fact),
        Line("In Muster:", url=address),
        Line(f"{ticket.marker} (Muster knows this ticket by this line.)"),
    ]
    about = {
        "id": item.pk,
        "incident": incident.reference,
        "severity": None if incident.is_private else incident.severity,
        "kind": item.kind or None,
        "due_on": item.due_on.isoformat() if item.due_on else None,
        "owner": item.owner.username if item.owner else None,
        "url": address,
    }
    return Draft(marker=ticket.marker, title=item.title, lines=tuple(lines), about=about)


def _after(reference: str) -> Line:
    return Line(f"Left to do after {reference}.")


def wait_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: a minute, then twice as long each time."""
    doublings: int = min(max(failures - 1, 0), 12)
    return min(FIRST_WAIT * (1 << doublings), LONGEST_WAIT)
