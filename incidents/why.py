"""Why was somebody paged, or why not: a short answer in plain words, worked out from the facts of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core import durations
from incidents.ledger_facts import ANSWERS, FIRED, Kind, named_by
from incidents.ledger_messages import channel_words, outcome
from incidents.ledger_words import by_layer, capital
from incidents.models import PlannedAction
from notifications.models import Notification
from oncall.shifts import people_of
from oncall.targets import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import User
    from incidents.ledger_facts import Ahead, Facts
    from incidents.models import TimelineEntry

State = Notification.State
PAGE = Notification.Purpose.PAGE
VERBS = {
    Kind.ACKNOWLEDGED: "acknowledged",
    Kind.MOVED: "moved it on",
    Kind.SNOOZED: "snoozed it",
    Kind.RESOLVED: "resolved it",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether somebody was ``paged``, only ``told``, or neither (``not_paged``): the short words, and what else there
    is to know."""

    person: User
    verdict: str
    short: str
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Subject:
    """Somebody in a sentence: you, or Alice."""

    person: User
    is_you: bool

    @property
    def name(self) -> str:
        return "You" if self.is_you else str(self.person)

    @property
    def was(self) -> str:
        return "You were" if self.is_you else f"{self.person} was"

    @property
    def they(self) -> str:
        return "you" if self.is_you else "they"

    @property
    def them(self) -> str:
        return "you" if self.is_you else "them"

    @property
    def their(self) -> str:
        return "your" if self.is_you else "their"


def explain(facts: Facts, person: User, *, reader: User | None = None) -> Answer:
    """Why a person was paged for an incident, or was not. ``reader`` is spoken to as "you"."""
    who = _Subject(person, person == reader)
    paged = [*_paged(facts, who)]
    if paged:
        return Answer(person, "paged", paged[0], (*paged[1:], *_told(facts, who)))
    told, reasons = [*_told(facts, who)], [*_why_not(facts, who)]
    otherwise = _default(facts, who)
    if told and not reasons:
        first = f"{who.was} told, not paged. {told[0]}"
        return Answer(person, "told", first, (*told[1:], capital(otherwise)))
    first, *rest = reasons or [otherwise]
    return Answer(person, "not_paged", f"{who.was} not paged: {first}", (*map(capital, rest), *told))


# ---- why -----------------------------------------------------------------------------------------------------


def _paged(facts: Facts, who: _Subject) -> Iterator[str]:
    """One text for each time at which somebody was paged."""
    for entry in facts.entries:
        rows = [row for row in facts.sent_for(entry) if row.user_id == who.person.pk and row.purpose == PAGE]
        if entry.kind not in (Kind.PAGED, Kind.EXHAUSTED) or not rows:
            continue
        at, because = facts.clock(entry.at), _because(entry, facts, who)
        sent = " ".join(f"{channel_words(row.channel)} {outcome(row, facts)}." for row in rows)
        if all(row.state == State.CANCELLED for row in rows):
            name = "you" if who.is_you else who.name
            yield f"A page to {name} was due at {at} {because}, but was cancelled first. {sent}"
        else:
            yield f"{who.was} paged at {at} {because}. {sent} {_answered(entry, facts, who)}"


def _because(entry: TimelineEntry, facts: Facts, who: _Subject) -> str:
    if entry.kind == Kind.EXHAUSTED:
        return f"as the last resort, because {entry.data.get('policy')} was used up and nobody had answered"
    step = entry.data.get("reason", "")
    if entry.data.get("target") == "admins":
        return f"as {'an admin' if not who.is_you else 'one of the admins'}, because no policy pages for this incident"
    via = named_by(entry).get(who.person.username, "")
    return f"as {step[:1].lower()}{step[1:]}, because {_how(via, entry, facts, who)}"


def _how(via: str, entry: TimelineEntry, facts: Facts, who: _Subject) -> str:
    if not via:
        return f"it names {who.them}"
    if via.startswith("team "):
        return f"{who.they} are in the {via}"
    schedule = via.rpartition(", ")[0]
    return f"{who.they} were on call for {schedule} {by_layer(via, who.person.username, entry.at, facts)}"


def _answered(entry: TimelineEntry, facts: Facts, who: _Subject) -> str:
    """Who answered after a page."""
    answer = next((each for each in facts.following(entry) if each.kind in ANSWERS), None)
    if answer is None:
        return "Nobody has answered yet." if facts.incident.is_open else ""
    took = durations.clock((answer.at - entry.at).total_seconds())
    if answer.by is None:
        return f"{answer.actor} ended it at {facts.clock(answer.at)}, before anybody answered."
    name = who.name if answer.by_id == who.person.pk else str(answer.by)
    return f"{name} answered at {facts.clock(answer.at)}, after {took}."


# ---- why not -------------------------------------------------------------------------------------------------


