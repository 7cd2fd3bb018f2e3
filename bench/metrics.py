"""Figures over 1,000,000 incidents and two years: what they take to make anew, to read, and to follow a change; and
whether they are those of an independent calculation, on 1,000 random histories.

The installation has 1,500,000 incidents over three years, so that two years of it are a million (bench.million); a
rebuild and every change have the third year to carry as well. Pages are asked of processes that answer without a
network (bench.visitor), as an admin and as a responder, who also sees some private incidents. What is measured inside
a process of Muster is in bench.metrics_inside.

``MUSTER_BENCH_DATA=folder`` keeps the installation for two days; ``MUSTER_BENCH_RUNS=5`` makes it shorter.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from django.utils import timezone

from bench import million, table
from incidents_site.config import BASE_DIR

INCIDENTS = 1_500_000
RUNS, WARM_UP, PROCESSES = 15, 3, 3
WARM_MS, COLD_MS, CORRECT_SECONDS = 300.0, 1_500.0, 10.0
FILES = ("tests/metrics/test_independent.py", "tests/metrics/test_samples.py", "tests/metrics/test_periods.py")
PEOPLE = {"admin": "person0", "responder": "person7"}
NARROWED = ("severity=high", "service=service-7", "team=team-3")
BESIDE = ("leadership", "on-call", "incidents?of=incidents", "incidents?of=response_breached")
INSIDE = "import django; django.setup(); from bench import metrics_inside; metrics_inside.main()"

# What bench.million leaves out: a postmortem for each critical incident that is over, mostly published within its days,
# action items, and alerts of a fifth of all incidents.
MORE = (
    """INSERT INTO postmortems_postmortem (incident_id, created_at, updated_at, state, published_at, first_published_at,
        meeting_minutes, meeting_place, meeting_changes, public_text)
    SELECT id, resolved_at, resolved_at, CASE WHEN id % 5 > 0 THEN 'published' ELSE 'draft' END,
        CASE WHEN id % 5 > 0 THEN resolved_at + (id % 7) * interval '1 day' END,
        CASE WHEN id % 5 > 0 THEN resolved_at + (id % 7) * interval '1 day' END, 60, '', 0, ''
    FROM incidents_incident WHERE severity = 'critical' AND resolved_at IS NOT NULL ON CONFLICT DO NOTHING""",
    """INSERT INTO postmortems_postmortem_factors (postmortem_id, factor_id)
    SELECT postmortem.id, factor.id FROM postmortems_postmortem AS postmortem, generate_series(0, 1) AS n,
        LATERAL (SELECT id FROM postmortems_factor ORDER BY id OFFSET (postmortem.incident_id + n * 5) % 8 LIMIT 1)
        AS factor
    WHERE n = 0 OR postmortem.incident_id % 3 = 0 ON CONFLICT DO NOTHING""",
    """INSERT INTO incidents_actionitem (incident_id, title, kind, created_at, due_on, done_at, accepted_reason)
    SELECT incident_id, 'Do it', 'preventive', created_at, (created_at + interval '14 days')::date,
        CASE WHEN incident_id % 4 > 0 THEN created_at + (incident_id % 20) * interval '1 day' END, ''
    FROM postmortems_postmortem, generate_series(1, 2)""",
    """INSERT INTO alerts_integration (created_at, updated_at, name, format, default_severity, is_enabled, key_digest,
        key_prefix, is_demo)
    VALUES (now(), now(), 'Bench', 'generic', 'medium', true, 'bench', 'bench', false)""",
    """INSERT INTO alerts_group (integration_id, group_key, incident_id, opened_at, closed_at)
    SELECT integration.id, incident.id, incident.id, incident.created_at, incident.created_at
    FROM incidents_incident AS incident, alerts_integration AS integration WHERE incident.id % 5 = 0""",
    """INSERT INTO alerts_alert (integration_id, group_id, fingerprint, title, severity, status, labels, annotations,
        link, started_at, received_at, last_received_at, resolved_at, times_received)
    SELECT integration_id, id, n, 'Alert', 'high', 'resolved', '{}', '{}', '', opened_at, opened_at, opened_at,
        opened_at, 1
    FROM alerts_group, generate_series(0, (id % 3)::int) AS n""",
    "ANALYZE",
)


def main() -> None:
    """Print the tables; fails where a figure differs or a page is too slow."""
    differ = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal", *FILES],
        cwd=BASE_DIR,
        env=os.environ | {"MUSTER_FULL": "1"},
        check=False,
    ).returncode
    with million.installation(INCIDENTS) as muster:
        slow = measure(muster.url, muster.env)
    assert not differ, "figures differ from the independent calculation"
    assert not slow, "; ".join(slow)


def measure(url: str, env: dict[str, str]) -> list[str]:
    """Everything, on an installation that runs; what is not as it was asked, in words."""
    _more(url)
    with psycopg.connect(url) as connection:
        within = "created_at >= now() - interval '730 days'"
        (recent,) = connection.execute(f"SELECT count(*) FROM incidents_incident WHERE {within}").fetchone() or (0,)
    started = time.monotonic()
    argv = [sys.executable, "manage.py", "rebuild_metrics"]
    subprocess.run(argv, cwd=BASE_DIR, env=env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    rebuilt = time.monotonic() - started
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    print(f"{recent:,} incidents within two years; all facts and sums made anew in {rebuilt:.0f} s", flush=True)
    return [*_pages(env), *_changes(env)]


def _more(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        (known,) = connection.execute("SELECT count(*) FROM alerts_alert").fetchone() or (0,)
        if known > 1_000:
            return
        connection.execute("SET session_replication_role = replica")
        for statement in MORE:
            connection.execute(statement)


# ---- pages --------------------------------------------------------------------------------------------------------


def periods() -> dict[str, str]:
    """Queries of the pages, by name."""
    today = timezone.now().date()
    days = {"from": today - timedelta(days=729), "to": today}
    return {
        "30 days": "period=30d",
        "13 weeks": "period=13w",
        "1 year": "period=1y",
        "two years": "&".join(f"{name}={day}" for name, day in days.items()),
    }


@contextmanager
def visitor(env: dict[str, str], person: str) -> Iterator[subprocess.Popen[str]]:
    """A fresh process that answers."""
    argv = [sys.executable, "-m", "bench.visitor", person]
    process = subprocess.Popen(argv, cwd=BASE_DIR, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        assert process.stdin
        process.stdin.close()
        process.wait(10)


def ask(process: subprocess.Popen[str], address: str) -> dict[str, Any]:
    """One request."""
    assert process.stdin
    assert process.stdout
    print(address, file=process.stdin, flush=True)
    answer: dict[str, Any] = json.loads(process.stdout.readline())
    assert answer["status"] == 200, f"{address}: {answer['status']}"
    return answer


def _pages(env: dict[str, str]) -> list[str]:
    runs = int(os.environ.get("MUSTER_BENCH_RUNS", RUNS))
    cold, warm = _cold(env), _warm(env, runs)
    rows: list[list[object]] = []
    slow = []
    for name, (address, times, queries) in warm.items():
        median, first = table.percentile(times, 0.5), cold.get(name, [])
        rows.append(
            [name, queries, _ms(median), _ms(table.percentile(times, 0.95)), *([_ms(max(first))] if first else [""])]
        )
        if median > WARM_MS:
            slow.append(f"{address} takes {median:.0f} ms warm")
        if first and max(first) > COLD_MS:
            slow.append(f"{address} takes {max(first):.0f} ms cold")
    asked = f"asked: median <= {WARM_MS:.0f} warm, <= {COLD_MS:,.0f} as a process's first request"
    head = ["server time, ms", "queries", "median", "p95", "first"]
    table.show(f"/metrics/ and the pages beside it, {runs} runs each ({asked})", rows, head=head)
    return slow


def _cold(env: dict[str, str]) -> dict[str, list[float]]:
    """Milliseconds of the first request of a process, by name."""
    found: dict[str, list[float]] = {}
    for who, person in PEOPLE.items():
        for period, query in periods().items():
            for _ in range(PROCESSES):
                with visitor(env, person) as process:
                    found.setdefault(f"{period}, {who}", []).append(ask(process, f"/metrics/?{query}")["ms"])
    return found


def _warm(env: dict[str, str], runs: int) -> dict[str, tuple[str, list[float], int]]:
    """By name the address, its milliseconds, and its queries."""
    found = {}
    for who, person in PEOPLE.items():
        with visitor(env, person) as process:
            for name, address in _addresses().items():
                queries = len(ask(process, f"?{address}")["queries"])
                for _ in range(WARM_UP):
                    ask(process, address)
                times = [ask(process, address)["ms"] for _ in range(runs)]
                found[f"{name}, {who}"] = (address, times, queries)
    return found


def _addresses() -> dict[str, str]:
    found = {}
    for period, query in periods().items():
        found[period] = f"/metrics/?{query}"
        found |= {f"{period}, {narrowed}": f"/metrics/?{query}&{narrowed}" for narrowed in NARROWED}
    for period in ("13 weeks", "two years"):
        for page in BESIDE:
            found[f"{page}, {period}"] = f"/metrics/{page}{'&' if '?' in page else '?'}{periods()[period]}"
    return found


def _ms(value: float) -> str:
    return f"{value:.0f}"


# ---- changes ------------------------------------------------------------------------------------------------------


def _changes(env: dict[str, str]) -> list[str]:
    argv = [sys.executable, "-c", INSIDE]
    out = subprocess.run(argv, cwd=BASE_DIR, env=env, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = json.loads(out.splitlines()[-1])
    rows: list[list[object]] = [[what, _seconds(taken)] for what, taken in found["seconds"].items()]
    title = f"From the commit of a change until the figures say it (asked: <= {CORRECT_SECONDS:.0f} s)"
    table.show(title, rows, head=["changed", "seconds"])
    per_incident = [[name, times["median"], times["p95"]] for name, times in found["writes"].items()]
    title = "Declare, acknowledge and resolve an incident, 500 each, by turns"
    table.show(title, per_incident, head=["ms", "median", "p95"])
    wrong = [f"sums by change are not those made anew: {name}" for name in found["differ"]]
    late = [f"{what}: {taken:.1f} s" for what, taken in found["seconds"].items() if taken > CORRECT_SECONDS]
    return wrong + late


def _seconds(taken: float) -> str:
    return f"{taken:.1f}"
