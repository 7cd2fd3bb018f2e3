"""Who hears of a postmortem, and in what words. Whoever is told of a private incident sees it from then on, and so
nobody is told here who does not see it already."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents import messages, seeing
from incidents.telling import Reach
from notifications.message import Message
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from accounts.models import Team, User
    from incidents.consequences import Consequences
    from postmortems.models import Postmortem

Purpose = Notification.Purpose


def message_of(postmortem: Postmortem, what: str, body: str, *, place: str = "", attachment: str = "") -> Message:
    """Something to know about a postmortem; ``place`` is a part of its page, or another page of it."""
    incident = postmortem.incident
    path = place if place.startswith("/") else f"{postmortem.get_absolute_url()}{place}"
    facts = f"Incident: {incident.reference} {incident.title}\nSeverity: {incident.get_severity_display()}"
    return Message(
        title=f"{incident.reference} {what}: {incident.title}",
        body=f"{body}\n\n{facts}",
        url=messages.absolute(path),
        urgency="low",
        attachment=attachment,
    )


def tell(
    postmortem: Postmortem,
    people: Iterable[User | None],
    message: Message | Callable[[User], Message],
    *,
    key: str,
    reason: str,
    by: User | None,
    out: Consequences,
    reach: Reach | None = None,
) -> list[User]:
    """Tell those of some people who see the incident, each once, and never whoever did it; in words of their own where
    ``message`` makes them. ``key`` makes it happen once. Returns those who can be reached."""
    incident = postmortem.incident
    wanted = {user.pk for user in people if user is not None and user != by}
    found = list(seeing.people_of(incident).filter(pk__in=wanted)) if wanted else []
    if not found:
        return []
    reach = reach or Reach.of([incident], now=out.now)
    reach.learn(people=found)
    key = f"postmortem/{postmortem.pk}/{key}"
    more: dict[str, Any] = {"key": key, "purpose": Purpose.NOTICE, "reason": reason, "out": out}
    return [
        user
        for user in found
        if reach.tell_user(incident, user, message if isinstance(message, Message) else message(user), **more)
    ]


def tell_teams(
    postmortem: Postmortem,
    teams: Iterable[Team],
    message: Message,
    *,
    key: str,
    reason: str,
    out: Consequences,
    reach: Reach,
) -> None:
    """Tell teams where their channel is; in their inbox if they have none."""
    key = f"postmortem/{postmortem.pk}/{key}"
    for team in teams:
        reach.tell_team(postmortem.incident, team, message, key=key, purpose=Purpose.CHANNEL, reason=reason, out=out)
