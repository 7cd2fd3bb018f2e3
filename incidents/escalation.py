"""Escalation: who is paged when, until somebody answers (design, sections 4.10 and 4.11).

``delay_minutes`` is the wait before a step, counted from the step before it. A step that reaches nobody gives way to
the next at once. After the last round the policy is exhausted and the last resort is paged once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, OuterRef, prefetch_related_objects

from core.work import claim
from incidents import messages
from incidents.consequences import Consequences, Kind
from incidents.models import Escalation, Incident, SlaClock
from incidents.policy import site_settings
from incidents.telling import Reach
from notifications.models import Notification
from oncall import turns
from oncall.targets import Resolved, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from accounts.models import User
    from oncall.models import EscalationPolicy, EscalationStep
    from oncall.roster import Roster

State = Escalation.State
ADMINS = "admins"
LAST_RESORT = "Last resort: nobody answered"
ADMINS_WAIT = timedelta(minutes=5)
BATCH = 50
LATE = timedelta(seconds=30)  # past this, the next wait counts from when a step really fired


@dataclass(frozen=True, slots=True)
class Step:
    """A step as the engine runs it: the wait before it, and whom it pages at the instant at which it fires."""

    delay: timedelta
    resolve: Callable[[datetime, int], Resolved]  # at an instant, for this turn
    takes_turns: bool = False
    acknowledgements: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """A policy as the engine runs it. Without a policy it is one step: every admin."""

    name: str
    steps: tuple[Step, ...]
    repeat: int
    repeat_after: timedelta

    @property
    def takes_turns(self) -> bool:
        """Whether a step pages one person after the other."""
        return any(step.takes_turns for step in self.steps)


def target_of(policy: EscalationPolicy | None) -> str:
    """What makes an escalation unique within an incident."""
    return f"policy/{policy.pk}" if policy else ADMINS


def start(incident: Incident, policy: EscalationPolicy | None, *, now: datetime) -> Escalation:
    """An unsaved escalation whose first step is due after its own delay; ``advance`` sets that delay."""
    return Escalation(incident=incident, policy=policy, target=target_of(policy), started_at=now, due_at=now)


def plans_for(escalations: Iterable[Escalation], reach: Reach) -> dict[str, Plan]:
    """Every plan that some escalations run, with everybody's contact methods known: one query for any number."""
    wanted = {escalation.policy_id for escalation in escalations if escalation.policy_id}
    reach.learn(policies=wanted)
    admins = Resolved(tuple(reach.admins()), ("",) * len(reach.admins()))
    prefetch_related_objects([each for each in escalations if each.needed > 1], "answers")
    plans = {ADMINS: Plan("Every admin", (Step(timedelta(), lambda _at, _turn: admins),), 0, ADMINS_WAIT)}
    for policy in filter(None, map(reach.roster.policies.get, wanted)):
        steps = tuple(
            Step(
                timedelta(minutes=step.delay_minutes),
                partial(_resolve, step, reach.roster),
                step.takes_turns,
                step.acknowledgements,
            )
            for step in policy.steps.all()
        )
        plans[target_of(policy)] = Plan(
            policy.name, steps, policy.repeat, timedelta(minutes=policy.repeat_after_minutes)
        )
    return plans


def _resolve(step: EscalationStep, roster: Roster, at: datetime, turn: int) -> Resolved:
    return resolve(step, roster, at, turn=turn)


def begin(escalations: list[Escalation], reach: Reach, out: Consequences, *, at_once: bool = False) -> None:
    """Write new escalations, having fired what is due of them already; ``at_once`` the first step in any case."""
    if not escalations:
        return
    plans = plans_for(escalations, reach)
    _draw_turns(escalations, plans)
    for escalation in escalations:
        plan = _plan_of(escalation, plans)
        if plan.steps and not at_once:
            escalation.due_at = out.now + plan.steps[0].delay
    _advance_all(escalations, plans, reach, out)
    Escalation.objects.bulk_create(escalations)


def _draw_turns(escalations: list[Escalation], plans: dict[str, Plan]) -> None:
    """Give new escalations the next numbers of their policies, where a step goes by them."""
    taking = [each for each in escalations if _plan_of(each, plans).takes_turns]
    if taking:
        drawn = turns.draw(Counter(each.policy_id for each in taking if each.policy_id))
        for each in taking:
            each.turn = drawn.get(each.policy_id or 0, 0)
            drawn[each.policy_id or 0] = each.turn + 1


def go_on(escalations: list[Escalation], incident: Incident, reach: Reach, out: Consequences) -> None:
    """Fire and save what is due of locked escalations of one incident."""
    plans = plans_for(escalations, reach)
    for escalation in escalations:
        escalation.incident = incident
    _advance_all(escalations, plans, reach, out)
    _save(escalations)


