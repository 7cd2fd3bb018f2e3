"""Installations with many incidents: three years of them, the same every time but for the moment they end at.

Everything is drawn from fixed seeds. Titles and descriptions are words of a vocabulary in which the word of rank *n*
is *n* times rarer than the first, as in any language; the first ones are what people write about incidents.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import psycopg

from bench.sink import free_port
from incidents_site.config import BASE_DIR
from incidents_site.embedded.postgres import Postgres
from tests import template

SEED = 20261123
PEOPLE, TEAMS, SERVICES = 300, 20, 200
MOST_OPEN = 2_000
WITH_TIMELINE = 20_000  # the newest ones
VOCABULARY = 20_000
SOURCES = ("million.py", "company.py")
KEPT_SECONDS = 2 * 24 * 3600  # older data would leave the "recent" tab empty

COMMON = """
the to of is in and on for error with timeout not database latency high service from api requests failed after at by
connection queue errors slow are cluster disk users customers kafka node memory down cannot payments login cpu primary
replica deploy rate when pods lag since region checkout restart eu us west east pool usage above threshold 503 500 full
traffic no returns response gateway cache redis postgres consumer alerts increased network health check failing dns
certificate expired search index stale jobs stuck backlog workers crash loop release rollback migration lock deadlock
storage volume write read replication partition broker leader election quota limit throttled upstream downstream proxy
load balancer ingress tls handshake refused reset packet loss backup restore snapshot billing invoices orders inventory
shipping catalog prices images uploads downloads email notifications webhooks delivery mobile app android ios website
"""


@dataclass(frozen=True)
class Installation:
    """A database with ``incidents`` incidents, and the environment that a process of Muster needs to work on it."""

    incidents: int
    url: str
    env: dict[str, str]


@contextmanager
def installation(incidents: int) -> Iterator[Installation]:
    """Run PostgreSQL on a database of that size. With ``MUSTER_BENCH_DATA`` set it is kept there for two days."""
    kept = os.environ.get("MUSTER_BENCH_DATA")
    folder = Path(kept, str(incidents)) if kept else Path(tempfile.mkdtemp(prefix="muster-bench-"))
    stamp = folder / "seeded"
    if kept and folder.exists() and not _is_fresh(stamp):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        if not stamp.exists():
            with _database(folder, is_durable=False) as (url, env):
                started = time.monotonic()
                _seed(url, env, incidents)
                print(f"{incidents:,} incidents written in {time.monotonic() - started:.0f} s", flush=True)
            stamp.write_text(_version())
        with _database(folder, is_durable=True) as (url, env):
            _run(env, "manage.py", "prepare")
            yield Installation(incidents, url, env)
    finally:
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def empty(*, is_durable: bool = False) -> Iterator[dict[str, str]]:
    """Run PostgreSQL on tables without rows, and forget them; the environment to work there."""
    folder = Path(tempfile.mkdtemp(prefix="muster-bench-"))
    if "MUSTER_TEMPLATE" in os.environ:  # part of a test run, which has migrated a database already
        template.put(folder)
    try:
        with _database(folder, is_durable=is_durable) as (_, env):
            _run(env, "manage.py", "prepare")
            yield env
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _database(folder: Path, *, is_durable: bool) -> Iterator[tuple[str, dict[str, str]]]:
    postgres = Postgres(folder, is_durable=is_durable)
    try:
        postgres.start()
        env = os.environ | {
            "MUSTER_DATA": str(folder),
            "DATABASE_URL": postgres.url,
            "SECRET_KEY": "only-for-benches-" * 4,
            "REDIS_URL": f"redis://127.0.0.1:{free_port()}/0",
            "DJANGO_SETTINGS_MODULE": "incidents_site.settings",
        }
        yield postgres.url, env
    finally:
        postgres.stop()


def _version() -> str:
    """Changes with what is written."""
    return sha256(b"".join(Path(__file__).with_name(name).read_bytes() for name in SOURCES)).hexdigest()


def _is_fresh(stamp: Path) -> bool:
    if not stamp.exists() or stamp.stat().st_mtime < time.time() - KEPT_SECONDS:
        return False
    return stamp.read_text() == _version()


def _seed(url: str, env: dict[str, str], incidents: int) -> None:
    _run(env, "manage.py", "prepare")
    _run(env, "-m", "bench.company")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'; SET work_mem = '128MB'")
        connection.execute("SET session_replication_role = replica; SET max_parallel_workers_per_gather = 0")
        connection.execute("SELECT setseed(0.20261123)")
        _write_words(connection)
        indexes = _take_indexes(connection)
        for statement in STATEMENTS:
            connection.execute(statement.replace("%N", str(incidents)))
        for definition in indexes:
            connection.execute(definition)
        connection.execute("VACUUM (ANALYZE, FREEZE)")
    _run(env, "-m", "bench.company", "incidents")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


def _run(env: dict[str, str], *argv: str) -> None:
    subprocess.run([sys.executable, *argv], cwd=BASE_DIR, env=env, check=True)


def _take_indexes(connection: psycopg.Connection) -> list[str]:
    """Drop the indexes that are no constraints, and say how to make them again: filling them at once is faster."""
    rows = connection.execute(
        """
        SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
        WHERE indrelid::regclass::text = ANY(%s) AND NOT indisunique
        """,
        [TABLES],
    ).fetchall()
    for name, _ in rows:
        connection.execute(f"DROP INDEX {name}")
    return [definition for _, definition in rows]


def vocabulary() -> list[str]:
    """Words from the most common to the rarest."""
    chance = random.Random(SEED)
    known = dict.fromkeys(COMMON.split())
    while len(known) < VOCABULARY:
        syllables = chance.randint(2, 4)
        known["".join(chance.choice("bdfgklmnprstvz") + chance.choice("aeiou") for _ in range(syllables))] = None
    return list(known)


def _write_words(connection: psycopg.Connection) -> None:
    """Pools of phrases and hosts that every incident draws its texts from."""
    chance, words = random.Random(SEED), vocabulary()

    def phrase(shortest: int, longest: int) -> str:
        ranks = (int(VOCABULARY ** chance.random()) - 1 for _ in range(chance.randint(shortest, longest)))
        return " ".join(words[rank] for rank in ranks)

    connection.execute("CREATE TEMP TABLE phrase (id int PRIMARY KEY, title text, sentence text)")
    with connection.cursor().copy("COPY phrase FROM STDIN") as copy:
        for number in range(60_000):
            copy.write_row((number, phrase(3, 7).capitalize(), phrase(9, 15).capitalize() + "."))


TABLES = [
    "incidents_incident",
    "incidents_affectedservice",
    "incidents_slaclock",
    "incidents_timelineentry",
    "notifications_notification",
]

# Some people have far more to do than others. Needs a join with ``everybody``.
_SOMEBODY = "everybody.ids[1 + floor(power(random(), 2) * cardinality(everybody.ids))::int]"

STATEMENTS = (
    "CREATE TEMP TABLE everybody AS SELECT array_agg(id ORDER BY id) AS ids FROM accounts_user",
    "CREATE TEMP TABLE everything AS SELECT array_agg(id ORDER BY id) AS ids FROM catalog_service",
    # Most of what is open is young, some of it has been forgotten for years.
    f"""
    CREATE TEMP TABLE still_open AS
    SELECT DISTINCT id FROM (
        SELECT %N - floor(power(random(), 3) * %N * 0.012)::int AS id FROM generate_series(1, 4 * {MOST_OPEN})
        UNION ALL SELECT 1 + floor(random() * %N)::int FROM generate_series(1, {MOST_OPEN} / 4)
    ) AS drawn WHERE id > 0
    """,
    f"""
    DELETE FROM still_open
    WHERE id NOT IN (SELECT id FROM still_open ORDER BY random() LIMIT least({MOST_OPEN}, %N / 5))
    """,
    """
    CREATE TEMP TABLE drawn AS
    SELECT i AS id, still_open.id IS NOT NULL AS is_open,
        now() - interval '1096 days' * ((%N - i + random()) / %N) AS created_at,
        interval '1 minute' * (2 + -ln(1 - random()) * 170) AS took,
        interval '1 second' * (10 + -ln(1 - random()) * 240) AS answered,
        random() AS s, random() AS t, random() AS u, random() AS v,
        floor(power(random(), 1.7) * 60000)::int AS p0,
        floor(random() * 60000)::int AS p1, floor(random() * 60000)::int AS p2,
        floor(random() * 60000)::int AS p3, floor(random() * 60000)::int AS p4,
        random() < 0.2 AS has_notes
    FROM generate_series(1, %N) AS i LEFT JOIN still_open ON still_open.id = i
    """,
    f"""
    INSERT INTO incidents_timelineentry (incident_id, kind, at, created_at, by_id, source, text, data)
    SELECT drawn.id, 'noted', drawn.created_at + answered * (1 + n), drawn.created_at + answered * (1 + n),
        {_SOMEBODY}, '', a.sentence || ' ' || b.sentence, '{{}}'
    FROM everybody, drawn CROSS JOIN LATERAL generate_series(1, 1 + (p1 % 3)) AS n
    JOIN phrase a ON a.id = (p1 * 7 + n) % 60000 JOIN phrase b ON b.id = (p2 * 3 + n) % 60000
    WHERE has_notes
    """,
    """
    CREATE TEMP TABLE noted AS
    SELECT incident_id AS id, setweight(to_tsvector('muster'::regconfig,
        regexp_replace(string_agg(text, ' ' ORDER BY id DESC), '[^[:alnum:]]+', ' ', 'g')), 'C') AS words
    FROM incidents_timelineentry GROUP BY incident_id
    """,
    f"""
    INSERT INTO incidents_incident (id, title, description, severity, status, assignee_id, is_private, created_at,
        updated_at, created_by_id, started_at, acknowledged_at, resolved_at, root_cause, source, facts,
        excluded_from_metrics, is_unanswered, is_demo, note_words, merged_into_id)
    SELECT drawn.id,
        t.title || CASE WHEN u < 0.6 THEN ' on ' || (ARRAY['db', 'web', 'kafka', 'cache', 'edge'])[1 + p2 % 5]
            || '-' || p3 % 400 ELSE '' END,
        a.sentence || ' ' || b.sentence || ' ' || c.sentence
            || CASE WHEN v < 0.3 THEN ' Trace ' || substr(md5(drawn.id::text), 1, 12) || '.' ELSE '' END,
        CASE WHEN s < 0.05 THEN 'critical' WHEN s < 0.25 THEN 'high' WHEN s < 0.7 THEN 'medium' ELSE 'low' END,
        CASE WHEN is_open THEN (ARRAY['triggered', 'acknowledged', 'investigating', 'mitigating'])[1 + (t * 4)::int % 4]
            WHEN t < 0.9 THEN 'resolved' ELSE 'postmortem' END,
        CASE WHEN u > 0.1 AND NOT (is_open AND t < 0.25) THEN {_SOMEBODY} END,
        v < 0.005, created_at, created_at + took,
        CASE WHEN v > 0.5 THEN {_SOMEBODY} END, created_at,
        CASE WHEN (t * 4)::int % 4 > 0 OR NOT is_open AND v > 0.05 THEN created_at + least(answered, took) END,
        CASE WHEN NOT is_open THEN least(created_at + took, now()) END,
        '', 'bench', '{{}}', false, false, false, noted.words,
        CASE WHEN NOT is_open AND u < 0.01 AND drawn.id > 10 THEN drawn.id - 3 END
    FROM everybody, drawn JOIN phrase t ON t.id = p0 JOIN phrase a ON a.id = p1 JOIN phrase b ON b.id = p2
    JOIN phrase c ON c.id = p3 LEFT JOIN noted ON noted.id = drawn.id
    ORDER BY drawn.id
    """,
    "SELECT setval(pg_get_serial_sequence('incidents_incident', 'id'), %N)",
    """
    INSERT INTO incidents_affectedservice (incident_id, service_id)
    SELECT id, ids[1 + (p4 + n * 37) % cardinality(ids)] FROM drawn, everything, generate_series(0, (p2 % 5) / 2) AS n
    """,
    """
    INSERT INTO incidents_slaclock (incident_id, kind, state, started_at, due_at, warn_at, met_at, breached_at)
    SELECT id, 'response', CASE WHEN acknowledged_at IS NULL THEN 'running' ELSE 'met' END, created_at,
        created_at + interval '15 min', created_at + interval '12 min', acknowledged_at, NULL
    FROM incidents_incident
    """,
    """
    INSERT INTO incidents_slaclock (incident_id, kind, state, started_at, due_at, warn_at, met_at, breached_at)
    SELECT id, 'resolution', CASE WHEN resolved_at <= created_at + interval '8 hours' THEN 'met' ELSE 'breached' END,
        created_at, created_at + interval '8 hours', created_at + interval '6 hours 24 min', resolved_at,
        CASE WHEN resolved_at <= created_at + interval '8 hours' THEN NULL ELSE created_at + interval '8 hours' END
    FROM incidents_incident WHERE severity IN ('critical', 'high')
    """,
    f"""
    INSERT INTO incidents_timelineentry (incident_id, kind, at, created_at, by_id, source, text, data)
    SELECT incident.id, kind, at, at, CASE WHEN n > 0 THEN assignee_id END, '', '', data
    FROM incidents_incident AS incident CROSS JOIN LATERAL (VALUES
        (0, 'triggered', created_at, jsonb_build_object('severity', severity)),
        (0, 'paged', created_at, '{{"reason": "Bench, step 1"}}'), (1, 'acknowledged', acknowledged_at, '{{}}'),
        (1, 'moved', acknowledged_at + interval '2 min', '{{"to": "investigating"}}'),
        (1, 'mitigated', acknowledged_at + interval '5 min', '{{"mitigation": "scaled"}}'),
        (1, 'resolved', resolved_at, '{{}}')) AS event (n, kind, at, data)
    WHERE incident.id > %N - {WITH_TIMELINE} AND at IS NOT NULL
    """,
    f"""
    INSERT INTO notifications_notification (topic, key, origin, purpose, reason, user_id, recipient, channel, address,
        title, body, url, actions, urgency, state, due_at, created_at, finished_at, attempt_count, error,
        is_followed_up)
    SELECT 'incident/' || id, 'bench/' || id || '/' || n, '', 'page', 'Bench, step 1', told,
        'Somebody', 'email', 'somebody@example.com', title, '', '', '[]', 'high', 'sent', created_at, created_at,
        created_at, 1, '', false
    FROM (SELECT id, title, created_at, n, {_SOMEBODY} AS told
          FROM everybody, incidents_incident, generate_series(1, 2) AS n
          WHERE id > %N - 10 * {WITH_TIMELINE}) AS incident
    """,
)
