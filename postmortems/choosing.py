"""Which entries of a timeline a postmortem tells: chosen by rule, so that the same timeline gives the same events.

Turning points are always told. Then what people wrote, tried and said; of the rest only what begins something: the
first page, the first alert. Everything else is left out, and can be taken in by hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents.models import TimelineEntry

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind = TimelineEntry.Kind

MOST_EVENTS = 60

TURNING_POINTS = frozenset(
    {
        Kind.TRIGGERED, Kind.ACKNOWLEDGED, Kind.UNACKNOWLEDGED, Kind.MOVED, Kind.RESOLVED, Kind.REOPENED,
        Kind.SEVERITY_CHANGED, Kind.MITIGATED, Kind.EXHAUSTED, Kind.NOBODY_REACHED, Kind.ESCALATED,
        Kind.CLOCK_BREACHED,
    }
)  # fmt: skip
TOLD = frozenset({Kind.NOTED, Kind.STATUS_UPDATED, Kind.SERVICES_CHANGED, Kind.RUNBOOK_STARTED, Kind.RUNBOOK_FINISHED})
ONCE = frozenset({Kind.PAGED, Kind.ALERT_ADDED, Kind.PAGE_FAILED})
AUTOMATION_ENDS = frozenset({"done", "failed", "unknown", "refused"})


def choose(entries: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """Those that are told, in their order; at most ``MOST_EVENTS``.

    Where there are more, turning points come first, and of what is left as many from the beginning as from the end.
    """
    turning: list[TimelineEntry] = []
    rest: list[TimelineEntry] = []
    begun: set[str] = set()
    for entry in entries:
        if entry.kind in TURNING_POINTS:
            turning.append(entry)
        elif _is_told(entry) or (entry.kind in ONCE and entry.kind not in begun):
            rest.append(entry)
        begun.add(entry.kind)
    kept = _both_ends(turning, MOST_EVENTS)
    kept += _both_ends(rest, MOST_EVENTS - len(kept))
    return sorted(kept, key=lambda entry: (entry.at, entry.pk))


def _is_told(entry: TimelineEntry) -> bool:
    data = entry.data if isinstance(entry.data, dict) else {}
    if entry.kind == Kind.RUNBOOK_STEP:
        return data.get("did") == "skipped" or (data.get("did") == "done" and bool(entry.text))
    if entry.kind == Kind.AUTOMATION:
        return data.get("did") in AUTOMATION_ENDS and not data.get("is_automatic")
    return entry.kind in TOLD


def _both_ends(entries: list[TimelineEntry], most: int) -> list[TimelineEntry]:
    if len(entries) <= most:
        return entries
    first = (most + 1) // 2
    return entries[:first] + entries[len(entries) - (most - first) :]
