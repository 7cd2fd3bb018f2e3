"""Idempotency-Key: created once, answered as often as it is asked."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from alerts.models import Integration
from api.models import IdempotencyKey
from incidents.models import Incident, TimelineEntry
from tests import make
from tests.api.caller import Caller, declaration, fields_of


def test_the_same_request_is_answered_again_and_creates_nothing(api):
    first = api.post("incidents", declaration(), key="a")
    again = api.post("incidents", declaration(), key="a")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert ("Idempotency-Replayed" in first.headers, again.headers["Idempotency-Replayed"]) == (False, "true")
    assert Incident.objects.count() == 1


def test_the_answer_is_what_it_was_then(api):
    first = api.post("incidents", declaration(), key="a").json()
    api.post(f"incidents/{first['id']}/acknowledge")
    assert api.post("incidents", declaration(), key="a").json() == first


def test_a_slash_makes_no_other_request(api):
    first = api.post("incidents", declaration(), key="a").json()
    assert api.post("incidents/", declaration(), key="a").json() == first


def test_a_key_is_not_used_for_another_body_or_address(api):
    made = api.post("incidents", declaration(), key="a").json()
    other = api.post("incidents", declaration(title="Another"), key="a")
    assert (other.status_code, fields_of(other)) == (422, ["Idempotency-Key"])
    note = api.post(f"incidents/{made['id']}/timeline", declaration(), key="a")
    assert note.status_code == 422
    assert Incident.objects.count() == 1
    assert not TimelineEntry.objects.filter(kind="noted").exists()


def test_another_key_creates_another(api):
    ids = {api.post("incidents", declaration(), key=key).json()["id"] for key in ("a", "b")}
    assert len(ids) == 2


def test_keys_belong_to_their_owner(api, bob):
    first = api.post("incidents", declaration(), key="a").json()
    second = Caller(bob, "write").post("incidents", declaration(), key="a").json()
    assert first["id"] != second["id"]


def test_a_mistake_keeps_no_key(api):
    assert api.post("incidents", declaration(title=""), key="a").status_code == 422
    assert api.post("incidents", declaration(affected_services=["x"]), key="a").status_code == 422
    assert not IdempotencyKey.objects.exists()
    assert api.post("incidents", declaration(), key="a").status_code == 201


def test_a_key_is_forgotten_after_a_day(api):
    first = api.post("incidents", declaration(), key="a").json()
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24))
    second = api.post("incidents", declaration(), key="a")
    assert second.status_code == 201
    assert second.json()["id"] != first["id"]


def test_old_keys_do_not_pile_up(api, alice):
    old = timezone.now() - timedelta(hours=25)
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(user=alice, key=f"old {number}", fingerprint="", created_at=old) for number in range(50)
    )
    api.post("incidents", declaration(), key="a")
    assert IdempotencyKey.objects.count() == 31


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_has_a_length(api, key):
    answer = api.post("incidents", declaration(), key=key)
    assert (answer.status_code, fields_of(answer)) == (422, ["Idempotency-Key"])


def test_a_repeated_answer_does_not_hold_the_secret(root):
    body = {"name": "Prometheus", "format": "alertmanager"}
    first = root.post("integrations", body, key="a").json()
    again = root.post("integrations", body, key="a").json()
    assert first["routing_key"] in first["url"]
    assert again == first | {"routing_key": None, "url": None}
    assert first["routing_key"] not in str(IdempotencyKey.objects.values())
    assert Integration.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_creates_and_both_get_its_answer():
    callers = [Caller(make.user("alice"), "write")]
    callers.append(Caller(callers[0].user, "write"))
    for round_ in range(5):
        barrier, answers = threading.Barrier(2), []

        def declare(caller, key=f"round {round_}", barrier=barrier, answers=answers):
            barrier.wait()
            answers.append(caller.post("incidents", declaration(), key=key))
            connection.close()

        threads = [threading.Thread(target=declare, args=(caller,)) for caller in callers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [answer.status_code for answer in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()
        assert sorted("Idempotency-Replayed" in answer.headers for answer in answers) == [False, True]
        assert Incident.objects.count() == round_ + 1
