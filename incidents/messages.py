"""What people are told about an incident. Every title begins with its number, so that it can be found and filtered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.urls import reverse

from notifications.message import Action, Message

if TYPE_CHECKING:
    from accounts.models import User
    from incidents.models import Incident, PlannedAction, SlaClock

ANSWER_SALT = "incidents.answers"
ANSWER_MAX_AGE_SECONDS = 24 * 3600


def absolute(path: str) -> str:
    """The address of a page as people outside see it."""
    return f"{settings.MUSTER.base_url}{path}"


def answer_url(incident: Incident, user: User) -> str:
    """The address of the page with one button that acknowledges, signed for one person and one incident, for 24 h."""
    token = signing.dumps({"incident": incident.pk, "user": user.pk}, salt=ANSWER_SALT)
    return absolute(reverse("incidents:answer", args=[token]))


def page(incident: Incident, user: User, *, services: str) -> Message:
    """Somebody is needed now."""
    return Message(
        title=f"{incident.reference} {incident.get_severity_display().upper()}: {incident.title}",
        body=_facts(incident, services=services),
        url=absolute(incident.get_absolute_url()),
        actions=(Action("acknowledge", "Acknowledge", answer_url(incident, user)),),
    )


def last_resort(incident: Incident, user: User, *, services: str) -> Message:
    """Nobody answered, so it has come to the last people there are."""
    told = page(incident, user, services=services)
    return Message(
        title=f"{incident.reference} UNANSWERED {incident.get_severity_display().upper()}: {incident.title}",
        body=f"Every escalation step has been used and nobody has answered.\n\n{told.body}",
        url=told.url,
        actions=told.actions,
    )


def reminder(incident: Incident, user: User, *, silence: str, services: str) -> Message:
    """Somebody has it, and nothing has been heard of them."""
    return Message(
        title=f"{incident.reference} still on it? {incident.title}",
        body=f"Nothing has been done about it for {silence}. Say that you are still on it, or the next step is paged."
        f"\n\n{_facts(incident, services=services)}",
        url=absolute(incident.get_absolute_url()),
        actions=(Action("acknowledge", "Still on it", answer_url(incident, user)),),
    )


def notice(incident: Incident, opening: str, *, services: str, urgency: str = "low") -> Message:
    """Something people should know; it asks for no answer."""
    return Message(
        title=f"{incident.reference} {incident.get_severity_display()}: {incident.title}",
        body=f"{opening}\n\n{_facts(incident, services=services)}",
        url=absolute(incident.get_absolute_url()),
        urgency=urgency,
    )


def planned(incident: Incident, action: PlannedAction, *, services: str) -> Message:
    """What the severity policy wants somebody to know."""
    openings = {
        action.Kind.NOTIFY_LEADERSHIP: "An incident that leadership wants to know of:",
        action.Kind.NOTIFY_CHANNEL: "An incident of your team:",
        action.Kind.OPEN_TICKET: "An incident that can wait until the next business day:",
    }
    urgency = "high" if action.kind == action.Kind.NOTIFY_LEADERSHIP else "low"
    return notice(incident, openings[action.Kind(action.kind)], services=services, urgency=urgency)


def clock(incident: Incident, clock: SlaClock, *, is_breach: bool, services: str) -> Message:
    """A promise is about to be broken, or has been."""
    what = clock.get_kind_display().lower()
    due = f"{clock.due_at:%H:%M} UTC"
    if clock.kind == clock.Kind.UPDATE and is_breach:
        since = f"{clock.started_at:%H:%M} UTC"
        opening = f"A status update was due at {due}. Those who wait have heard nothing since {since}."
    elif clock.kind == clock.Kind.UPDATE:
        opening = f"The next status update is due at {due}. Say how it stands."
    elif is_breach:
        opening = f"The {what} time ended at {due}."
    else:
        opening = f"80 % of the {what} time is used; it ends at {due}."
    return notice(incident, opening, services=services, urgency="high")


def _facts(incident: Incident, *, services: str) -> str:
    lines = [
        f"Severity: {incident.get_severity_display()}",
        f"Status: {incident.get_status_display()}",
        f"Services: {services or 'none named'}",
        f"Since: {incident.started_at:%Y-%m-%d %H:%M:%S} UTC",
    ]
    if incident.description:
        lines += ["", incident.description[:2000]]
    return "\n".join(lines)
