"""Who is to be told about incidents, and how they are reached; loaded once for a whole batch."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from accounts.models import User
from incidents.models import AffectedService
from notifications import outbox
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from accounts.models import Team
    from catalog.models import Service
    from incidents.consequences import Consequences
    from incidents.models import Incident
    from notifications.message import Message
    from notifications.models import ContactMethod
    from oncall.models import EscalationPolicy

Purpose = Notification.Purpose


class Reach:
    """The services, teams and people of some incidents, and people's contact methods as they are asked for."""

    def __init__(self, services: dict[int, list[Service]]) -> None:
        self._services = services
        self._methods: dict[int, list[ContactMethod]] = {}
        self._admins: list[User] | None = None

    @classmethod
    def of(cls, incidents: Iterable[Incident]) -> Reach:
        """Load the affected services of some incidents, with their teams and policies: one query."""
        services: dict[int, list[Service]] = defaultdict(list)
        links = AffectedService.objects.filter(incident__in=[incident.pk for incident in incidents])
        for link in links.select_related("service__team", "service__escalation_policy").order_by("id"):
            services[link.incident_id].append(link.service)
        return cls(services)

    def services_of(self, incident: Incident) -> str:
        """The affected services' names for a sentence."""
        return ", ".join(service.name for service in self._services.get(incident.pk, ()))

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

    def admins(self) -> list[User]:
        """Everybody who is told when nobody else can be."""
        if self._admins is None:
            self._admins = list(User.objects.admins().order_by("id"))
        return self._admins

    def load(self, users: Iterable[User]) -> None:
        """Read the contact methods of people in one query, ahead of asking for each."""
        missing = {user.pk for user in users} - self._methods.keys()
        if missing:
            self._methods |= dict.fromkeys(missing, []) | outbox.methods_of(missing)

    def methods(self, user: User) -> list[ContactMethod]:
        """How a person is reached; empty when they cannot be."""
        self.load([user])
        return self._methods[user.pk]

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
        self.load(users)
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
