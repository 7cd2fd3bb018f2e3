"""Who is to be told about incidents, and how they are reached; loaded once for a whole batch."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from incidents.models import AffectedService, TimelineEntry
from notifications import outbox
from notifications.models import Notification
from oncall import roster
from oncall.targets import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from accounts.models import Team, User
    from catalog.models import Service
    from incidents.consequences import Consequences
    from incidents.models import Incident
    from notifications.message import Message
    from notifications.models import ContactMethod
    from oncall.models import EscalationPolicy

Purpose = Notification.Purpose


class Reach:
    """The services of some incidents, and policies, teams and people at ``now`` and later, as they are asked for: read
    once, and together where what will be needed is known ahead (``learn``)."""

    def __init__(self, services: dict[int, list[Service]], *, now: datetime) -> None:
        self.roster = roster.Roster()
        self._services = services
        self._now = now
        self._knows_admins = False

    @classmethod
    def of(cls, incidents: Iterable[Incident], *, now: datetime) -> Reach:
        """Load the affected services of some incidents, with their teams and policies: one query."""
        services: dict[int, list[Service]] = defaultdict(list)
        links = AffectedService.objects.filter(incident__in=[incident.pk for incident in incidents])
        for link in links.select_related("service__team", "service__escalation_policy").order_by("id"):
            services[link.incident_id].append(link.service)
        return cls(services, now=now)

    def services_of(self, incident: Incident) -> str:
        """The affected services' names for a sentence."""
        return ", ".join(service.name for service in self._services.get(incident.pk, ()))

    def services_by_key(self, incident: Incident) -> dict[int, Service]:
        """The affected services by their keys."""
        return {service.pk: service for service in self._services.get(incident.pk, ())}

    def teams_of(self, incident: Incident) -> list[Team]:
        """The distinct teams of the affected services, in order."""
        teams = {service.team_id: service.team for service in self._services.get(incident.pk, ()) if service.team}
        return list(teams.values())

    def policies_of(self, incident: Incident) -> list[EscalationPolicy]:
        """The distinct escalation policies of the affected services, in order."""
        found = {
            service.escalation_policy_id: service.escalation_policy
            for service in self._services.get(incident.pk, ())
            if service.escalation_policy
        }
        return list(found.values())

    def learn(
        self,
        *,
        policies: Iterable[int] = (),
        teams: Iterable[Team | None] = (),
        people: Iterable[User | None] = (),
    ) -> None:
        """Read in one statement what is not known yet of some policies, of teams' members and of how people, and
        every admin, are reached."""
        known = self.roster
        new_policies = set(policies) - known.policies.keys()
        new_teams = {team.pk for team in teams if team} - known.members.keys()
        new_people = {user.pk for user in people if user} - known.methods.keys()
        if not self._knows_admins or new_policies or new_teams or new_people:
            known.add(roster.read(at=self._now, policies=new_policies, teams=new_teams, people=new_people))
            self._knows_admins = True

    def default_policy(self) -> EscalationPolicy | None:
        """The policy of incidents whose services name none."""
        self.learn()
        return self.roster.default_policy()

    def members(self, team: Team) -> list[User]:
        """Members of a team who may be told something."""
        self.learn(teams=[team])
        return self.roster.members[team.pk]

    def admins(self) -> list[User]:
        """Everybody who is told when nobody else can be."""
        self.learn()
        return self.roster.admins

    def methods(self, user: User) -> list[ContactMethod]:
        """How a person is reached; empty when they cannot be."""
        self.learn(people=[user])
        return self.roster.methods[user.pk]

    def tell_user(
        self,
        incident: Incident,
        user: User,
        message: Message,
        *,
        key: str,
        purpose: str,
        reason: str,
        out: Consequences,
        origin: str = "",
    ) -> bool:
        """Oblige us to tell one person; False when they have no contact method."""
        methods = self.methods(user)
        out.notify(
            outbox.to_user(
                user,
                methods,
                message,
                topic=incident.topic,
                key=f"{incident.topic}/{key}",
                purpose=purpose,
                now=out.now,
                reason=reason,
                origin=origin,
            )
        )
        return bool(methods)

    def tell_users(
        self,
        incident: Incident,
        users: Iterable[User],
        message_for: Callable[[User], Message],
        *,
        key: str,
        purpose: str,
        reason: str,
        out: Consequences,
    ) -> list[str]:
        """Tell several people the same in their own words; returns the names of those who can be reached."""
        users = list(users)
        self.learn(people=users)
        return [
            str(user)
            for user in users
            if self.tell_user(incident, user, message_for(user), key=key, purpose=purpose, reason=reason, out=out)
        ]

    def tell_team(
        self,
        incident: Incident,
        team: Team,
        message: Message,
        *,
        key: str,
        purpose: str,
        reason: str,
        out: Consequences,
    ) -> str:
        """Oblige us to tell a team at its address, or in its inbox; returns words for where."""
        row = outbox.to_team(
            team,
            message,
            topic=incident.topic,
            key=f"{incident.topic}/{key}/team/{team.pk}",
            purpose=purpose,
            now=out.now,
            reason=reason,
        )
        out.notify([row])
        return f"{team}: {row.get_channel_display().lower()}"

    def tell_responders(self, incident: Incident, message: Message, *, key: str, reason: str, out: Consequences) -> str:
        """Tell the assignee; without a reachable one the teams, and without a team every admin. Returns to whom."""
        notice = Purpose.NOTICE
        if incident.assignee and self.tell_user(
            incident, incident.assignee, message, key=key, purpose=notice, reason=reason, out=out
        ):
            return str(incident.assignee)
        teams = self.teams_of(incident)
        for team in teams:
            self.tell_team(incident, team, message, key=key, purpose=Purpose.CHANNEL, reason=reason, out=out)
        if teams:
            return ", ".join(str(team) for team in teams)
        told = self.tell_users(
            incident, self.admins(), lambda _user: message, key=key, purpose=notice, reason=reason, out=out
        )
        return ", ".join(told)

    def tell_writers(self, incident: Incident, message: Message, *, key: str, reason: str, out: Consequences) -> str:
        """Tell whoever is to say how it stands: the assignee; without one who answered last, then who is on call, and
        where none of them can be reached the responders. Returns to whom."""
        if incident.assignee is None:
            people = _answered_last(incident) or self._on_call(incident)
            told = self.tell_users(
                incident, people, lambda _user: message, key=key, purpose=Purpose.NOTICE, reason=reason, out=out
            )
            if told:
                return ", ".join(told)
        return self.tell_responders(incident, message, key=key, reason=reason, out=out)

    def _on_call(self, incident: Incident) -> list[User]:
        """Whom the first steps of the incident's policies would page now."""
        self.learn(policies=[policy.pk for policy in self.policies_of(incident)])
        default = self.default_policy()
        policies = self.policies_of(incident) or ([default] if default else [])
        found: dict[int, User] = {}
        for policy in policies:
            for step in list(self.roster.policies[policy.pk].steps.all())[:1]:
                found |= {user.pk: user for user in resolve(step, self.roster, self._now).people}
        return list(found.values())


def _answered_last(incident: Incident) -> list[User]:
    """The active person who acknowledged the incident last, if it is answered."""
    if not incident.is_answered:
        return []
    answers = incident.timeline.filter(kind=TimelineEntry.Kind.ACKNOWLEDGED, by__is_active=True)
    entry = answers.select_related("by").order_by("-id").first()
    return [entry.by] if entry and entry.by else []
