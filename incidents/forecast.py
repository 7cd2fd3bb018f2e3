"""What declaring an incident would do: who is paged and told, when, and why. Nothing is written.

The plan is compiled and carried out by the same code that runs a real incident (``incidents.plan``,
``incidents.escalation``), in memory, and what it would have written is read off.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import zip_longest
from typing import TYPE_CHECKING

from core import durations
from core.text import single_line
from incidents import changes, escalation, plan
from incidents.consequences import Consequences, Kind
from incidents.models import Escalation, Incident, PlannedAction, Status
from incidents.policy import response_due
from incidents.telling import Reach
from notifications.models import Channel, Notification
from oncall import turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from accounts.models import User
    from catalog.models import Service
    from incidents.models import SeverityPolicy, TimelineEntry

Action = PlannedAction.Kind
NOT_YET = 0  # the number of an incident that nobody has declared


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody who would be told: by which channels ("E-mail"), and how it comes to them ("Platform, layer Days");
    ``via`` is empty for who is named directly."""

    name: str
    channels: tuple[str, ...] = ()
    via: str = ""


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing that would happen: to whom, what ("is paged"), why, and how long after the declaration.

    ``whom`` is empty where nobody would be reached; ``unreachable`` names people without a contact method, and
    ``missing`` says which other targets come to nobody, and why. ``people`` are those of ``whom`` with the details.
    """

    after: timedelta
    whom: tuple[str, ...]
    what: str
    why: str
    unreachable: tuple[str, ...] = ()
    is_page: bool = False
    people: tuple[Told, ...] = ()
    missing: tuple[str, ...] = ()
    since: datetime | None = None

    @property
    def at(self) -> datetime | None:
        """When it would happen."""
        return self.since and self.since + self.after

    @property
    def when(self) -> str:
        """Such as "at once" or "after 5 min"; what is waited for may end before it."""
        return f"after {durations.words(self.after.total_seconds())}" if self.after else "at once"


@dataclass(frozen=True, slots=True)
class Forecast:
    """Everything that would happen while nobody answers, soonest first, and what follows the last step."""

    policy: SeverityPolicy
    answer_by: datetime
    tellings: list[Telling] = field(default_factory=list)
    finally_: list[str] = field(default_factory=list)

    @property
    def paged_at_once(self) -> list[str]:
        """Those whom declaring would page in the same second."""
        return [name for told in self.tellings if told.is_page and not told.after for name in told.whom]


def forecast(
    *,
    severity: str,
    services: Sequence[Service],
    assignee: User | None,
    by: User,
    now: datetime,
    compiler: plan.Compiler | None = None,
) -> Forecast:
    """What declaring an incident like this would do now."""
    incident = Incident(
        pk=NOT_YET, severity=severity, status=Status.TRIGGERED, created_at=now, started_at=now, assignee=assignee
    )
    compiler, reach = compiler or plan.Compiler(), Reach({NOT_YET: list(services)}, now=now)
    paging = filter(None, compiler.policies_of(incident, reach))
    reach.learn(
        policies=[policy.pk for policy in paging],
        teams=[compiler.settings.leadership, compiler.settings.last_resort],
        people=[assignee],
    )
    promised = compiler.policies[severity]
    found = Forecast(promised, response_due(promised, compiler.settings, start=now))
    begun: list[Escalation] = []
    for action in compiler.compile(incident, reach, now=now):
        out = Consequences(action.due_at)
        begun += plan.carry_out([action], reach, out)
        if action.kind != Action.PAGE_ON_CALL:
            found.tellings.append(_of_action(action, out, since=now))
    if assignee and assignee != by:
        found.tellings.append(_of_assignee(incident, assignee, by=by, reach=reach, now=now))
    plans = escalation.plans_for(begun, reach) if begun else {}
    taking = [each.policy_id for each in begun if each.policy_id and plans[each.target].takes_turns]
    next_turns = turns.peek(taking) if taking else {}
    for running in begun:
        steps, running.turn = plans[running.target], next_turns.get(running.policy_id or 0, 0)
        found.tellings.extend(_of_escalation(running, steps, reach, now=now))
        last_resort = str(compiler.settings.last_resort or "every admin")
        if running.state == Escalation.State.RUNNING and _has_more(running, compiler):
            found.finally_.append(_after_the_last_step(steps, last_resort))
    found.tellings[:] = [replace(told, since=now) for told in found.tellings]
    found.tellings.sort(key=lambda told: (told.after, not told.is_page))
    return found


def _of_action(action: PlannedAction, out: Consequences, *, since: datetime) -> Telling:
    """Leadership, a team's channel or its ticket, as the notifications say that were made for it."""
    whom = _names(out.notifications)
    if not whom:
        return Telling(action.due_at - since, (), "could be told, no admin has a contact method", action.target_label)
    why = {Action.NOTIFY_LEADERSHIP: "Leadership", Action.NOTIFY_CHANNEL: "Team channel"}.get(
        Action(action.kind), "Team ticket"
    )
    team_row = next((row for row in out.notifications if row.team), None)
    verb = "gets a ticket" if team_row and action.kind == Action.OPEN_TICKET else f"{_be(whom)} told"
    return Telling(action.due_at - since, whom, f"{verb}{_where(team_row)}", why, people=_people(out.notifications))


