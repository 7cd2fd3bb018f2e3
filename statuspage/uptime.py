"""Uptime: pure arithmetic of stretches of time.

Down is a partial or major outage by any incident; several at once count once. Degraded performance is shown beside it
and is no outage. Maintenance that was announced before it began is neither. Days are those of the page's clocks, so one
in spring has 23 hours and one in autumn 25; before a component's first day and after now nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from core import time_zones
from statuspage.models import Health
from statuspage.picture import DAYS, Day

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

Span = tuple[datetime, datetime]

NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class Fault:
    """A component was like this by one report; without an end it still is."""

    health: str
    report: str
    start: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class History:
    """A component's last ``DAYS`` days, the oldest first, and the share of its known time that it was not down."""

    days: tuple[Day, ...]
    uptime: float | None


def first_day(zone: ZoneInfo, *, now: datetime) -> date:
    """The day that a history begins with."""
    return now.astimezone(zone).date() - timedelta(days=DAYS - 1)


def midnight(on: date, zone: ZoneInfo) -> datetime:
    """When a day begins; the first valid instant where its midnight does not exist."""
    return time_zones.instant(on, time(0), zone)


def history_of(
    faults: Iterable[Fault], works: Iterable[Span], *, since: date, zone: ZoneInfo, now: datetime
) -> History:
    """What is known of a component. ``works`` is its announced maintenance."""
    first, faults = first_day(zone, now=now), list(faults)
    known = (max(midnight(since, zone), midnight(first, zone)), now.astimezone(UTC))
    busy = _clipped(works, known)
    bad = {
        health: _without(
            _clipped(((each.start, each.end or now) for each in faults if each.health == health), known), busy
        )
        for health in (Health.MAJOR, Health.PARTIAL, Health.DEGRADED)
    }
    down = _union([*bad[Health.MAJOR], *bad[Health.PARTIAL]])
    course = _Course(
        {**bad, Health.MAINTENANCE: busy}, down=down, degraded=_without(bad[Health.DEGRADED], down), busy=busy
    )
    days = []
    for number in range(DAYS):
        on = first + timedelta(days=number)
        span = (midnight(on, zone), min(midnight(on + timedelta(days=1), zone), known[1]))
        is_known = on >= since
        days.append(course.day(on, span, reports=_reports(faults, span, now) if is_known else (), is_known=is_known))
    whole = known[1] - known[0]
    return History(tuple(days), 1 - _length(down, known) / whole if whole > NOTHING else None)


@dataclass(frozen=True, slots=True)
class _Course:
    """What a component's known time was made of; ``states`` from the worst on."""

    states: dict[Health, list[Span]]
    down: list[Span]
    degraded: list[Span]
    busy: list[Span]

    def day(self, on: date, span: Span, *, reports: tuple[str, ...], is_known: bool) -> Day:
        health = next((state for state, spans in self.states.items() if _length(spans, span)), Health.OPERATIONAL)
        return Day(
            on=on,
            health=health.value,
            down_seconds=_seconds(self.down, span),
            degraded_seconds=_seconds(self.degraded, span),
            maintenance_seconds=_seconds(self.busy, span),
            reports=reports,
            is_known=is_known,
        )


def _reports(faults: list[Fault], span: Span, now: datetime) -> tuple[str, ...]:
    found = (each.report for each in faults if min(each.end or now, span[1]) > max(each.start, span[0]))
    return tuple(dict.fromkeys(found))


# ---- stretches: sorted, and apart from each other ----------------------------------------------------------------


def _union(spans: Iterable[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in sorted(spans):
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _clipped(spans: Iterable[Span], bounds: Span) -> list[Span]:
    return _union((max(start, bounds[0]), min(end, bounds[1])) for start, end in spans)


def _without(spans: list[Span], taken: list[Span]) -> list[Span]:
    found: list[Span] = []
    for start, end in spans:
        at = start
        for left, right in taken:
            if right <= at or left >= end:
                continue
            found.append((at, left))
            at = max(at, right)
        found.append((at, end))
    return [(left, right) for left, right in found if right > left]


def _length(spans: list[Span], within: Span) -> timedelta:
    first, last = within
    return sum((min(end, last) - max(start, first) for start, end in spans if start < last and end > first), NOTHING)


def _seconds(spans: list[Span], within: Span) -> int:
    return int(_length(spans, within).total_seconds())
