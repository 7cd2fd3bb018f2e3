"""What Muster will do about an incident and has done by policy, as its page shows it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from incidents.models import PlannedAction, SlaClock
from oncall.targets import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from incidents.models import Escalation, Incident
    from oncall.models import EscalationPolicy
    from oncall.roster import Roster


@dataclass(frozen=True, slots=True)
class Due:
    """One line of the plan: what, to whom, due when, what came of it. ``next`` as state waits for the line before."""

    what: str
    whom: str
    due_at: datetime
    state: str
    result: str = ""
    finished_at: datetime | None = None
    is_page: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is still to come."""
        return self.state in ("due", "next")


def lines(
    actions: Iterable[PlannedAction],
    running: Iterable[Escalation],
    clocks: Iterable[SlaClock],
    *,
    incident: Incident,
    roster: Roster,
) -> list[Due]:
    """What is to come first, soonest first, then what is over. The roster has the policies of what is running."""
    found = [*_actions(actions), *_coming_steps(running, roster), *_promises(clocks), *_waits(incident)]
    coming = sorted((line for line in found if line.is_open), key=lambda line: line.due_at)
    over = sorted((line for line in found if not line.is_open), key=lambda line: line.finished_at or line.due_at)
    return coming + over


def _actions(actions: Iterable[PlannedAction]) -> Iterator[Due]:
    for action in actions:
        result = action.result if action.state != PlannedAction.State.CANCELLED else "Not needed, it ended first"
        yield Due(
            action.get_kind_display(), action.target_label, action.due_at, action.state, result, action.finished_at
        )


def _coming_steps(running: Iterable[Escalation], roster: Roster) -> Iterator[Due]:
    """The steps that running escalations have yet to take in this round, and what follows the last."""
    for escalation in running:
        if escalation.policy_id:
            yield from _steps_of(escalation, roster.policies[escalation.policy_id], roster)
        else:
            yield Due("Count as unanswered", "Every admin", escalation.due_at, "due", "No other step")


def _steps_of(escalation: Escalation, policy: EscalationPolicy, roster: Roster) -> Iterator[Due]:
    steps = list(policy.steps.all())
    due_at, state = escalation.due_at, "due"
    for position, step in enumerate(steps[escalation.next_step :], escalation.next_step):
        if position > escalation.next_step:
            due_at += timedelta(minutes=step.delay_minutes)
        named = resolve(step, roster, due_at, turn=escalation.turn + escalation.round + position)
        people = named.people[:1] if named.takes_turns else named.people
        whom = ", ".join(map(str, people)) or "nobody; the next step at once"
        yield Due(f"Page, step {position + 1} of {policy}", whom, due_at, state, is_page=True)
        state = "next"
    if escalation.next_step < len(steps):
        due_at += timedelta(minutes=policy.repeat_after_minutes)
    rounds_left = policy.repeat - escalation.round
    if rounds_left > 0:
        yield Due(
            f"Page again from step 1 of {policy}",
            f"{rounds_left} more round{'s' if rounds_left > 1 else ''}",
            due_at,
            state,
            is_page=True,
        )
    else:
        yield Due("Page the last resort", f"{policy} is used up", due_at, state, is_page=True)


def _promises(clocks: Iterable[SlaClock]) -> Iterator[Due]:
    for clock in clocks:
        ended_at = clock.met_at or clock.cancelled_at or clock.breached_at
        state = "due" if clock.state == SlaClock.State.RUNNING else clock.state
        yield Due(f"{clock.get_kind_display()} clock", "", clock.due_at, state, clock.get_state_display(), ended_at)


def _waits(incident: Incident) -> Iterator[Due]:
    """What an answered incident waits for: the end of its snooze, or an answer to a reminder."""
    if incident.snoozed_until:
        yield Due("The snooze ends", "It asks for an answer again", incident.snoozed_until, "due")
    if incident.reminded_at and incident.quiet_due_at:
        yield Due("Page further", "Unless somebody says that they are still on it", incident.quiet_due_at, "due")
