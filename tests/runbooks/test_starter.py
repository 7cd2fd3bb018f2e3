"""The starter library: there from the first start, brought up to date, and never over what a person wrote."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from django.core.management import call_command
from django.db import connection

from runbooks import editing, starter
from runbooks.models import Runbook, Version
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

SQL = re.compile(r"^```sql\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FOR_PSQL = re.compile(r"^\\.*\n", re.MULTILINE)
# PgBouncer's, and an extension that not every server has.
ELSEWHERE = re.compile(r"SHOW (POOLS|DATABASES)|pg_stat_statements")
# Ends or reloads something, or answers on a replica alone: parsed by the server, never run.
ACTS = re.compile(r"pg_terminate_backend|pg_reload_conf|^SELECT pg_(get_)?wal_replay")

GUIDE = "---\ntitle: Consumer lag\nservices: kafka, redis\n---\nWhen it is\nlate.\n\n## Look\n## Wait\n"


@pytest.fixture
def library(tmp_path):
    (tmp_path / "lag.md").write_text(GUIDE)
    return tmp_path


def test_guides_are_there_once_with_the_services_that_exist(library, now):
    kafka = make.service("kafka")
    assert [starter.load(now=now, folder=library) for _ in range(2)] == [1, 0]
    runbook = Runbook.objects.get()
    assert (runbook.slug, runbook.is_starter, runbook.reviewed_at, runbook.version.created_by) == (
        "lag",
        True,
        now,
        None,
    )
    assert (list(runbook.services.all()), runbook.only_called) == ([kafka], ["redis"])
    assert runbook.version.summary == "When it is late."


def test_a_guide_that_nobody_touched_follows_the_library(library, now):
    starter.load(now=now, folder=library)
    (library / "lag.md").write_text(GUIDE + "## Tell\n")
    assert starter.load(now=now + MINUTE, folder=library) == 1
    assert list(Version.objects.values_list("number", "what_changed")) == [(2, "Updated with Muster"), (1, "")]


@pytest.mark.parametrize("deed", ["change", "archive", "own"])
def test_what_a_person_did_stays(library, now, alice, deed):
    if deed == "own":
        make.runbook("lag", "Mine", by=alice)
    else:
        starter.load(now=now, folder=library)
        runbook = Runbook.objects.get()
        if deed == "change":
            guide = editing.guide_of(runbook)
            editing.change(runbook, replace(guide, title="Ours"), by=alice)
            editing.change(runbook, guide, by=alice)  # and back again: it is theirs
        else:
            editing.archive(runbook, by=alice)
    (library / "lag.md").write_text(GUIDE + "## Tell\n")
    before = list(Version.objects.values_list("pk", flat=True))
    assert starter.load(now=now, folder=library) == 0
    assert list(Version.objects.values_list("pk", flat=True)) == before


def test_a_broken_file_is_named_with_its_line(library, now):
    (library / "bad.md").write_text("---\ntitle: x\nfoo: y\n---\n## a")
    with pytest.raises(ValueError, match=r"^bad\.md: Line 3: "):
        starter.load(now=now, folder=library)
    assert Runbook.objects.count() == 0


def test_a_first_start_loads_it_without_demo_data():
    call_command("ensure_defaults")
    assert set(Runbook.objects.values_list("slug", flat=True)) == set(starter.read())


def statements():
    """What the guides of PostgreSQL read, with something in the place of what is to be filled in."""
    found = []
    for slug in ("postgresql-connection-limit-reached", "postgresql-replication-lag"):
        blocks = [block for step in starter.read()[slug].steps for block in SQL.findall(f"{step.body}\n")]
        text = FOR_PSQL.sub("", "".join(blocks).replace(" \\watch 10\n", ";\n"))
        text = text.replace(":'app'", "'checkout-api'").replace("<pid>", "1")
        reads = [sql.strip() for sql in text.split(";\n") if sql.lstrip().startswith(("SELECT", "SHOW"))]
        found += [pytest.param(sql, id=f"{slug}-{n}") for n, sql in enumerate(reads) if not ELSEWHERE.search(sql)]
    return found


@pytest.mark.parametrize("sql", statements())
def test_postgresql_understands_what_its_guides_ask(sql):
    with connection.cursor() as cursor:
        if ACTS.search(sql):
            cursor.execute(f"PREPARE guide AS {sql}")
            cursor.execute("DEALLOCATE guide")
        else:
            cursor.execute(sql)


def test_the_guides_of_postgresql_ask_something():
    assert len(statements()) > 20