def _advance_all(escalations: list[Escalation], plans: dict[str, Plan], reach: Reach, out: Consequences) -> None:
    """Advance each. What asks for the most people goes first: a page that policies share is its own then, and is not
    cancelled by an answer that is enough for the others alone."""

    def needed(escalation: Escalation) -> int:
        coming = _plan_of(escalation, plans).steps[escalation.next_step :][:1]
        return max(escalation.needed, *(step.acknowledgements for step in coming), 1)

    for escalation in sorted(escalations, key=needed, reverse=True):
        advance(escalation, _plan_of(escalation, plans), reach, out)


def advance(escalation: Escalation, plan: Plan, reach: Reach, out: Consequences) -> None:
    """Do everything about one escalation that is due by now; the caller holds the incident's lock and saves."""
    while escalation.state == State.RUNNING and escalation.due_at <= out.now:
        if escalation.next_step < len(plan.steps):
            _fire(escalation, plan, reach, out)
        elif escalation.round < plan.repeat and escalation.has_paged:
            escalation.round += 1
            escalation.next_step, escalation.has_paged = 0, False
            escalation.due_at = _base(escalation, out) + plan.steps[0].delay
        else:
            _exhaust(escalation, plan, reach, out)


def _fire(escalation: Escalation, plan: Plan, reach: Reach, out: Consequences) -> None:
    incident, position = escalation.incident, escalation.next_step
    step, base = plan.steps[position], _base(escalation, out)
    reason = f"Step {position + 1} of {plan.name}" + (f", round {escalation.round + 1}" if escalation.round else "")
    named = step.resolve(out.now, escalation.turn + escalation.round + position)
    tried = _page(named, escalation, reach, out, reason=reason)
    paged, unreachable = tried.paged, list(map(str, tried.unreachable))
    facts = _facts(escalation, plan, named, tried)
    if paged:
        escalation.needed = max(escalation.needed, step.acknowledgements)
        ways = dict(zip(named.people, named.via, strict=True))
        via = [", ".join(filter(None, (ways[user], "in turn" if named.takes_turns else ""))) for user in paged]
        more: dict[str, Any] = {"via": via} if any(via) else {}
        people = list(map(str, paged))
        entry = out.record(incident, Kind.PAGED, people=people, reason=reason, unreachable=unreachable, **more, **facts)
    else:
        no_method = [f"no contact method: {', '.join(unreachable)}"] if unreachable else []
        answered = [f"{user} has acknowledged" for user in tried.answered]
        why = "; ".join([*no_method, *named.missing, *answered]) or "nobody is a target of this step"
        entry = out.record(incident, Kind.NOBODY_REACHED, reason=reason, why=why, **facts)
    escalation.has_paged = escalation.has_paged or bool(paged)
    escalation.next_step = position + 1
    if not paged:
        escalation.due_at = out.now
    elif escalation.next_step < len(plan.steps):
        escalation.due_at = base + plan.steps[escalation.next_step].delay
    else:
        escalation.due_at = base + plan.repeat_after
    entry.data["next_at"] = escalation.due_at.isoformat()


def _facts(escalation: Escalation, plan: Plan, named: Resolved, tried: Tried) -> dict[str, Any]:
    """What the ledger asks of a step that fires: which one it was, and to whom it came, by username, and how."""
    came_to = {*tried.paged, *tried.unreachable}
    ways = zip(named.people, named.via, strict=True)
    facts = {
        "target": escalation.target,
        "policy": plan.name,
        "step": escalation.next_step + 1,
        "round": escalation.round + 1,
        "named": [[user.username, how] for user, how in ways if user in came_to],
        "missing": list(named.missing),
    }
    if named.takes_turns:
        facts["in_turn"] = True
    if tried.answered:
        facts["answered"] = list(map(str, tried.answered))
    return facts


@dataclass(frozen=True, slots=True)
class Tried:
    """Whom a step paged, who has no contact method, and who was left out because they have acknowledged."""

    paged: list[User]
    unreachable: list[User]
    answered: list[User]


def _page(named: Resolved, escalation: Escalation, reach: Reach, out: Consequences, *, reason: str) -> Tried:
    """Page everybody named, or the first who can be reached where they take turns."""
    incident, services = escalation.incident, reach.services_of(escalation.incident)
    asks_several = escalation.pk and escalation.needed > 1
    answered = {answer.user_id for answer in escalation.answers.all()} if asks_several else set()
    tried = Tried([], [], [])
    reach.learn(people=named.people)
    for user in named.people:
        if user.pk in answered:
            tried.answered.append(user)
            continue
        is_told = reach.tell_user(
            incident,
            user,
            messages.page(incident, user, services=services),
            key=f"page/{int(escalation.due_at.timestamp() * 1000)}",
            purpose=Notification.Purpose.PAGE,
            reason=reason,
            origin=origin_of(escalation),
            out=out,
        )
        (tried.paged if is_told else tried.unreachable).append(user)
        if is_told and named.takes_turns:
            break
    return tried


def _base(escalation: Escalation, out: Consequences) -> datetime:
    """What the next wait is counted from: the due time, so that equal policies stay in step, unless we are late."""
    return escalation.due_at if out.now - escalation.due_at <= LATE else out.now


