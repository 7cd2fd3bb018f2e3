"""What an entry of the timeline says, in plain words on one line: for postmortems, which are read long afterwards and
far from the incident's page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from core.text import single_line
from incidents.models import TimelineEntry

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = TimelineEntry.Kind

# Emphasis and code of Markdown, as people write them in notes; a line of plain text has none.
_BLOCK = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```[ \t]*$|\Z)|(?:^[ \t]*\|[^\n]*(?:\n|\Z))+", re.DOTALL | re.MULTILINE)
_MARKED = re.compile(r"(?<!\w)(?:\*\*(?=\S)([^*]+)(?<=\S)\*\*|`([^`]+)`)(?!\w)")

LONGEST_READ = 10_000
LONGEST = 400  # characters of a note that an event quotes


def say(entry: TimelineEntry) -> str:
    """One line of plain text; reads ``by``."""
    words = _WORDS.get(entry.kind)
    said = words(entry, entry.data if isinstance(entry.data, dict) else {}) if words else _ordinary(entry)
    return single_line(said, limit=1_000)


def quoted(text: str, *, limit: int = LONGEST) -> str:
    """A text on one line without Markdown's marks, cut at a word where it is longer than ``limit`` characters. Blocks
    of code and tables, which are nothing on one line, are left out."""
    whole = _BLOCK.sub(" … ", text[:LONGEST_READ].replace("\r\n", "\n"))
    line = _MARKED.sub(lambda found: found[1] or found[2], single_line(whole))
    if len(line) <= limit:
        return line
    cut = line[:limit].rsplit(" ", 1)[0] if " " in line[: limit + 1] else line[:limit]
    return f"{cut.rstrip(' ,;:.')} …"


def _ordinary(entry: TimelineEntry) -> str:
    said = f"{entry.actor}: {entry.get_kind_display().lower()}"
    return f"{said}: {quoted(entry.text)}" if entry.text else said


def _because(entry: TimelineEntry, opening: str) -> str:
    return f"{opening}: {quoted(entry.text)}" if entry.text else opening


def _triggered(entry: TimelineEntry, data: dict[str, Any]) -> str:
    severity = f" as {data['severity']}" if data.get("severity") else ""
    return f"{entry.actor} declared it{severity}" if entry.by_id else f"Triggered by {entry.actor}{severity}"


def _assigned(entry: TimelineEntry, data: dict[str, Any]) -> str:
    to, had = data.get("to"), data.get("from")
    if not to:
        return f"{entry.actor} took it from {had}; nobody has it"
    took = f"{entry.actor} took it" if to == entry.actor else f"{entry.actor} assigned it to {to}"
    return f"{took}; {had} had it" if had else took


def _services(entry: TimelineEntry, data: dict[str, Any]) -> str:
    changes = [(word, ", ".join(data.get(word) or ())) for word in ("added", "removed")]
    return f"{entry.actor} " + " and ".join(f"{word} {slugs}" for word, slugs in changes if slugs)


def _paged(_entry: TimelineEntry, data: dict[str, Any]) -> str:
    return f"{', '.join(data.get('people') or ()) or 'Nobody'} paged, {data.get('reason', '')}".rstrip(", ")


def _alerts(entry: TimelineEntry, data: dict[str, Any]) -> str:
    count = data.get("count", 0)
    alerts = f"{count:,} alert{'' if count == 1 else 's'}"
    first = f": {quoted(data['alerts'][0], limit=120)}" if data.get("alerts") else ""
    did = "resolved" if entry.kind == Kind.ALERT_RESOLVED else "linked" if entry.by_id else "added"
    return f"{entry.actor}: {alerts} {did}{first}"


def _update(entry: TimelineEntry, data: dict[str, Any]) -> str:
    kind = "a public update" if data.get("visibility") == "external" else "a status update"
    return _because(entry, f"{entry.actor} posted {kind}, “{data.get('status', '')}”")


def _action(entry: TimelineEntry, data: dict[str, Any]) -> str:
    did = {
        Kind.ACTION_ADDED: "added the action item",
        Kind.ACTION_CHANGED: "changed the action item",
        Kind.ACTION_DONE: "finished the action item",
        Kind.ACTION_ACCEPTED: "accepted the risk of leaving undone",
        Kind.ACTION_REOPENED: "reopened the action item",
    }[Kind(entry.kind)]
    return f"{entry.actor} {did} “{data.get('title', '')}”"


def _runbook(entry: TimelineEntry, data: dict[str, Any]) -> str:
    title = data.get("title", "")
    if entry.kind == Kind.RUNBOOK_STARTED:
        return f"{entry.actor} started the runbook “{title}”"
    if entry.kind == Kind.RUNBOOK_FINISHED:
        return f"The runbook “{title}” is finished: {data.get('done', 0)} of {data.get('of', 0)} steps done"
    did = {"done": "did", "skipped": "skipped", "undone": "took back"}.get(data.get("did", ""), "looked at")
    return _because(entry, f"{entry.actor} {did} “{data.get('step', '')}” of the runbook “{title}”")


def _automation(entry: TimelineEntry, data: dict[str, Any]) -> str:
    dry = " (dry run)" if data.get("is_dry_run") else ""
    did = {"asked": "asked for", "waits": "asked for", "stopping": "told to stop"}.get(data.get("did", ""))
    if did or entry.by_id:
        return f"{entry.actor} {did or data.get('did', '')} “{data.get('action', '')}”{dry}"
    return f"“{data.get('action', '')}”{dry}: {data.get('did', '')}"


_WORDS: dict[str, Callable[[TimelineEntry, dict[str, Any]], str]] = {
    Kind.TRIGGERED: _triggered,
    Kind.ACKNOWLEDGED: lambda entry, _: f"{entry.actor} acknowledged it",
    Kind.MOVED: lambda entry, data: f"{entry.actor} moved it to {data.get('to', '')}",
    Kind.UNACKNOWLEDGED: lambda entry, _: _because(entry, f"{entry.actor} gave it back"),
    Kind.SNOOZED: lambda entry, _: f"{entry.actor} snoozed it",
    Kind.WOKEN: lambda entry, _: f"{entry.actor} ended the snooze" if entry.by_id else "The snooze ended",
    Kind.RESOLVED: lambda entry, _: f"{entry.actor} resolved it",
    Kind.REOPENED: lambda entry, _: _because(entry, f"{entry.actor} reopened it"),
    Kind.POSTMORTEM_STARTED: lambda entry, _: f"{entry.actor} started the postmortem",
    Kind.ASSIGNED: _assigned,
    Kind.SEVERITY_CHANGED: lambda entry, data: _because(
        entry, f"{entry.actor} changed severity from {data.get('from', '')} to {data.get('to', '')}"
    ),
    Kind.SERVICES_CHANGED: _services,
    Kind.NOTED: lambda entry, _: f"{entry.actor}: {quoted(entry.text)}",
    Kind.EVIDENCE_LINKED: lambda entry, data: f"{entry.actor} linked evidence: {data.get('caption', '')}",
    Kind.MITIGATED: lambda entry, data: _because(entry, f"{entry.actor} mitigated: {_mitigation(data)}"),
    Kind.PAGED: _paged,
    Kind.PAGE_FAILED: lambda _, data: f"A page to {data.get('person', '')} failed: {data.get('why', '')}",
    Kind.NOBODY_REACHED: lambda _, data: f"Nobody was reached: {data.get('why', '')}",
    Kind.EXHAUSTED: lambda _, data: f"Nobody answered: {data.get('policy', 'the policy')} was used up",
    Kind.ESCALATED: lambda entry, _: (
        _because(entry, f"{entry.actor} asked for the next step")
        if entry.by_id
        else f"{entry.text}; the next step was paged"
    ),
    Kind.NOTIFIED: lambda _, data: f"{_notified(data)}: {data.get('result', '')}",
    Kind.CLOCK_WARNED: lambda _, data: f"80 % of the {data.get('clock', '')} time was used",
    Kind.CLOCK_BREACHED: lambda _, data: f"The {data.get('clock', '')} time ended",
    Kind.ALERT_ADDED: _alerts,
    Kind.ALERT_RESOLVED: _alerts,
    Kind.STATUS_UPDATED: _update,
    Kind.ACTION_ADDED: _action,
    Kind.ACTION_CHANGED: _action,
    Kind.ACTION_DONE: _action,
    Kind.ACTION_ACCEPTED: _action,
    Kind.ACTION_REOPENED: _action,
    Kind.RUNBOOK_STARTED: _runbook,
    Kind.RUNBOOK_STEP: _runbook,
    Kind.RUNBOOK_FINISHED: _runbook,
    Kind.AUTOMATION: _automation,
}


def _mitigation(data: dict[str, Any]) -> str:
    return str(data.get("mitigation", "")).replace("_", " ")


def _notified(data: dict[str, Any]) -> str:
    told = {"notify_leadership": "Leadership notified", "open_ticket": "Team ticket"}
    return told.get(data.get("action", ""), "Team channel notified")
