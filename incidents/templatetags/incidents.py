"""How an incident's clocks and entries look; ``{% load incidents %}``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django import template

from core import durations
from incidents import listing
from incidents.models import TimelineEntry
from incidents.timeline import MITIGATIONS

if TYPE_CHECKING:
    from incidents.models import SlaClock

register = template.Library()

Kind = TimelineEntry.Kind
_ICONS: dict[str, str] = {
    Kind.TRIGGERED: "alert",
    Kind.ACKNOWLEDGED: "check",
    Kind.UNACKNOWLEDGED: "st-triggered",
    Kind.SNOOZED: "clock",
    Kind.WOKEN: "clock",
    Kind.RESOLVED: "st-resolved",
    Kind.REOPENED: "history",
    Kind.POSTMORTEM_DRAFTED: "st-postmortem",
    Kind.POSTMORTEM_STARTED: "st-postmortem",
    Kind.POSTMORTEM_PUBLISHED: "book",
    Kind.ASSIGNED: "users",
    Kind.SEVERITY_CHANGED: "flag",
    Kind.SERVICES_CHANGED: "deploy",
    Kind.DETAILS_CHANGED: "edit",
    Kind.NOTED: "note",
    Kind.EVIDENCE_LINKED: "link",
    Kind.MITIGATED: "check",
    Kind.PAGED: "bell",
    Kind.PAGE_FAILED: "bell",
    Kind.NOBODY_REACHED: "bell",
    Kind.EXHAUSTED: "bell",
    Kind.ESCALATED: "bell",
    Kind.REMINDED: "bell",
    Kind.NOTIFIED: "mega",
    Kind.CLOCK_WARNED: "clock",
    Kind.CLOCK_BREACHED: "clock",
    Kind.ALERT_ADDED: "alert",
    Kind.ALERT_RESOLVED: "alert",
    Kind.STATUS_UPDATED: "mega",
    Kind.UPDATE_CHANGED: "edit",
    Kind.ACTION_ADDED: "todo",
    Kind.ACTION_CHANGED: "edit",
    Kind.ACTION_DONE: "done",
    Kind.ACTION_ACCEPTED: "shield",
    Kind.ACTION_REOPENED: "history",
    Kind.RUNBOOK_STARTED: "book",
    Kind.RUNBOOK_STEP: "done",
    Kind.RUNBOOK_FINISHED: "book",
}
_AUTOMATION_ICONS = {
    "waits": "users", "approved": "check", "refused": "ban", "cancelled": "ban", "stopping": "stop", "done": "check",
    "failed": "x", "unknown": "alert",
}  # fmt: skip
_EVIDENCE_ICONS = {"metric": "chart", "log": "log", "trace": "trace", "screenshot": "image"}

register.filter("urgent_clock", listing.urgent_clock)


@register.filter
def entry_icon(entry: TimelineEntry) -> str:
    """The sprite's symbol for an entry."""
    if entry.kind == Kind.MOVED:
        return f"st-{entry.data.get('to', 'investigating')}"
    if entry.kind == Kind.RUNBOOK_STEP and entry.data.get("did") != "done":
        return {"seen": "note", "undone": "todo"}.get(entry.data.get("did", ""), "right")
    if entry.kind == Kind.AUTOMATION:
        return _AUTOMATION_ICONS.get(entry.data.get("did", ""), "play")
    return _ICONS.get(entry.kind, "info")


@register.filter
def verdict_icon(verdict: str) -> str:
    """The sprite's symbol for why somebody was paged, or was not."""
    return {"paged": "bell", "told": "mega"}.get(verdict, "info")


@register.filter
def evidence_icon(kind: str) -> str:
    """The sprite's symbol for a kind of evidence."""
    return _EVIDENCE_ICONS.get(kind, "link")


@register.filter
def soon_seconds(clock: SlaClock) -> int:
    """When a clock's countdown turns amber: once 80 % of its time is used."""
    return max(0, int((clock.due_at - clock.warn_at).total_seconds()))


@register.simple_tag
def length(start: datetime, end: datetime, in_words: bool = False) -> str:
    """``{% length clock.started_at clock.met_at %}``: 1:48, 3 h 04 min; ``in_words``: 5 min, 1 h."""
    seconds = (end - start).total_seconds()
    return durations.words(seconds) if in_words else durations.clock(seconds)


@register.filter
def moment(entry: TimelineEntry, name: str) -> datetime:
    """A time among an entry's facts."""
    return datetime.fromisoformat(entry.data[name])


@register.filter
def mitigation(entry: TimelineEntry) -> str:
    """What was done, in words."""
    return MITIGATIONS.get(entry.data.get("mitigation", ""), "Mitigated")


@register.filter
def field_words(names: list[str]) -> str:
    """Names of an incident's fields as people say them."""
    words = {
        "started_at": "the beginning of the impact",
        "is_private": "who may see it",
        "root_cause": "root cause",
        "excluded_from_metrics": "whether the metrics count it",
        "excluded_reason": "why the metrics do not count it",
    }
    return ", ".join(words.get(name, name.replace("_", " ")) for name in names)


@register.filter
def sort_label(sort: str) -> str:
    """The order of the list in words."""
    down = sort.startswith("-")
    pairs = {
        "id": ("highest number first", "lowest number first"),
        "title": ("titles from Z to A", "titles from A to Z"),
        "severity": ("worst first", "least severe first"),
        "status": ("last stage first", "first stage first"),
        "assignee": ("assignees from Z to A", "assignees from A to Z"),
        "duration": ("longest first", "shortest first"),
        "created": ("newest first", "oldest first"),
    }
    return pairs[sort.removeprefix("-")][0 if down else 1]
