"""When things go wrong: six months of occasions with working weeks, nights, bursts, and services that flap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from incidents.models import Severity
from incidents_site.demo import failures_of_change, failures_of_load

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from datetime import datetime

    from incidents_site.demo.story import Failure

DAYS = 182
QUIET = timedelta(hours=7)  # the youngest occasion of the history; what is under way is declared apart
ORDINARY, BURSTS, FLAPS = 318, 14, 7
LATELY = (8, 13, 21, 29, 40, 52)  # hours ago: something always happened in the last days
BY_MONITOR = 0.68

FAILURES = (*failures_of_change.FAILURES, *failures_of_load.FAILURES)
COMES_AND_GOES = ("replica lag", "queue backlog", "traffic spike", "DNS", "provider outage")
MIX = {Severity.CRITICAL: 6, Severity.HIGH: 18, Severity.MEDIUM: 46, Severity.LOW: 30}
BURST_MIX = {Severity.CRITICAL: 6, Severity.HIGH: 24, Severity.MEDIUM: 52, Severity.LOW: 18}
WEEKDAYS = (1.15, 1.3, 1.3, 1.2, 0.95, 0.42, 0.38)
HOURS = (*(3,) * 5, 4, 6, 9, 14, 17, 18, 16, 13, 16, 18, 17, 14, 11, 8, 7, 6, 5, 4, 3)  # UTC

# What also suffers when something central does.
NEIGHBOURS = {
    "kafka": ("ingest-pipeline", "notifications", "billing", "search-index"),
    "postgresql": ("auth", "billing", "dashboards", "query-engine"),
    "query-engine": ("ai-service", "dashboards", "web-app"),
    "object-storage": ("search-index", "ingest-pipeline", "ci"),
    "edge": ("api-gateway", "web-app", "auth"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """One moment at which something goes wrong. ``flaps``: it comes and goes before anybody looks."""

    at: datetime
    failure: Failure
    slug: str
    severity: Severity
    by_monitor: bool
    flaps: bool = False


def occasions(rng: random.Random, *, now: datetime) -> list[Occasion]:
    """Every occasion of the last six months, in order."""
    found = [*_ordinary(rng, now), *_bursts(rng, now), *_flaps(rng, now)]
    return sorted(found, key=lambda occasion: occasion.at)


def _ordinary(rng: random.Random, now: datetime) -> Iterator[Occasion]:
    lately = [now - timedelta(hours=hours, seconds=rng.randint(0, 3000)) for hours in LATELY]
    for at in (*lately, *(_moment(rng, now) for _ in range(ORDINARY - len(lately)))):
        yield _occasion(rng, at, _severity(rng, MIX), by_monitor=rng.random() < BY_MONITOR)


def _bursts(rng: random.Random, now: datetime) -> Iterator[Occasion]:
    """Something central breaks, and within two hours its neighbours do."""
    for _ in range(BURSTS):
        start, centre = _moment(rng, now), rng.choice(list(NEIGHBOURS))
        severity = rng.choices((Severity.CRITICAL, Severity.HIGH), (1, 4))[0]
        yield _occasion(rng, start, severity, by_monitor=True, slug=centre)
        for slug in rng.sample(NEIGHBOURS[centre], k=min(rng.randint(2, 4), len(NEIGHBOURS[centre]))):
            at = min(start + timedelta(seconds=rng.randint(60, 6600)), now - QUIET)
            yield _occasion(rng, at, _severity(rng, BURST_MIX), by_monitor=rng.random() < 0.8, slug=slug)


def _flaps(rng: random.Random, now: datetime) -> Iterator[Occasion]:
    """The same alert comes and goes several times within a day."""
    for _ in range(FLAPS):
        at, severity = _moment(rng, now), rng.choice((Severity.MEDIUM, Severity.MEDIUM, Severity.LOW))
        failure = rng.choice([each for each in FAILURES if each.name in COMES_AND_GOES])
        slug = rng.choices(list(failure.services), list(failure.services.values()))[0]
        for _ in range(rng.randint(4, 8)):
            if at <= now - QUIET:
                yield Occasion(at=at, failure=failure, slug=slug, severity=severity, by_monitor=True, flaps=True)
            at += timedelta(seconds=rng.randint(1800, 9000))


def _occasion(rng: random.Random, at: datetime, severity: Severity, *, by_monitor: bool, slug: str = "") -> Occasion:
    possible = [each for each in FAILURES if not slug or slug in each.services]
    weights = [each.severities[severity.rank] * (each.services[slug] if slug else 1) for each in possible]
    failure = rng.choices(possible, weights)[0]
    slug = slug or rng.choices(list(failure.services), list(failure.services.values()))[0]
    return Occasion(at=at, failure=failure, slug=slug, severity=severity, by_monitor=by_monitor)


def _severity(rng: random.Random, mix: dict[Severity, int]) -> Severity:
    return rng.choices(list(mix), list(mix.values()))[0]


def _moment(rng: random.Random, now: datetime) -> datetime:
    """More on weekdays and in office hours, and a little less each month, as the company learns."""
    while True:
        day = (now - timedelta(days=rng.uniform(0, DAYS))).replace(hour=0, minute=0, second=0, microsecond=0)
        hour = rng.choices(range(24), HOURS)[0]
        at = day + timedelta(hours=hour, seconds=rng.uniform(0, 3600))
        age = (now - at).days / DAYS
        wave = 1 + 0.15 * math.sin(age * 9)
        likely = WEEKDAYS[at.weekday()] / max(WEEKDAYS) * (0.8 + 0.2 * age) * wave / 1.15
        if now - timedelta(days=DAYS) <= at <= now - QUIET and rng.random() < likely:
            return at
