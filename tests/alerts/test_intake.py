"""The door for monitors: what is kept, and what is answered."""

from __future__ import annotations

import json
import time

import pytest
from django.db import connection
from django.test import Client

from alerts import grouping
from alerts.models import Event, Integration
from bench import load, malformed
from core.work import db_now
from incidents.models import Incident
from notifications.models import Notification
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def door(alice):
    """Posts to the door of a generic integration, as a client that checks CSRF and follows nothing."""
    _, key = make.integration(service=make.service(policy=make.escalation_policy(alice)))
    client = Client(enforce_csrf_checks=True)

    def post(body, *, key=key, format="generic", slash=""):
        return client.post(
            f"/integrations/{key}/{format}{slash}", data=body, content_type="application/json", follow=False
        )

    return post


def test_an_event_is_committed_before_the_202(door):
    answer = door(b'{"title": "Disk full"}')
    assert answer.status_code == 202
    event = Event.objects.get(pk=answer.json()["event"])
    assert (bytes(event.body), event.state) == (b'{"title": "Disk full"}', "pending")


@pytest.mark.parametrize("slash", ["", "/"])
def test_both_forms_of_the_address_are_answered_and_never_redirected(door, slash):
    assert door(b'{"title": "x"}', slash=slash).status_code == 202


def test_a_body_that_cannot_be_used_is_kept_and_refused(door):
    answer = door(b"{")
    assert answer.status_code == 400
    event = Event.objects.get()
    assert (event.state, bytes(event.body)) == ("unparseable", b"{")
    assert answer.json() == {"status": "kept", "event": event.pk, "error": event.detail}


def test_a_wrong_key_a_wrong_format_and_a_switched_off_integration_say_nothing(door):
    answers = [door(b"{}", key="wrong"), door(b"{}", format="nagios")]
    Integration.objects.update(is_enabled=False)
    answers.append(door(b'{"title": "x"}'))
    assert [(answer.status_code, answer.content) for answer in answers] == [(404, b"")] * 3
    assert not Event.objects.exists()


def test_only_post_is_taken(client):
    answer = client.get("/integrations/some-key/generic")
    assert (answer.status_code, answer["Allow"]) == (405, "POST")


def test_while_the_database_is_away_the_sender_is_asked_to_come_back(door):
    connection.ensure_connection()
    connection.connection.close()
    answer = door(b'{"title": "x"}')
    connection.connection = None
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")


def test_a_thousand_alerts_in_one_post_are_answered_in_under_a_second(alice):
    _, key = make.integration("alertmanager")
    body = load.alertmanager("Big", "big", count=1000)
    started = time.perf_counter()
    answer = Client().post(f"/integrations/{key}/alertmanager", data=body, content_type="application/json")
    assert (answer.status_code, time.perf_counter() - started < 1) == (202, True)


@pytest.mark.parametrize("format", ["generic", "alertmanager"])
def test_malformed_bodies_never_break_anything(alice, format):
    _, key = make.integration(format, service=make.service(policy=make.escalation_policy(alice)))
    client = Client()
    for body in malformed.bodies(count=60, big=1024 * 1024):
        answer = client.post(f"/integrations/{key}/{format}", data=body, content_type="application/json")
        assert answer.status_code in {202, 400}, body[:80]
    while grouping.apply_due(now=db_now()):
        continue
    assert not Event.objects.filter(state__in=["pending", "failed"]).exists()


@pytest.mark.parametrize(
    "title", ["Fire\nBcc: x@example.com", "Nul \x00 inside", "Lone \ud800 surrogate", "\u202eolleh"]
)
def test_a_hostile_title_still_pages(door, title):
    assert door(json.dumps({"title": title, "severity": "critical"})).status_code == 202
    grouping.apply_due(now=db_now())
    page = Notification.objects.get(purpose="page")
    assert page.topic == Incident.objects.get().topic
    assert "\n" not in page.title
