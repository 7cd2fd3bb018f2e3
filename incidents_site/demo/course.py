"""How one incident goes, in times: when somebody answers, works, finds a way around, and when it is over."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from incidents.models import Severity

if TYPE_CHECKING:
    import random
    from datetime import datetime

    from incidents_site.demo.rhythm import Occasion

MINUTE = timedelta(minutes=1)
OVER = timedelta(minutes=40)  # the history ends this long before now
LONGEST = timedelta(days=4)
LATEST_ANSWER = {Severity.CRITICAL: 24, Severity.HIGH: 38}  # minutes; nobody runs through a whole policy

# Median in minutes and sigma of a lognormal distribution: until somebody answers, and from then until it is over.
ANSWER = {
    Severity.CRITICAL: (1.9, 0.5),
    Severity.HIGH: (4.6, 0.62),
    Severity.MEDIUM: (17.0, 0.75),
    Severity.LOW: (130.0, 0.9),
}
WORK = {
    Severity.CRITICAL: (46.0, 0.55),
    Severity.HIGH: (78.0, 0.65),
    Severity.MEDIUM: (120.0, 0.8),
    Severity.LOW: (330.0, 0.85),
}
MONITOR_FIRST = {Severity.CRITICAL: 0.0, Severity.HIGH: 0.05, Severity.MEDIUM: 0.11, Severity.LOW: 0.14}
POSTMORTEM = {Severity.CRITICAL: 0.95, Severity.HIGH: 0.86, Severity.MEDIUM: 0.02, Severity.LOW: 0.0}
RAISED_TO = {Severity.HIGH: Severity.CRITICAL, Severity.MEDIUM: Severity.HIGH, Severity.LOW: Severity.MEDIUM}
LOWERED_TO = {Severity.CRITICAL: Severity.HIGH, Severity.HIGH: Severity.MEDIUM, Severity.MEDIUM: Severity.LOW}


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """The times of one incident; None for what did not happen. ``acknowledged_at`` None: the monitor was first."""

    started_at: datetime
    created_at: datetime
    acknowledged_at: datetime | None = None
    investigating_at: datetime | None = None
    severity_changed_at: datetime | None = None
    new_severity: Severity | None = None
    joined_at: datetime | None = None
    handed_over_at: datetime | None = None
    mitigated_at: datetime | None = None
    ended_first_at: datetime | None = None
    reopened_at: datetime | None = None
    resolved_at: datetime
    monitor_ended_it: bool = False
    postmortem_at: datetime | None = None


def of(occasion: Occasion, rng: random.Random, *, now: datetime) -> Course:
    """Draw the course of one occasion; everything in it lies before ``now``."""
    created = occasion.at
    started = created - rng.uniform(0.3, 1) * (4 * MINUTE if occasion.by_monitor else 25 * MINUTE)
    if occasion.flaps or (occasion.by_monitor and rng.random() < MONITOR_FIRST[occasion.severity]):
        end = created + timedelta(seconds=rng.uniform(100, 700))
        return Course(started_at=started, created_at=created, resolved_at=end, monitor_ended_it=True)
    answered = created + _answer(occasion, rng, now=now)
    latest = now - OVER * rng.uniform(1, 1.6)
    work = min(max(_minutes(rng, *WORK[occasion.severity]) * _progress(created, now), 7 * MINUTE), LONGEST)
    over = min(answered + work, latest)
    return _worked(occasion, rng, started=started, answered=answered, over=over, now=now)


def _answer(occasion: Occasion, rng: random.Random, *, now: datetime) -> timedelta:
    """Nights are slower, and the company gets faster over the months."""
    is_night = not 6 <= occasion.at.hour < 21
    wait = _minutes(rng, *ANSWER[occasion.severity]) * (1.35 if is_night else 1) * _progress(occasion.at, now)
    latest = LATEST_ANSWER.get(occasion.severity)
    most = latest * MINUTE if latest else (now - occasion.at) * 0.3
    return min(max(wait, timedelta(seconds=25)), most)


def _worked(
    occasion: Occasion, rng: random.Random, *, started: datetime, answered: datetime, over: datetime, now: datetime
) -> Course:
    work = over - answered
    severity = occasion.severity
    investigating = answered + min(rng.uniform(0.02, 0.2) * work, rng.uniform(1, 9) * MINUTE)
    mitigated = answered + rng.uniform(0.5, 0.8) * work
    change = answered + rng.uniform(0.22, 0.4) * work
    draw = rng.random()
    new_severity = RAISED_TO.get(severity) if draw < 0.04 else LOWERED_TO.get(severity) if draw < 0.09 else None
    monitor_ended_it = occasion.by_monitor and rng.random() < 0.42
    ended_first = reopened = None
    if not monitor_ended_it and work > 30 * MINUTE and rng.random() < 0.06:
        ended_first = answered + 0.82 * work
        reopened = answered + rng.uniform(0.85, 0.93) * work
    # Bad ones are written up within a few days; of the last days' some are still waiting for it.
    written_up = over + timedelta(hours=rng.uniform(3, 70))
    wants_postmortem = rng.random() < POSTMORTEM[new_severity or severity] and written_up < now - OVER
    return Course(
        started_at=started,
        created_at=occasion.at,
        acknowledged_at=answered,
        investigating_at=investigating if rng.random() < 0.9 else None,
        severity_changed_at=change if new_severity else None,
        new_severity=new_severity,
        joined_at=change + min(0.1 * work, rng.uniform(1, 6) * MINUTE) if new_severity else None,
        handed_over_at=answered + rng.uniform(0.42, 0.48) * work if rng.random() < 0.14 else None,
        mitigated_at=mitigated if rng.random() < (0.65 if severity == Severity.LOW else 0.92) else None,
        ended_first_at=ended_first,
        reopened_at=reopened,
        resolved_at=over,
        monitor_ended_it=monitor_ended_it,
        postmortem_at=written_up if wants_postmortem else None,
    )


def _minutes(rng: random.Random, median: float, sigma: float) -> timedelta:
    return timedelta(minutes=rng.lognormvariate(math.log(median), sigma))


def _progress(at: datetime, now: datetime) -> float:
    """1.2 half a year ago, 0.85 now."""
    return 0.85 + 0.35 * min((now - at).days / 182, 1)
