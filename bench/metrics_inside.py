"""The part of bench.metrics that runs inside Muster: changes, how long the figures take to say them, and what noting
them costs whoever writes. Prints one line of JSON. Needs Django, and a database whose sums are made."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Team, User
from bench import table
from catalog.models import Service
from core.work import run_sweep
from incidents import changes, lifecycle
from incidents.lifecycle import Draft
from incidents.models import Incident
from metrics import catching_up, cells
from metrics.figures import Figures, Narrowing
from metrics.models import Fact, Stale
from metrics.periods import Period

SEED = 20261201
CHANGES = (1, 50, 1_000)
EVERY = 3.0  # seconds, as manage.py pager and the workers do
WRITTEN, BLOCK = 500, 25
WAIT_SECONDS = 600.0
SUMS = {
    "metrics_tally": "kind, ref, week, severity, numbers",
    "metrics_series": "kind, ref, measure, week, severity, values",
    "metrics_load": "user_id, week, pages, night_pages, interrupted_hours, hours",
}


def main() -> None:
    """Everything."""
    chance = random.Random(SEED)
    _set_triggers(is_on=True)  # of a kept installation, whatever became of the run before
    stop = threading.Event()
    sweep = threading.Thread(target=_sweep, args=(stop,), daemon=True)
    sweep.start()
    _until(lambda: not Stale.objects.exists())
    seconds = {}
    for count in CHANGES:
        incidents = f"{count:,} incident{'s' * (count > 1)}"
        seconds[f"severity of {incidents}, newest"] = _change(count, chance, is_anywhere=False)
        seconds[f"severity of {incidents} anywhere in two years"] = _change(count, chance, is_anywhere=True)
    seconds["the team of a service"] = _hand_over()
    stop.set()
    sweep.join()
    writes = _writes()
    while catching_up.catch_up(now=timezone.now()):
        pass
    before = _digests()
    with transaction.atomic():
        cells.sum_everything()
    after = _digests()
    differ = [name for name in SUMS if before[name] != after[name]]
    print(json.dumps({"seconds": seconds, "writes": writes, "differ": differ}))


def _sweep(stop: threading.Event) -> None:
    while not stop.is_set():
        run_sweep("metrics.catch_up", catching_up.catch_up)
        stop.wait(EVERY)
    connection.close()


def _until(is_true: Callable[[], bool]) -> float:
    """Seconds until it is."""
    started = time.monotonic()
    while not is_true():
        assert time.monotonic() - started < WAIT_SECONDS, "the figures do not follow"
        time.sleep(0.05)
    return time.monotonic() - started


def _figures(**narrowed: object) -> Figures:
    today = timezone.now().date()
    return Figures(None, Period.of_days(today - timedelta(days=729), today, "UTC"), Narrowing(**narrowed))  # type: ignore[arg-type]


def _counts() -> Counter[str]:
    return Counter({severity: numbers["incidents"] for severity, numbers in _figures().by_severity.items()})


def _change(count: int, chance: random.Random, *, is_anywhere: bool) -> float:
    """Resolved incidents get another severity, in one transaction; seconds from its commit until the figures say so."""
    since = timezone.now() - timedelta(days=728)
    rows = Incident.objects.filter(
        created_at__gte=since,
        is_private=False,
        merged_into=None,
        excluded_from_metrics=False,
        resolved_at__isnull=False,
    ).order_by("-pk")
    newest = list(rows[:2_000])
    first, last = rows.order_by("created_at").values_list("pk", flat=True)[0], newest[0].pk
    some = newest
    if is_anywhere:
        some = list(rows.filter(pk__in=chance.sample(range(first, last), 2 * count + 20)))
    expected = _counts()
    with transaction.atomic():
        for incident in chance.sample(some, count):
            to = "low" if incident.severity != "low" else "medium"
            expected.update({incident.severity: -1, to: 1})
            changes.change_severity(incident, to=to, by=None)
    return _until(lambda: _counts() == expected)


def _hand_over() -> float:
    """A service goes to another team, with everything that it was ever touched by."""
    service = Service.objects.get(slug="service-7")
    new = Team.objects.exclude(pk=service.team_id or 0).order_by("pk")[0]
    service.team = new
    service.save(update_fields=["team"])
    wanted = Fact.objects.filter(service_ids__contains=[service.pk]).exclude(team_ids__contains=[new.pk])
    return _until(lambda: not wanted.exists() and not Stale.objects.exists())


def _writes() -> dict[str, dict[str, float]]:
    """Milliseconds for an incident's declaration, acknowledgement and resolution, with the triggers and without."""
    person = User.objects.get(username="person7")
    services = list(Service.objects.order_by("pk")[:20])
    found: dict[str, list[float]] = {"with the notes of what is stale": [], "without": []}
    _live(person, services[0])
    try:
        for number in range(0, WRITTEN, BLOCK):
            for name, times in found.items():
                _set_triggers(is_on=name != "without")
                for each in range(BLOCK):
                    started = time.perf_counter()
                    _live(person, services[(number + each) % len(services)])
                    times.append((time.perf_counter() - started) * 1000)
    finally:
        _set_triggers(is_on=True)
    return {
        name: {"median": table.percentile(times, 0.5), "p95": table.percentile(times, 0.95)}
        for name, times in found.items()
    }


def _live(person: User, service: Service) -> None:
    incident = lifecycle.declare(Draft(title="It is broken", severity="critical", services=[service]))
    lifecycle.acknowledge(incident, by=person)
    lifecycle.resolve(incident, by=person)


def _set_triggers(*, is_on: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE tgname LIKE 'metrics_stale%'")
        for name, trigger in cursor.fetchall():
            cursor.execute(f"ALTER TABLE {name} {'ENABLE' if is_on else 'DISABLE'} TRIGGER {trigger}")


def _digests() -> dict[str, tuple[int, int]]:
    """How many rows there are in each table of sums, and a number that is another one where any of them differs."""
    found = {}
    with connection.cursor() as cursor:
        for name, columns in SUMS.items():
            cursor.execute(f"SELECT count(*), sum(hashtextextended(ROW({columns})::text, 0)::numeric) FROM {name}")  # noqa: S608
            count, digest = cursor.fetchone()
            found[name] = (count, int(digest or 0))
    return found
