"""The text of a draft, from what is known of the incident: the same facts give the same text. Times are UTC.

Everything that judgement is needed for is marked as to be written (``postmortems.outline``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from django.utils import dateformat

from core import durations
from incidents.models import SlaClock, TimelineEntry
from postmortems import places
from postmortems.outline import to_write
from postmortems.wording import quoted, say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from catalog.models import Service
    from incidents.models import Incident, SeverityPolicy, StatusUpdate
    from postmortems.outline import Part

Kind = TimelineEntry.Kind
MOST_STEPS = 40
STEP_LIMIT = 600


@dataclass(frozen=True, slots=True)
class Facts:
    """What a draft is made from: the incident with its timeline in order, and what else is known of it."""

    incident: Incident
    entries: list[TimelineEntry]
    services: list[Service]
    clocks: Mapping[str, SlaClock]
    updates: list[StatusUpdate]
    policy: SeverityPolicy


def body_of(part: Part, facts: Facts) -> str:
    """The text of one section."""
    write = _SECTIONS.get(part.key)
    return write(part, facts) if write else to_write(part.prompt or part.title)


def moment(at: datetime) -> str:
    """14 Oct 2026, 01:47 UTC."""
    return f"{dateformat.format(at.astimezone(UTC), 'j M Y, H:i')} UTC"


def length(start: datetime, end: datetime) -> str:
    """A stretch of time in words."""
    return durations.words((end - start).total_seconds())


# ---- sections ----------------------------------------------------------------------------------------------------


def _summary(part: Part, facts: Facts) -> str:
    incident = facts.incident
    said = [
        f"{incident.reference}, “{places.escaped(incident.title)}”, was a **{incident.severity}** incident"
        f"{_on(facts.services)}. {_began(facts)} {_ended(facts)}"
    ]
    if incident.description.strip():
        said.append(f"> {places.escaped(quoted(incident.description, limit=1_000))}")
    return "\n\n".join([*said, to_write(part.prompt)])


def _on(services: Iterable[Service]) -> str:
    names = [f"**{places.escaped(service.name)}**" for service in services]
    if not names:
        return ""
    return f" of {names[0]}" if len(names) == 1 else f" of {', '.join(names[:-1])} and {names[-1]}"


def _began(facts: Facts) -> str:
    incident, first = facts.incident, next(iter(facts.entries), None)
    who = first.actor if first else incident.source or "Muster"
    said = f"Impact began on {moment(incident.started_at)}"
    delay = (incident.created_at - incident.started_at).total_seconds()
    known = f"{places.escaped(who)} {'declared' if incident.created_by_id else 'reported'} it"
    said += f"; {known} {length(incident.started_at, incident.created_at)} later." if delay >= 60 else f", and {known}."
    answer = next((entry for entry in facts.entries if entry.kind in (Kind.ACKNOWLEDGED, Kind.MOVED)), None)
    if answer is None:
        return f"{said} Nobody acknowledged it."
    took = length(incident.created_at, answer.at)
    return f"{said} {places.escaped(answer.actor)} answered after {took}{_promise(facts)}."


def _promise(facts: Facts) -> str:
    clock = facts.clocks.get(SlaClock.Kind.RESPONSE)
    if clock is None:
        return ""
    promised = length(clock.started_at, clock.due_at)
    if clock.breached_at:
        return f", later than the {promised} that were promised"
    return f", within the {promised} that were promised" if clock.met_at else ""


def _ended(facts: Facts) -> str:
    incident = facts.incident
    if incident.resolved_at is None:
        return "It is still open."
    lasted = length(incident.started_at, incident.resolved_at)
    said = f"It was resolved on {moment(incident.resolved_at)}, {lasted} after impact began."
    reopened = sum(entry.kind == Kind.REOPENED for entry in facts.entries)
    times = {1: "once", 2: "twice"}.get(reopened, f"{reopened} times")
    return f"{said} It was reopened {times} in between." if reopened else said


def _timeline(_part: Part, _facts: Facts) -> str:
    return places.EVENTS


def _root_cause(part: Part, facts: Facts) -> str:
    known = facts.incident.root_cause.strip()
    if not known:
        return to_write(part.prompt)
    return f"{known}\n\n{to_write('Is this the cause, or what set it off? ' + part.prompt)}"


def _impact(_part: Part, facts: Facts) -> str:
    incident = facts.incident
    said = [f"- Severity **{incident.severity}**: {places.escaped(facts.policy.impact)}"]
    if incident.resolved_at:
        said.append(f"- Lasted {length(incident.started_at, incident.resolved_at)}")
    if facts.services:
        said.append(f"- Services: {', '.join(places.escaped(service.name) for service in facts.services)}")
    public = sum(update.visibility == "external" for update in facts.updates)
    if facts.updates:
        said.append(f"- Stakeholders were told {_times(len(facts.updates))}, {public or 'none'} of it in public")
    asked = [
        ("Users affected", "How many, which, and what they could not do."),
        ("Data", "Was anything lost, wrong or seen by somebody who should not have? Say so if not."),
        ("Money", "Lost sales, credits, penalties; an honest estimate will do."),
    ]
    return "\n\n".join(["\n".join(said), *(f"### {title}\n\n{to_write(prompt)}" for title, prompt in asked)])


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _resolution(part: Part, facts: Facts) -> str:
    steps = [line for entry in facts.entries for line in _step(entry)]
    shown = steps if len(steps) <= MOST_STEPS else [*steps[:MOST_STEPS], f"… and {len(steps) - MOST_STEPS} more steps."]
    listed = "\n".join(f"{number}. {line}" for number, line in enumerate(shown, start=1))
    opening = listed or "The timeline has no mitigation, no runbook step and no action."
    return f"{opening}\n\n{to_write(part.prompt)}"


def _step(entry: TimelineEntry) -> Iterable[str]:
    """What was done to end it."""
    data = entry.data if isinstance(entry.data, dict) else {}
    is_step = (
        entry.kind == Kind.MITIGATED
        or (entry.kind == Kind.RUNBOOK_STEP and data.get("did") in ("done", "skipped"))
        or (entry.kind == Kind.AUTOMATION and data.get("did") in ("done", "failed") and not data.get("is_automatic"))
    )
    if is_step:
        yield f"{entry.at:%H:%M} {places.escaped(quoted(say(entry), limit=STEP_LIMIT))}"


def _action_items(_part: Part, _facts: Facts) -> str:
    return places.ACTION_ITEMS


def _lessons(_part: Part, facts: Facts) -> str:
    clock = facts.clocks.get(SlaClock.Kind.RESPONSE)
    late = any(entry.kind in (Kind.EXHAUSTED, Kind.NOBODY_REACHED, Kind.PAGE_FAILED) for entry in facts.entries)
    well = "What helped to see it, to answer it, to end it?"
    improve = "What cost time? What was missing, wrong or hard to find?"
    hints = {
        "What went well": ["It was answered in time."] if clock and clock.met_at and not clock.breached_at else [],
        "What could improve": [
            *(["It was answered late."] if clock and clock.breached_at else []),
            *(["Pages did not reach everybody they were meant for."] if late else []),
        ],
        "Where we were lucky": [],
    }
    prompts = {
        "What went well": well,
        "What could improve": improve,
        "Where we were lucky": "What would have made it worse, and did not happen by chance?",
    }
    return "\n\n".join(
        "\n\n".join([f"### {title}", *(f"- {hint}" for hint in hints[title]), to_write(prompt)])
        for title, prompt in prompts.items()
    )


_SECTIONS: dict[str, Callable[[Part, Facts], str]] = {
    "summary": _summary,
    "timeline": _timeline,
    "root_cause": _root_cause,
    "impact": _impact,
    "resolution": _resolution,
    "action_items": _action_items,
    "lessons_learned": _lessons,
}
