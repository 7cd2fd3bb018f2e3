"""Who has to do with a postmortem: those who took part, who read it, who do something about it, who are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from accounts.models import User
from incidents import seeing
from incidents.policy import policies, site_settings
from incidents.telling import Reach

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import Team
    from postmortems.models import Postmortem


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is told when a postmortem is published: ``people`` can be reached, ``mute`` have no contact method."""

    people: list[User]
    mute: list[User]
    teams: list[Team]


def took_part(postmortem: Postmortem) -> set[int]:
    """Ids of the people who did something about the incident: on its timeline, as its assignee, as its declarer."""
    incident = postmortem.incident
    found = set(incident.timeline.exclude(by=None).order_by().values_list("by", flat=True).distinct())
    return found | {pk for pk in (incident.assignee_id, incident.created_by_id) if pk}


def attendees(postmortem: Postmortem) -> list[User]:
    """Who is invited to talk about it: its owner, its reviewers and who took part, as far as they see it."""
    wanted = took_part(postmortem) | _reviewers(postmortem) | {pk for pk in (postmortem.owner_id,) if pk}
    return list(seeing.people_of(postmortem.incident).filter(pk__in=wanted))


def of(postmortem: Postmortem, *, by: User | None, now: datetime, reach: Reach | None = None) -> Audience:
    """Everybody who is told of a publication, each once: who took part, its owner and reviewers, owners of action
    items, leadership if the severity policy tells it of such incidents, and the teams of the affected services.

    Nobody is told what they did themselves. Of a private incident only people are told who see it, and no channel.
    """
    incident = postmortem.incident
    reach = reach or Reach.of([incident], now=now)
    owners = incident.action_items.exclude(owner=None).order_by().values_list("owner", flat=True)
    wanted = took_part(postmortem) | _reviewers(postmortem) | set(owners) | {postmortem.owner_id or 0}
    told = Q(pk__in=wanted)
    if policies()[incident.severity].notify_leadership and (leadership := site_settings().leadership):
        told |= Q(pk__in=leadership.memberships.values("user"))
    found = list(seeing.people_of(incident).filter(told).exclude(pk=by.pk if by else 0))
    reach.learn(people=found)
    people, mute = _split(found, reach)
    return Audience(people, mute, [] if incident.is_private else reach.teams_of(incident))


def _split(found: Iterable[User], reach: Reach) -> tuple[list[User], list[User]]:
    people: list[User] = []
    mute: list[User] = []
    for user in found:
        (people if reach.methods(user) else mute).append(user)
    return people, mute


def _reviewers(postmortem: Postmortem) -> set[int]:
    return set(postmortem.reviewers.order_by().values_list("user", flat=True))
