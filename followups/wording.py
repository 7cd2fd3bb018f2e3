"""What people are told about action items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import dateformat

from followups.models import Reminder
from incidents.messages import absolute
from notifications.message import Message

if TYPE_CHECKING:
    from datetime import date

    from followups.calendar import Reason
    from incidents.models import ActionItem

Kind = Reminder.Kind

MOST_LINES = 20  # of a digest
ENDING = "Tick it when it is done, move its day, or accept the risk and say why."


def reminder(item: ActionItem, why: Reason, *, due: date | None, today: date, services: str) -> Message:
    """That somebody is waited for. Its title begins with the incident's number, as of every message about one."""
    incident = item.incident
    when = due_words(due, today=today)
    headline = "nobody owns it" if why.kind == Kind.UNOWNED else when
    by_policy = " (by policy, as nobody has named a day)" if due and item.due_on is None else ""
    lines = [
        item.title,
        "",
        f"Owner: {item.owner or 'nobody yet'}",
        f"Due: {dateformat.format(due, 'D j M Y') if due else 'no date'}{by_policy}{f', {when}' if due else ''}",
        f"After: {incident.reference} {incident.get_severity_display()}: {incident.title}",
        f"Services: {services or 'none named'}",
        "",
        ENDING,
        f"All follow-ups: {absolute(reverse('followups:list'))}",
    ]
    return Message(
        title=f"{incident.reference} follow-up, {headline}: {item.title}",
        body="\n".join(lines),
        url=absolute(f"{incident.get_absolute_url()}#action-{item.pk}"),
        urgency="low",
    )


def digest_line(item: ActionItem, *, due: date | None, today: date) -> str:
    """One item among many."""
    return f"{item.incident.reference} {item.title}: {due_words(due, today=today)}, {item.owner or 'nobody yet'}"


def digest(lines: list[str]) -> Message:
    """That somebody is waited for in many places."""
    more = len(lines) - MOST_LINES
    shown = [*(f"- {line}" for line in lines[:MOST_LINES]), *([f"- and {more} more"] if more > 0 else [])]
    address = absolute(reverse("followups:list"))
    return Message(
        title=f"{len(lines)} follow-ups wait for somebody",
        body="\n".join([*shown, "", ENDING, f"All follow-ups: {address}"]),
        url=address,
        urgency="low",
    )


def due_words(due: date | None, *, today: date) -> str:
    """Due in 3 days, due tomorrow, due today, 8 days overdue."""
    if due is None:
        return "no date"
    days = (due - today).days
    if days < 0:
        return f"{-days} day{'s' if days < -1 else ''} overdue"
    return {0: "due today", 1: "due tomorrow"}.get(days, f"due in {days} days")


def reason(why: Reason) -> str:
    """Why somebody is told, for the outbox."""
    return {
        Kind.SOON: "Action item due soon",
        Kind.TODAY: "Action item due today",
        Kind.OVERDUE: "Action item overdue",
        Kind.ESCALATED: "Action item long overdue",
        Kind.UNOWNED: "Action item without an owner",
    }[why.kind]
