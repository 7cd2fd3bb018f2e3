"""The page behind the acknowledge link of a message: for one person and one incident, without signing in."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from incidents import changes, lifecycle, messages
from tests import make
from tests.make import happened

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident():
    return make.incident(title="Secret leak", severity="high", is_private=True, at=timezone.now())


def link(incident, person) -> str:
    return urlsplit(messages.answer_url(incident, person)).path


def test_it_shows_number_and_severity_and_one_button_and_never_the_title(client, alice, incident):
    response = client.get(link(incident, alice))
    page = response.content.decode()
    assert response.status_code == 200
    assert incident.reference in page
    assert "High" in page
    assert "Secret" not in page
    assert page.count("<button") == 1
    assert "no-store" in response["Cache-Control"]


def test_reading_it_changes_nothing(client, alice, incident):
    before = happened(incident)
    for method in (client.get, client.head):
        assert method(link(incident, alice)).status_code == 200
    assert happened(incident) == before
    assert client.put(link(incident, alice)).status_code == 405


def test_the_button_acknowledges_as_the_person_of_the_link(client, alice, incident):
    address = link(incident, alice)
    response = client.post(address)
    assert (response.status_code, response["Location"]) == (303, address)
    incident.refresh_from_db()
    assert (incident.status, incident.assignee) == ("acknowledged", alice)
    assert "You are on it" in client.get(link(incident, alice)).content.decode()
    assert client.get(incident.get_absolute_url()).status_code == 302, "it signs nobody in"


def test_the_form_is_protected_against_forged_requests(alice, incident):
    client = Client(enforce_csrf_checks=True)
    assert client.post(link(incident, alice)).status_code == 403
    page = client.get(link(incident, alice))
    token = page.context["csrf_token"]
    assert client.post(link(incident, alice), {"csrfmiddlewaretoken": str(token)}).status_code == 303


def test_it_says_who_was_faster(client, alice, bob, incident):
    lifecycle.acknowledge(incident, by=bob)
    page = client.get(link(incident, alice)).content.decode()
    assert "Bob is on it" in page
    assert "<button" not in page
    assert client.post(link(incident, alice)).status_code == 303
    incident.refresh_from_db()
    assert incident.assignee == bob


def test_what_is_over_cannot_be_acknowledged(client, alice, incident):
    lifecycle.resolve(incident, by=None, source="Grafana")
    for method, status in ((client.get, 200), (client.post, 409)):
        response = method(link(incident, alice))
        page = response.content.decode()
        assert (response.status_code, "It is over" in page, "<button" in page) == (status, True, False)


def test_a_link_that_was_changed_or_is_a_day_old_or_whose_person_left_does_nothing(client, alice, bob, incident):
    address = link(incident, alice)
    bob.is_active = False
    bob.save()
    for wrong in (f"{address[:-3]}abc", "/answers/email/x", link(incident, bob)):
        assert client.get(wrong).status_code == 404, wrong
        assert client.post(wrong).status_code == 404, wrong
    with time_machine.travel(timezone.now() + timedelta(hours=24, seconds=1), tick=False):
        assert client.get(address).status_code == 404
        assert client.post(address).status_code == 404
    incident.refresh_from_db()
    assert incident.status == "triggered"


def test_whoever_is_paged_after_the_severity_was_raised_can_answer_too(client, alice, bob):
    service = make.service(policy=make.escalation_policy(bob))
    incident = make.incident(severity="medium", services=[service], at=timezone.now())
    lifecycle.acknowledge(incident, by=alice)
    changes.change_severity(incident, to="critical", by=alice)
    assert "<button" in client.get(link(incident, bob)).content.decode()
    client.force_login(bob)
    page = client.get(incident.get_absolute_url()).content.decode()
    assert f'action="{incident.get_absolute_url()}/acknowledge"' in page
    client.post(link(incident, bob))
    assert incident.escalations.get().state == "stopped"
    assert "<button" not in client.get(link(incident, bob)).content.decode()