def _exhaust(escalation: Escalation, plan: Plan, reach: Reach, out: Consequences) -> None:
    """Everybody was paged and nobody answered: say so, and page the last resort, once each time the incident opens."""
    incident = escalation.incident
    escalation.state, escalation.stopped_at = State.EXHAUSTED, out.now
    incident.is_unanswered = incident.status == "triggered"
    told = _page_last_resort(incident, reach, out, admins_were_paged=escalation.target == ADMINS)
    out.record(incident, Kind.EXHAUSTED, policy=plan.name, target=escalation.target, last_resort=told)


def _page_last_resort(incident: Incident, reach: Reach, out: Consequences, *, admins_were_paged: bool) -> list[str]:
    team = site_settings().last_resort
    members = reach.members(team) if team else []
    reach.learn(people=members)
    people = [user for user in members if reach.methods(user)] or ([] if admins_were_paged else reach.admins())
    services = reach.services_of(incident)
    opened = incident.clocks.filter(kind=SlaClock.Kind.RESPONSE).count()  # each opening starts one
    return reach.tell_users(
        incident,
        people,
        lambda user: messages.last_resort(incident, user, services=services),
        key=f"last-resort/{opened}",
        purpose=Notification.Purpose.PAGE,
        reason=LAST_RESORT,
        out=out,
    )


def origin_of(escalation: Escalation) -> str:
    """What a page names as its cause: incident, policy, round and step."""
    return f"{name_of(escalation)}/{escalation.round}/{escalation.next_step}"


def name_of(escalation: Escalation) -> str:
    """What the origins of all its pages begin with."""
    return f"incident/{escalation.incident_id}/{escalation.target}"


def _plan_of(escalation: Escalation, plans: dict[str, Plan]) -> Plan:
    """The plan to run; when its policy was deleted meanwhile, there is nobody left in it."""
    return plans.get(escalation.target) or Plan("A deleted policy", (), 0, timedelta())


def is_running(incident: Incident) -> bool:
    """Whether anybody is still to be paged; so it can be for an answered incident whose severity was raised."""
    return Escalation.objects.filter(incident=incident, state=State.RUNNING).exists()


def stop(incident: Incident, *, now: datetime, but: Iterable[Escalation] = ()) -> int:
    """Stop the running escalations of a locked incident, ``but`` some; returns how many there were."""
    running = Escalation.objects.filter(incident=incident, state=State.RUNNING)
    return running.exclude(pk__in=[each.pk for each in but]).update(state=State.STOPPED, stopped_at=now)


def begin_anew(escalation: Escalation) -> None:
    """Go back to the first step, with nobody's acknowledgement; the caller starts and saves it."""
    escalation.answers.all().delete()
    escalation.round, escalation.next_step, escalation.has_paged, escalation.needed = 0, 0, False, 1


def restart(
    incident: Incident,
    policies: Iterable[EscalationPolicy | None],
    out: Consequences,
    reach: Reach,
    *,
    only_stopped: bool = False,
) -> None:
    """Page again from the first step by those of the policies that have paged for the incident before.

    It was reopened before anybody had answered it; what has not paged yet is the plan's to begin.
    """
    wanted = {target_of(policy) for policy in policies}
    rows = Escalation.objects.select_for_update().filter(incident=incident, target__in=wanted).order_by("id")
    again = list(rows.filter(state=State.STOPPED) if only_stopped else rows)
    if not again:
        return
    plans = plans_for(again, reach)
    for escalation in again:
        plan = _plan_of(escalation, plans)
        escalation.incident = incident
        escalation.state, escalation.stopped_at = State.RUNNING, None
        begin_anew(escalation)
        escalation.started_at = out.now
        escalation.due_at = out.now + (plan.steps[0].delay if plan.steps else timedelta())
    _advance_all(again, plans, reach, out)
    _save(again)


def advance_due(*, now: datetime) -> int:
    """Fire every step that is due; returns how many escalations were worked on."""
    with transaction.atomic():
        due = Escalation.objects.filter(incident=OuterRef("pk"), state=State.RUNNING, due_at__lte=now)
        incidents = {row.pk: row for row in claim(Incident.objects.filter(Exists(due)).order_by("id"), limit=BATCH)}
        if not incidents:
            return 0
        escalations = list(
            Escalation.objects.select_for_update()
            .filter(incident__in=incidents, state=State.RUNNING, due_at__lte=now)
            .order_by("id")
        )
        reach = Reach.of(incidents.values(), now=now)
        plans = plans_for(escalations, reach)
        out = Consequences(now)
        for escalation in escalations:
            escalation.incident = incidents[escalation.incident_id]
        _advance_all(escalations, plans, reach, out)
        _save(escalations)
        unanswered = [row.pk for row in incidents.values() if row.is_unanswered]
        Incident.objects.filter(pk__in=unanswered).update(is_unanswered=True)
        out.write()
    return len(escalations)


def _save(escalations: list[Escalation]) -> None:
    fields = ["state", "round", "next_step", "has_paged", "needed", "started_at", "due_at", "stopped_at"]
    Escalation.objects.bulk_update(escalations, fields)
