"""What people inside are told when a status update goes out: in plain words, and to leadership in few."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from django.urls import reverse

from incidents.messages import absolute
from incidents.models import StatusUpdate
from notifications.message import Message

if TYPE_CHECKING:
    from incidents.audience import Way

SHORT = 280  # characters


def update(update: StatusUpdate, way: Way, *, services: str) -> Message:
    """An update as somebody inside reads it, with why they do, and how they stop."""
    incident = update.incident
    status = update.get_status_display()
    lines = [_short(update.message) if way.is_short else update.message, ""]
    if update.next_at:
        lines.append(f"Next update: {update.next_at:%Y-%m-%d %H:%M} UTC")
    lines.append(f"Severity: {incident.get_severity_display()}")
    if not way.is_short or services:
        lines.append(f"Services: {services or 'none named'}")
    lines.append(f"Since: {incident.started_at:%Y-%m-%d %H:%M} UTC")
    if update.visibility == StatusUpdate.Visibility.EXTERNAL:
        lines.append("The public reads this too.")
    lines += ["", f"You get this because {way.why}. {_how_to_stop(way)}"]
    return Message(
        title=f"{incident.reference} {status}: {incident.title}",
        body="\n".join(lines),
        url=absolute(incident.get_absolute_url()),
        urgency="low",
    )


def _short(message: str) -> str:
    """The first paragraph, or what of it fits into a few lines."""
    return textwrap.shorten(message.strip().partition("\n\n")[0], SHORT, placeholder=" …")


def _how_to_stop(way: Way) -> str:
    if way.team:
        return "The severity policy tells its channel."
    if way.is_short:
        return "The severity policy tells leadership."
    return f"What you hear of: {absolute(reverse('incidents:subscriptions'))}"