def _where(row: Notification | None) -> str:
    """How a team is told; people have ways of their own."""
    if row is None:
        return ""
    return " in its inbox" if row.channel == Channel.INBOX else f" by {row.get_channel_display().lower()}"


def _of_assignee(incident: Incident, assignee: User, *, by: User, reach: Reach, now: datetime) -> Telling:
    out = Consequences(now)
    changes.tell_assignee(incident, assignee, by=by, reach=reach, out=out)
    if not out.notifications:
        return Telling(timedelta(), (), f"can be told: {assignee} has no contact method", "Assignee")
    people = _people(out.notifications)
    return Telling(timedelta(), (str(assignee),), "is told that it is theirs", "Assignee", people=people)


def _of_escalation(running: Escalation, steps: escalation.Plan, reach: Reach, *, now: datetime) -> Iterator[Telling]:
    """The first round, or less where nobody can be reached and the policy is used up at once."""
    out = Consequences(now)
    if steps.steps:
        running.due_at = now + steps.steps[0].delay
    out.now = running.due_at
    escalation.advance(running, steps, reach, out)
    while running.state == Escalation.State.RUNNING and running.next_step < len(steps.steps) and not running.round:
        out.now = running.due_at
        escalation.advance(running, steps, reach, out)
    fired = iter(steps.steps)
    for entry in out.entries:
        told = [row for row in out.notifications if row.created_at == entry.at and row.reason == _reason(entry)]
        step = next(fired, None) if entry.kind in (Kind.PAGED, Kind.NOBODY_REACHED) else None
        missing = step.resolve(entry.at, 0).missing if step and entry.kind == Kind.PAGED else ()
        yield _of_entry(entry, told, missing, since=now)


def _reason(entry: TimelineEntry) -> str:
    """What the notifications name that belong to an entry; the last resort's entry has none."""
    return single_line(entry.data.get("reason", escalation.LAST_RESORT), limit=300)


def _of_entry(entry: TimelineEntry, told: list[Notification], missing: tuple[str, ...], *, since: datetime) -> Telling:
    data, after = entry.data, entry.at - since
    if entry.kind == Kind.NOBODY_REACHED:
        return Telling(after, (), f"is reached: {data['why']}", data["reason"], is_page=True)
    if entry.kind == Kind.PAGED:
        names, unreachable, why = tuple(data["people"]), tuple(data["unreachable"]), data["reason"]
    else:
        names, unreachable, why = tuple(data["last_resort"]), (), "Last resort: nobody else can be reached"
    return Telling(
        after,
        names,
        f"{_be(names)} paged",
        why,
        unreachable,
        is_page=True,
        people=_people(told, data.get("via", ())),
        missing=missing,
    )


def _people(rows: Iterable[Notification], via: Iterable[str] = ()) -> tuple[Told, ...]:
    """Whom some notifications are for, each once with every channel; ``via`` is in the same order."""
    channels: dict[tuple[str, int | None], list[str]] = defaultdict(list)
    for row in rows:
        channels[row.recipient, row.user_id].append(str(row.get_channel_display()))
    found = zip_longest(channels.items(), via, fillvalue="")
    return tuple(Told(who[0][0], tuple(dict.fromkeys(who[1])), how) for who, how in found if who)


def _has_more(running: Escalation, compiler: plan.Compiler) -> bool:
    """Whether anybody is left after the last step; where every admin was paged already, only a team of last resort."""
    return running.target != escalation.ADMINS or compiler.settings.last_resort is not None


def _after_the_last_step(steps: escalation.Plan, last_resort: str) -> str:
    """What the engine does once every step has paged and nobody has answered."""
    wait = int(steps.repeat_after.total_seconds() // 60)
    if steps.repeat:
        rounds = "once more" if steps.repeat == 1 else f"{steps.repeat} more times"
        return f"{steps.name} starts again {wait} min after its last step, {rounds}; then {last_resort} is paged."
    return f"{wait} min after the last step of {steps.name}, {last_resort} is paged."


def _names(rows: Iterable[Notification]) -> tuple[str, ...]:
    """Whom some notifications are for, each once."""
    return tuple(dict.fromkeys(row.recipient for row in rows))


def _be(names: tuple[str, ...]) -> str:
    return "are" if len(names) > 1 else "is"
