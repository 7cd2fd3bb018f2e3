"""Looks of the sweeps at a ticket, and when the next one is."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from core.work import db_now
from followups import checking, exporting
from followups.models import Ticket


def send(ticket: Ticket, *, after: timedelta = timedelta(0)) -> Ticket:
    """Look for what is due, a while later."""
    exporting.export_due(now=db_now() + after)
    ticket.refresh_from_db()
    return ticket


def check(ticket: Ticket, *, after: timedelta = timedelta(0)) -> Ticket:
    """Look how what is due stands, a while later."""
    checking.check_due(now=db_now() + after)
    ticket.refresh_from_db()
    return ticket


def due(ticket: Ticket) -> float:
    """In how many seconds a sweep looks at it."""
    assert ticket.due_at
    return round((ticket.due_at - timezone.now()).total_seconds(), -1)