def _why_not(facts: Facts, who: _Subject) -> Iterator[str]:
    """Everything that kept a page from somebody, the plainest first."""
    if not who.person.is_active:
        yield f"{who.their} account is switched off."
    yield from _unreachable(facts, who)
    yield from _steps_to_come(facts, who)
    yield from _others_turn(facts, who)
    yield from _others_on_call(facts, who)


def _unreachable(facts: Facts, who: _Subject) -> Iterator[str]:
    for entry in facts.entries:
        named = named_by(entry) if entry.kind in FIRED else {}
        if who.person.username in named and not _was_reached(entry, who):
            how = _how(named[who.person.username], entry, facts, who)
            step = entry.data.get("reason", "the step")
            yield (
                f"{step[:1].lower()}{step[1:]} at {facts.clock(entry.at)} was for {who.them}, because {how}, but "
                f"{who.they} had no usable contact method."
            )


def _was_reached(entry: TimelineEntry, who: _Subject) -> bool:
    return entry.kind == Kind.PAGED and str(who.person) not in entry.data.get("unreachable", ())


def _steps_to_come(facts: Facts, who: _Subject) -> Iterator[str]:
    for steps in facts.running():
        if mine := _first_for(steps, who):
            way = "pages" if facts.roster.methods.get(who.person.pk) else "cannot reach"
            yield f"{mine.what} {way} {who.them} at {facts.clock(mine.at)}, if nobody answers."
    for answer in facts.entries:
        if answer.kind not in ANSWERS:
            continue
        for steps in facts.stopped_by(answer):
            if mine := _first_for(steps, who):
                verb = VERBS[Kind(answer.kind)]
                would = "would have paged" if facts.roster.methods.get(who.person.pk) else "would not have reached"
                yield (
                    f"{mine.what} {would} {who.them} at {facts.clock(mine.at)}, by today's policy, but {answer.actor} "
                    f"{verb} at {facts.clock(answer.at)}."
                )


def _first_for(steps: list[Ahead], who: _Subject) -> Ahead | None:
    return next((step for step in steps if who.person in step.people), None)


def _others_turn(facts: Facts, who: _Subject) -> Iterator[str]:
    """Steps that take turns, where it was somebody else's."""
    for entry in facts.entries:
        policy = facts.policy_of(entry.data["target"]) if entry.data.get("in_turn") else None
        steps = {each.position: each for each in policy.steps.all()} if policy else {}
        step = steps.get(entry.data.get("step", 0) - 1)
        named = named_by(entry)
        if step is None or who.person.username in named:
            continue
        if who.person in resolve(step, facts.roster, entry.at).people:
            what = entry.data["reason"]
            names = ", ".join(map(facts.name_of, named))
            yield f"{what[:1].lower()}{what[1:]} at {facts.clock(entry.at)} takes turns; it was the turn of {names}."


def _others_on_call(facts: Facts, who: _Subject) -> Iterator[str]:
    """Steps that asked a schedule in which somebody takes turns, while another one was on call."""
    mine = {
        str(target.schedule)
        for policy in facts.roster.policies.values()
        for step in policy.steps.all()
        for target in step.targets.all()
        if target.schedule_id and who.person.pk in people_of(facts.roster.rotas[target.schedule_id])
    }
    for entry in facts.entries:
        for username, via in named_by(entry).items() if entry.kind in FIRED else ():
            schedule = via.rpartition(", ")[0]
            if schedule in mine and username != who.person.username:
                step = entry.data.get("reason", "the step")
                yield (
                    f"{facts.name_of(username)} was on call for {schedule} {by_layer(via, username, entry.at, facts)}, "
                    f"when {step[:1].lower()}{step[1:]} asked at {facts.clock(entry.at)}."
                )


def _default(facts: Facts, who: _Subject) -> str:
    """Where nothing in particular kept a page from somebody."""
    if not facts.escalations:
        return f"a {facts.incident.severity} incident pages nobody."
    policies = sorted({str(facts.policy_of(target) or "Every admin") for target in facts.escalations})
    return f"no step of {' or '.join(policies)} that fired names {who.them}, by name, by a team or by a schedule."


def _told(facts: Facts, who: _Subject) -> Iterator[str]:
    """What somebody was told without being asked to answer, or their team was."""
    for row in facts.notifications:
        if row.purpose == PAGE:
            continue
        at, what = facts.clock(row.created_at), _what(row)
        if row.user_id == who.person.pk:
            yield f"{what} at {at}: {channel_words(row.channel)} {outcome(row, facts)}."
        elif row.team_id in facts.teams_of.get(who.person.pk, ()):
            yield f"{what} at {at}, to the team {row.recipient}: {channel_words(row.channel)} {outcome(row, facts)}."


def _what(row: Notification) -> str:
    """What a notice was: "Leadership notice", "Assigned to you"."""
    names = {
        str(PlannedAction.Kind.NOTIFY_LEADERSHIP.label): "Notice to leadership",
        str(PlannedAction.Kind.NOTIFY_CHANNEL.label): "Notice to the team channel",
    }
    return names.get(row.reason, row.reason or row.get_purpose_display())
