"""One row that fails, or a process that is frozen in its midst, keeps neither the other rows nor people waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection

from automation import asking, diagnostics, sending, watching
from automation.asking import Wish
from automation.models import Execution
from core.work import db_now
from incidents.models import Incident
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def poisoned(monkeypatch):
    """Whatever locks an incident called Poison fails, as a fault of ours would."""
    locked = Incident.objects.locked

    def fails(pk):
        found = locked(pk)
        if found.title == "Poison":
            raise RuntimeError
        return found

    monkeypatch.setattr(Incident.objects, "locked", fails)


def asked_for(action, by, at):
    found = []
    for title in ("Poison", "Down"):
        incident = make.incident(title="Down")
        found.append(asking.ask(action, incident, Wish({}), by=by, now=at)[0])
        Incident.objects.filter(pk=incident.pk).update(title=title)
    return found


def states(rows):
    return [Execution.objects.get(pk=row.pk).state for row in rows]


def freezes_after():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('idle_in_transaction_session_timeout')")
        return cursor.fetchone()[0]


def test_what_is_overdue_is_looked_at(alice):
    now = db_now()
    rows = asked_for(make.action(), alice, now - timedelta(minutes=10))
    assert watching.watch_due(now=now) == 1
    assert states(rows) == ["queued", "cancelled"]
    assert freezes_after() == "15s"


def test_what_is_due_is_sent(alice):
    rows = asked_for(make.action(url="http://127.0.0.1:9/"), alice, db_now())
    assert sending.send_due(now=db_now()) == 1
    assert states(rows) == ["queued", "failed"]
    assert freezes_after() == "15s"


def test_what_runs_by_itself_starts(now):
    service = make.service()
    make.action(services=(service,), is_read_only=True, is_automatic=True)
    for title in ("Poison", "Down"):
        make.incident(title=title, services=[service], at=now)
    assert diagnostics.start_missing(now=now) == 1
    assert Execution.objects.get().incident.title == "Down"
    assert freezes_after() == "15s"
