"""The plan: a severity policy compiled into due actions for one incident, carried out when they are due.

Compiling and carrying out what is due at once happen in the declaring transaction. Raising severity compiles again
and keeps only what is new; lowering takes nothing back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Value
from django.db.models.functions import Greatest

from core.work import claim, nudge
from incidents import escalation, messages
from incidents.consequences import Consequences, Kind
from incidents.models import Incident, PlannedAction, Status
from incidents.policy import policies, site_settings
from incidents.telling import Reach
from notifications.models import Notification
from oncall.models import EscalationPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from accounts.models import Team
    from incidents.models import Escalation, IncidentSettings, SeverityPolicy

Action = PlannedAction.Kind
State = PlannedAction.State
BATCH = 50


class Compiler:
    """Knows the policies and settings in force; compiles any number of incidents without asking again."""

    def __init__(self) -> None:
        self.policies = policies()
        self.settings: IncidentSettings = site_settings()

    def compile(self, incident: Incident, reach: Reach, *, now: datetime) -> list[PlannedAction]:
        """The unsaved actions that the incident's severity asks for."""
        policy = self.policies[incident.severity]
        return [
            *(self._pages(incident, reach, now) if policy.page_on_call else ()),
            *(self._leadership(incident, policy, now) if policy.notify_leadership else ()),
            *(self._teams(incident, Action.NOTIFY_CHANNEL, reach, now) if policy.notify_channel else ()),
            *(self._teams(incident, Action.OPEN_TICKET, reach, now) if policy.open_ticket else ()),
        ]

    def policies_of(self, incident: Incident, reach: Reach) -> list[EscalationPolicy | None]:
        """Which policies page: those of the services, else the site's default, else (None) every admin."""
        return list(reach.policies_of(incident)) or [reach.default_policy()]

    def _pages(self, incident: Incident, reach: Reach, now: datetime) -> Iterator[PlannedAction]:
        for policy in self.policies_of(incident, reach):
            yield PlannedAction(
                incident=incident,
                kind=Action.PAGE_ON_CALL,
                target=escalation.target_of(policy),
                target_label=str(policy or "Every admin"),
                policy=policy,
                due_at=now,
            )

    def _leadership(self, incident: Incident, policy: SeverityPolicy, now: datetime) -> Iterator[PlannedAction]:
        team = self.settings.leadership
        yield PlannedAction(
            incident=incident,
            kind=Action.NOTIFY_LEADERSHIP,
            target="leadership",
            target_label=str(team or "Every admin (no leadership team is set)"),
            team=team,
            due_at=now + timedelta(minutes=policy.leadership_after_minutes),
        )

    def _teams(self, incident: Incident, kind: str, reach: Reach, now: datetime) -> Iterator[PlannedAction]:
        teams: list[Team | None] = [*reach.teams_of(incident)]
        for team in teams or [None]:
            yield PlannedAction(
                incident=incident,
                kind=kind,
                target=f"team/{team.pk}" if team else escalation.ADMINS,
                target_label=str(team or "Every admin (no team owns the services)"),
                team=team,
                due_at=now,
            )


def carry_out(actions: Iterable[PlannedAction], reach: Reach, out: Consequences) -> list[Escalation]:
    """Do what is due of some actions, in memory; returns the escalations to begin. The caller writes everything."""
    escalations = []
    for action in actions:
        if action.state != State.DUE or action.due_at > out.now:
            continue
        if action.kind == Action.PAGE_ON_CALL:
            escalations.append(escalation.start(action.incident, action.policy, now=out.now))
            action.result = "Paging started"
        else:
            action.result = _tell(action, reach, out)
            out.record(action.incident, Kind.NOTIFIED, action=action.kind, result=action.result)
        action.state, action.finished_at = State.DONE, out.now
    return escalations


def _tell(action: PlannedAction, reach: Reach, out: Consequences) -> str:
    """Tell a team, or people where there is none; returns what was done, in words."""
    incident, key, reason = action.incident, f"plan/{action.kind}", action.get_kind_display()
    message = messages.planned(incident, action, services=reach.services_of(incident))
    if action.kind != Action.NOTIFY_LEADERSHIP and action.team:
        purpose = Notification.Purpose.TICKET if action.kind == Action.OPEN_TICKET else Notification.Purpose.CHANNEL
        return reach.tell_team(incident, action.team, message, key=key, purpose=purpose, reason=reason, out=out)[:300]
    people = reach.members(action.team) if action.team else reach.admins()
    told = reach.tell_users(
        incident,
        people,
        lambda _user: message,
        key=key,
        purpose=Notification.Purpose.NOTICE,
        reason=reason,
        out=out,
    )
    if told:
        return f"Told {', '.join(told)}"[:300]
    if action.team:  # people without a contact method still have their team's inbox
        return reach.tell_team(
            incident, action.team, message, key=key, purpose=Notification.Purpose.CHANNEL, reason=reason, out=out
        )[:300]
    return "Nobody could be told: no admin has a contact method"


def extend(incident: Incident, out: Consequences, *, compiler: Compiler | None = None) -> list[PlannedAction]:
    """Add and start what the incident's severity and services ask for and the plan does not have yet.

    What somebody has paged by hand already is not begun twice; what had stopped begins again while nobody has answered
    (it was reopened when it paged nobody).
    """
    compiler, reach = compiler or Compiler(), Reach.of([incident], now=out.now)
    have = set(incident.plan.values_list("kind", "target"))
    added = [
        action for action in compiler.compile(incident, reach, now=out.now) if (action.kind, action.target) not in have
    ]
    begun = carry_out(added, reach, out)
    PlannedAction.objects.bulk_create(added)
    if incident.status == Status.TRIGGERED and compiler.policies[incident.severity].page_on_call:
        escalation.restart(incident, compiler.policies_of(incident, reach), out, reach, only_stopped=True)
    by_hand = set(incident.escalations.values_list("target", flat=True)) if begun else set()
    escalation.begin([row for row in begun if row.target not in by_hand], reach, out)
    return added


def cancel(incident: Incident, *, now: datetime) -> int:
    """The incident has ended: what was not due yet will not happen."""
    return incident.plan.filter(state=State.DUE).update(
        state=State.CANCELLED, finished_at=now, result="The incident ended first"
    )


def resume(incident: Incident, *, now: datetime) -> int:
    """The incident is open again: what its end had called off is due again, at once where its time has passed."""
    nudge("incidents.carry_out_due")
    return incident.plan.filter(state=State.CANCELLED).update(
        state=State.DUE, finished_at=None, result="", due_at=Greatest("due_at", Value(now))
    )


def carry_out_due(*, now: datetime) -> int:
    """Do every planned action that has become due; returns how many."""
    with transaction.atomic():
        due = PlannedAction.objects.filter(incident=OuterRef("pk"), state=State.DUE, due_at__lte=now)
        incidents = {row.pk: row for row in claim(Incident.objects.filter(Exists(due)).order_by("id"), limit=BATCH)}
        if not incidents:
            return 0
        actions = list(
            PlannedAction.objects.select_for_update(of=("self",))
            .select_related("policy", "team")
            .filter(incident__in=incidents, state=State.DUE, due_at__lte=now)
            .order_by("id")
        )
        for action in actions:
            action.incident = incidents[action.incident_id]
        reach, out = Reach.of(incidents.values(), now=now), Consequences(now)
        escalation.begin(carry_out(actions, reach, out), reach, out)
        PlannedAction.objects.bulk_update(actions, ["state", "finished_at", "result"])
        out.write()
    return len(actions)
