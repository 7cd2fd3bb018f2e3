"""One row that fails, or a process that is frozen in its midst, keeps neither the other rows nor people waiting."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections, transaction

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

    def failing(lock):
        def fails(pk):
            found = lock(pk)
            if found.title == "Poison":
                raise RuntimeError
            return found

        return fails

    for name in ("locked", "locked_if_free"):
        monkeypatch.setattr(Incident.objects, name, failing(getattr(Incident.objects, name)))


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


@pytest.mark.django_db(transaction=True)
def test_an_incident_that_somebody_holds_keeps_no_other_waiting(alice):
    now = db_now()
    held, free = asked_for(make.action(), alice, now - timedelta(minutes=10))
    Incident.objects.filter(pk=held.incident_id).update(title="Held")
    with ThreadPoolExecutor(1) as elsewhere, transaction.atomic():
        Incident.objects.locked(held.incident_id)
        assert elsewhere.submit(_watch, now).result(5) == 1
    assert states([held, free]) == ["queued", "cancelled"]
    assert watching.watch_due(now=now) == 1


def _watch(now):
    try:
        return watching.watch_due(now=now)
    finally:
        connections.close_all()
