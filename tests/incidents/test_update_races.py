"""What happens to one status update at the same moment, and what a process leaves that dies in between."""

from __future__ import annotations

import threading
from functools import partial

import pytest
from django.db import connections, transaction

from incidents import communication
from incidents.communication import edit, post_update, publish_due, publish_now, withdraw
from incidents.models import Incident, StatusUpdate
from incidents.models.incident import NotAllowedNow
from tests import make
from tests.make import MINUTE, NOW, happened

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 12


def at_once(*functions):
    """What each function gave or raised, when all began together."""
    barrier, found = threading.Barrier(len(functions)), [None] * len(functions)

    def work(place, function):
        barrier.wait()
        try:
            found[place] = function()
        except Exception as error:  # noqa: BLE001
            found[place] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=each) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def held(by, **more):
    incident = make.incident(severity="low", at=NOW)
    return post_update(incident, message="We look.", status="investigating", by=by, hold=True, now=NOW, **more)


def sweep():
    return publish_due(now=NOW + MINUTE)


def test_two_sweeps_at_once_publish_once(alice):
    for _ in range(ROUNDS):
        updates = [held(alice) for _ in range(3)]
        at_once(sweep, sweep)
        sweep()  # what one of them found locked
        assert [happened(update.incident).count("status_updated") for update in updates] == [1, 1, 1]


def test_an_update_is_either_taken_back_or_published(alice):
    outcomes = set()
    for turn in range(ROUNDS):
        update = held(alice)
        acts = [partial(withdraw, update, by=alice), sweep if turn % 2 else partial(publish_now, update, by=alice)]
        errors = [each for each in at_once(*acts) if isinstance(each, Exception)]
        assert all(isinstance(error, NotAllowedNow) for error in errors)
        sweep()
        update.refresh_from_db()
        is_out = update.published_at is not None
        assert is_out != (update.cancelled_at is not None)
        assert happened(update.incident).count("status_updated") == is_out
        outcomes.add(is_out)
    assert outcomes <= {True, False}


def test_an_edit_comes_before_the_publication_or_shows_as_one(alice, bob):
    for _ in range(ROUNDS):
        update = held(alice)
        at_once(partial(edit, update, message="We know.", by=bob), sweep)
        sweep()
        update.refresh_from_db()
        assert update.message == "We know."
        told = update.incident.timeline.get(kind="status_updated").text
        assert (told, update.revisions.count(), update.edited_at is None) in [
            ("We know.", 0, True),
            ("We look.", 1, False),
        ]


def test_an_incident_that_somebody_works_on_keeps_its_updates_together_and_others_waiting_for_nobody(alice):
    busy, free = held(alice), held(alice)
    with transaction.atomic():
        Incident.objects.locked(busy.incident_id)
        assert at_once(sweep) == [1]
    busy.refresh_from_db(), free.refresh_from_db()
    assert (busy.published_at, free.published_at) == (None, NOW + MINUTE)
    assert sweep() == 1


def test_a_sweep_that_dies_leaves_everything_to_the_next(alice, monkeypatch):
    update = held(alice)

    def die(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(communication.Consequences, "write", die)
        with pytest.raises(SystemExit):
            sweep()
    assert (StatusUpdate.objects.waiting().get(), happened(update.incident).count("status_updated")) == (update, 0)
    assert sweep() == 1
    assert happened(update.incident).count("status_updated") == 1
