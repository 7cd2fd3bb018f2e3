"""Each decision of the ledger in words; pure functions of the facts. A kind that has no words of its own here says
what the timeline says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core import durations
from incidents.ledger_facts import Kind, ends, named_by
from incidents.ledger_messages import Line, channel_words, sends
from incidents.models import PlannedAction, Severity, SlaClock, Status
from notifications.models import Notification
from oncall.shifts import OVERRIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents.ledger_facts import Facts
    from incidents.models import TimelineEntry

State = Notification.State
Action = PlannedAction.Kind


@dataclass(frozen=True, slots=True)
class Said:
    """A decision in words: who or what decided, what, and what came of it."""

    title: str
    words: str
    lines: tuple[Line, ...] = ()


def has_words(kind: str) -> bool:
    """Whether the ledger has words of its own for a kind of entry."""
    return kind in _WORDS


def say(entry: TimelineEntry, facts: Facts) -> Said | None:
    """An entry of the timeline as the ledger says it; None for one that decided nothing about who is told."""
    words = _WORDS.get(entry.kind)
    if words is None:
        return Said(entry.actor, _ordinary(entry), sends(facts.sent_for(entry), facts))
    return words(entry, facts)


def _ordinary(entry: TimelineEntry) -> str:
    return f" {entry.get_kind_display().lower()}" + (f": {entry.text}" if entry.text else "")


# ---- steps ---------------------------------------------------------------------------------------------------


def _paged(entry: TimelineEntry, facts: Facts) -> Said:
    data = entry.data
    lines = [Line(f"Not {name}: no contact method", "bad") for name in data.get("unreachable", ())]
    lines += [Line(f"Not {name}: has acknowledged") for name in data.get("answered", ())]
    lines += [Line(capital(why), "bad") for why in data.get("missing", ())]
    lines += sends(facts.sent_for(entry), facts)
    if not facts.sent_for(entry):
        lines.append(Line("Each was paged at this moment already, so there is no second message", "sent"))
    return Said(_step(entry), f": {_targets(entry, facts)}", (*lines, *_what_followed(entry, facts)))


def _nobody_reached(entry: TimelineEntry, facts: Facts) -> Said:
    lines = [Line(how)] if (how := _targets(entry, facts)) else []
    lines.append(Line(capital(entry.data.get("why", "")), "bad"))
    later = facts.next_of(entry)
    if later is not None and not ends(later):
        lines.append(Line(f"→ {_what(later, entry)} at once", "then"))
    return Said(_step(entry), ": nobody was reached", tuple(lines))


def _exhausted(entry: TimelineEntry, facts: Facts) -> Said:
    told = entry.data.get("last_resort", ())
    line = Line(f"Last resort → {', '.join(told)}") if told else Line("The last resort reaches nobody else", "bad")
    return Said(
        f"{entry.data.get('policy', 'The policy')} is used up",
        ": nobody answered",
        (line, *sends(facts.sent_for(entry), facts)),
    )


def _page_failed(entry: TimelineEntry, facts: Facts) -> Said:
    data = entry.data
    channel = channel_words(data.get("channel", ""))
    is_tried = data.get("still_trying")
    words = f" {'has not got through yet' if is_tried else 'failed'}: {channel}, {data.get('why', '')}"
    others = _others_of_its_step(entry, facts)
    lines = [Line(f"→ {channel_words(row.channel)} to {row.recipient} is in the same step, so the wait goes on", "then")
             for row in others[:1]]  # fmt: skip
    if not others:
        later = next((each for each in facts.following(entry) if ends(each) or "target" in each.data), None)
        if later is not None and not ends(later):
            lines.append(Line(f"→ {_what(later, later)} at once", "then"))
    if is_tried:
        lines.append(Line("It goes on being tried", "sent"))
    return Said(f"The page to {data.get('person', 'somebody')}", words, tuple(lines))


def _others_of_its_step(entry: TimelineEntry, facts: Facts) -> list[Notification]:
    """The pages of the same step that did get through, or may."""
    pages = [row for row in facts.notifications if row.purpose == Notification.Purpose.PAGE]
    who = entry.data.get("person"), entry.data.get("channel")
    own = [row for row in pages if (row.recipient, row.channel) == who and row.created_at <= entry.at]
    if not own:
        return []
    of_step = (row for row in pages if (row.created_at, row.reason) == (own[-1].created_at, own[-1].reason))
    return [row for row in of_step if row is not own[-1] and row.state in {State.SENT, State.KEPT}]


def _step(entry: TimelineEntry) -> str:
    return str(entry.data.get("reason", "A step"))


def _what(later: TimelineEntry, entry: TimelineEntry) -> str:
    """The step that followed: step 2; round 2, step 1; the last resort."""
    if later.kind == Kind.EXHAUSTED:
        return "last resort"
    again = later.data.get("round", 1) != entry.data.get("round", 1)
    return (f"round {later.data['round']}, " if again else "") + f"step {later.data.get('step', '')}"


def _what_followed(entry: TimelineEntry, facts: Facts) -> list[Line]:
    """How the wait for an answer to a step ended."""
    if "target" not in entry.data:
        return []
    later = facts.next_of(entry)
    if later is None:
        due = facts.due_at(entry.data["target"])
        return [Line(f"Waiting for an answer until {facts.clock(due)}", "then")] if due else []
    if ends(later):
        took = durations.clock((later.at - entry.at).total_seconds())
        if later.by is None:
            return [Line(f"It ended after {took}, without an answer", "then")]
        return [Line(f"Answered by {later.actor} in {took}", "then")]
    return [Line(f"{_why_it_went_on(entry, later, facts)} → {_what(later, entry)}", "then")]


def _why_it_went_on(entry: TimelineEntry, later: TimelineEntry, facts: Facts) -> str:
    between = facts.between(entry, later)
    by_hand = [each for each in between if each.kind == Kind.ESCALATED and each.at == later.at]
    if by_hand:
        return f"{by_hand[0].actor} asked for the next step"
    due = facts.due_after(entry)
    if due and later.at < due and any(each.kind == Kind.PAGE_FAILED for each in between):
        return "No page of this step got through"
    seconds = ((due or later.at) - entry.at).total_seconds()
    return f"No answer within {durations.words(round(seconds / 60) * 60 if seconds >= 60 else seconds)}"


def _targets(entry: TimelineEntry, facts: Facts) -> str:
    """Each target of a step, and to whom it led: "schedule Platform primary → Alice by layer Weekdays"."""
    ways: dict[str, list[str]] = {}
    for username, via in named_by(entry).items():
        ways.setdefault(via, []).append(username)
    said = "; ".join(_target(via, people, entry, facts) for via, people in ways.items())
    return f"{said}, in turn" if said and entry.data.get("in_turn") else said


def _target(via: str, people: list[str], entry: TimelineEntry, facts: Facts) -> str:
    names = ", ".join(map(facts.name_of, people))
    if not via:
        return names if entry.data.get("target") == "admins" else f"{names} by name"
    if via.startswith("team "):
        return f"{via} → {names}"
    schedule, _, _layer = via.rpartition(", ")
    return f"schedule {schedule} → {names} {by_layer(via, people[0], entry.at, facts)}"


def by_layer(via: str, person: str, at: datetime, facts: Facts) -> str:
    """By what somebody was on call: "by layer Weekdays", "by an override that Lena made, until 18:00:00"."""
    schedule, _, layer = via.rpartition(", ")
    if layer != OVERRIDE:
        return f"by layer {layer}"
    override = facts.override_for(schedule, person, at)
    if override is None:
        return "by an override"
    made = f" that {override.created_by} made," if override.created_by else ""
    return f"by an override{made} until {facts.clock(override.ends_at)}"


# ---- what people and monitors did ----------------------------------------------------------------------------


def _triggered(entry: TimelineEntry, facts: Facts) -> Said:
    severity = entry.data.get("severity", "")
    title, verb = (entry.actor, " declared it") if entry.by else ("Triggered", f" by {entry.actor}")
    return Said(title, f"{verb} as {severity}", (*_begun(entry, facts), *sends(facts.sent_for(entry), facts)))


def _begun(entry: TimelineEntry, facts: Facts) -> list[Line]:
    """Which policies a change made page, and why those."""
    began = [each for each in facts.plan if each.kind == Action.PAGE_ON_CALL and each.due_at == entry.at]
    severity = entry.data.get("severity") or entry.data.get("to") or facts.incident.severity
    if not began and entry.kind == Kind.TRIGGERED:
        return [Line(f"Severity {severity} pages nobody")]
    return [Line(f"Severity {severity} pages on-call: {_policy(each, facts)}") for each in began]


def _policy(action: PlannedAction, facts: Facts) -> str:
    """The policy, and why it is this one, by what the services name today."""
    if action.target == "admins":
        return "every admin, as no service names a policy and there is no default one"
    services = [str(each) for each in facts.services if each.escalation_policy_id == action.policy_id]
    policy = facts.roster.policies.get(action.policy_id or 0)
    of = f"of {', '.join(services)}" if services else "of the site" if policy and policy.is_default else ""
    return f"{action.target_label}, the policy {of}" if of else action.target_label


def _acknowledged(entry: TimelineEntry, facts: Facts) -> Said:
    source = f" from {entry.source}" if entry.source and entry.by else ""
    took = durations.clock((entry.at - facts.incident.created_at).total_seconds())
    return Said(entry.actor, f" acknowledged{source} after {took}", stopped(entry, facts))


def stopped(entry: TimelineEntry, facts: Facts) -> tuple[Line, ...]:
    """What an answer cancelled, and what would have come."""
    rows = [row for row in facts.notifications if row.purpose == Notification.Purpose.PAGE]
    unsent = sum(row.state == State.CANCELLED and row.finished_at == entry.at for row in rows)
    count = entry.data.get("cancelled", unsent)
    lines = [Line(f"{count} unsent page{'s' if count > 1 else ''} cancelled", "then")] if count else []
    if more := entry.data.get("still_needed"):
        lines.append(Line(f"{more} more must acknowledge, so paging goes on", "then"))
    for steps in facts.stopped_by(entry):
        first = steps[0]
        would = "would have begun" if first.what.startswith("round") else "would have been paged"
        if first.what.startswith("step"):
            reached = [str(user) for user in first.people if facts.roster.methods.get(user.pk)]
            would = f"would have paged {', '.join(reached) or 'nobody'}"
        lines.append(Line(f"{capital(first.what)} {would} at {facts.clock(first.at)}, by today's policy", "then"))
    return tuple(lines)


def _moved(entry: TimelineEntry, facts: Facts) -> Said | None:
    lines, was, to = stopped(entry, facts), entry.data.get("from"), entry.data.get("to", "")
    if not lines and was != Status.TRIGGERED:
        return None
    return Said(entry.actor, f" moved it to {to}, which answers it", lines)


def _resolved(entry: TimelineEntry, facts: Facts) -> Said:
    off = [
        Line(f"{each.get_kind_display()} ({each.target_label}) at {facts.clock(each.due_at)} was not needed", "then")
        for each in facts.plan
        if each.state == PlannedAction.State.CANCELLED and each.finished_at == entry.at
    ]
    return Said(entry.actor, " resolved it", (*stopped(entry, facts), *off))


def _reopened(entry: TimelineEntry, facts: Facts) -> Said:
    lines = (*_begun(entry, facts), *sends(facts.sent_for(entry), facts))
    return Said(entry.actor, f" reopened it: {entry.text}", lines)


def _unacknowledged(entry: TimelineEntry, facts: Facts) -> Said:
    why = f": {entry.text}" if entry.text else ""
    return Said(entry.actor, f" gave it back, so it asks for an answer again{why}", sends(facts.sent_for(entry), facts))


def _snoozed(entry: TimelineEntry, facts: Facts) -> Said:
    until = facts.clock(datetime.fromisoformat(entry.data["until"]))
    return Said(entry.actor, f" snoozed it until {until}", stopped(entry, facts))


def _woken(entry: TimelineEntry, facts: Facts) -> Said:
    if entry.by:
        return Said(entry.actor, " ended the snooze; nobody is paged by that")
    return Said("The snooze ended", ", so it asks for an answer again", sends(facts.sent_for(entry), facts))


def _reminded(entry: TimelineEntry, facts: Facts) -> Said:
    told = entry.data.get("told") or "nobody"
    words = f" for {entry.data.get('silence', 'a while')}: {told} asked whether they are still on it"
    return Said("No activity", words, sends(facts.sent_for(entry), facts))


def _severity_changed(entry: TimelineEntry, facts: Facts) -> Said:
    was, to = entry.data.get("from", ""), entry.data.get("to", "")
    words = f" changed the severity from {was} to {to}" + (f": {entry.text}" if entry.text else "")
    is_worse = Severity(to).rank < Severity(was).rank
    lines = _begun(entry, facts) if is_worse else [Line("A lower severity takes nothing back")]
    return Said(entry.actor, words, tuple(lines))


def _services_changed(entry: TimelineEntry, facts: Facts) -> Said:
    parts = [f"{verb} {', '.join(entry.data[verb])}" for verb in ("added", "removed") if entry.data.get(verb)]
    return Said(entry.actor, f" {' and '.join(parts)}", tuple(_begun(entry, facts)))


def _escalated(entry: TimelineEntry, facts: Facts) -> Said:
    return Said(entry.actor, " asked for the next step now" + (f": {entry.text}" if entry.text else ""))


def _assigned(entry: TimelineEntry, facts: Facts) -> Said:
    to, was = entry.data.get("to"), entry.data.get("from")
    words = f" took it from {was}" if not to else " took it" if to == entry.actor else f" assigned it to {to}"
    return Said(entry.actor, words, sends(facts.sent_for(entry), facts))


def _notified(entry: TimelineEntry, facts: Facts) -> Said:
    title = {Action.NOTIFY_LEADERSHIP: "Leadership", Action.OPEN_TICKET: "Team ticket"}
    words = f": {entry.data.get('result', '')}"
    return Said(title.get(entry.data.get("action", ""), "Team channel"), words, sends(facts.sent_for(entry), facts))


def _clock(entry: TimelineEntry, facts: Facts) -> Said:
    name, told = entry.data.get("clock", ""), entry.data.get("told")
    is_warning = entry.kind == Kind.CLOCK_WARNED
    if name == SlaClock.Kind.UPDATE:
        title = "The next status update is due soon" if is_warning else "No status update came in time"
    else:
        title = f"80 % of the {name} time is used" if is_warning else f"The {name} time has ended"
    return Said(title, f"; told {told}" if told else "", sends(facts.sent_for(entry), facts))


def capital(words: str) -> str:
    """With a capital letter."""
    return words[:1].upper() + words[1:]


_WORDS: dict[str, Callable[[TimelineEntry, Facts], Said | None]] = {
    Kind.PAGED: _paged,
    Kind.NOBODY_REACHED: _nobody_reached,
    Kind.EXHAUSTED: _exhausted,
    Kind.PAGE_FAILED: _page_failed,
    Kind.TRIGGERED: _triggered,
    Kind.ACKNOWLEDGED: _acknowledged,
    Kind.MOVED: _moved,
    Kind.RESOLVED: _resolved,
    Kind.REOPENED: _reopened,
    Kind.UNACKNOWLEDGED: _unacknowledged,
    Kind.SNOOZED: _snoozed,
    Kind.WOKEN: _woken,
    Kind.REMINDED: _reminded,
    Kind.SEVERITY_CHANGED: _severity_changed,
    Kind.SERVICES_CHANGED: _services_changed,
    Kind.ESCALATED: _escalated,
    Kind.ASSIGNED: _assigned,
    Kind.NOTIFIED: _notified,
    Kind.CLOCK_WARNED: _clock,
    Kind.CLOCK_BREACHED: _clock,
}
