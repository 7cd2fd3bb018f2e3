"""Declaring an incident in the browser."""

from __future__ import annotations

import html
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from incidents.models import Incident, SeverityPolicy
from tests import make

pytestmark = pytest.mark.django_db

MOST_QUERIES = 10


@pytest.fixture
def at_desk(client, alice):
    make.policy.ensure_defaults()
    client.force_login(alice)
    return client


@pytest.fixture
def address():
    return reverse("incidents:declare")


def test_strangers_sign_in_first_and_keep_what_the_address_said(client, address):
    response = client.get(f"{address}?title=Kafka")
    assert response["Location"] == f"{reverse('account_login')}?next=/incidents/new%3Ftitle%3DKafka"


def test_viewers_do_not_declare(client, charlie, address):
    client.force_login(charlie)
    assert client.get(address).status_code == 403
    assert client.post(address, {"title": "X", "severity": "low"}).status_code == 403
    assert not Incident.objects.exists()


def test_each_severity_says_what_it_promises(at_desk, address):
    SeverityPolicy.objects.filter(severity="low").update(impact="Barely felt", respond_within_minutes=180)
    page = re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<[^>]+>", " ", at_desk.get(address).content.decode()))
    assert "Critical Immediate Platform-wide outage Page on-call, notify leadership" in page
    assert "Low 3 hours Barely felt Team ticket" in page


def test_it_is_declared_with_everything_the_form_says(at_desk, alice, bob, address):
    kafka = make.service("kafka")
    make.service("search")
    data = {
        "title": "Kafka lags",
        "severity": "high",
        "services": ["kafka"],
        "description": "Since the **deploy**\r\nof noon",
        "assignee": "bob",
        "started_at": "2026-01-02T03:04",
        "is_private": "on",
    }
    response = at_desk.post(address, data)
    incident = Incident.objects.get()
    assert (response.status_code, response["Location"]) == (303, incident.get_absolute_url())
    assert (incident.title, incident.severity, incident.status) == ("Kafka lags", "high", "triggered")
    assert incident.description == "Since the **deploy**\nof noon"
    assert (incident.created_by, incident.assignee, incident.is_private) == (alice, bob, True)
    assert incident.started_at.isoformat() == "2026-01-02T03:04:00+00:00"
    assert list(incident.affected_services.all()) == [kafka]


def test_title_and_severity_are_enough(at_desk, address):
    assert at_desk.post(address, {"title": "Odd", "severity": "low"}).status_code == 303
    incident = Incident.objects.get()
    assert (incident.started_at, incident.assignee, incident.is_private) == (incident.created_at, None, False)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"severity": "low"}, "Say in a few words what is wrong."),
        ({"title": "   ", "severity": "low"}, "Say in a few words what is wrong."),
        ({"title": "\u2028", "severity": "low"}, "Say in a few words what is wrong."),
        ({"title": "Kafka"}, "Choose how bad it is"),
        ({"title": "Kafka", "severity": "enormous"}, "enormous"),
        ({"title": "Kafka", "severity": "low", "services": "no-such"}, "no-such"),
        ({"title": "Kafka", "severity": "low", "assignee": "no-such"}, "valid choice"),
        ({"title": "Kafka", "severity": "low", "started_at": "2999-01-01T00:00"}, "in the future"),
        ({"title": "x" * 256, "severity": "low"}, "at most 255"),
        ({"title": "a\x00b", "severity": "low"}, "Null characters"),
    ],
)
def test_mistakes_are_shown_and_nothing_typed_is_lost(at_desk, address, data, message):
    response = at_desk.post(address, {"description": "typed words", **data})
    assert response.status_code == 422
    page = html.unescape(response.content.decode())
    assert message in page
    assert "typed words</textarea>" in page
    assert not Incident.objects.exists()


def test_the_address_fills_the_form(at_desk, address):
    for slug in ("kafka", "search", "storage"):
        make.service(slug)
    page = at_desk.get(
        f"{address}?title=Kafka+lags&severity=medium&service=kafka&service=search&color=red"
    ).content.decode()
    form = page.split('name="title"')[1].split("</form>")[0]
    chosen = re.findall(r'<input type="(?:radio|checkbox)"[^>]*value="([a-z]+)"[^>]*checked', form)
    assert form.lstrip().startswith('value="Kafka lags"')
    assert chosen == ["medium", "kafka", "search"]


def test_people_who_left_cannot_be_assigned(at_desk, bob, address):
    bob.is_active = False
    bob.save()
    assert at_desk.post(address, {"title": "X", "severity": "low", "assignee": "bob"}).status_code == 422


def test_the_form_costs_few_queries(at_desk, address):
    for index in range(10):
        make.service()
        make.user(f"more{index}")
    with CaptureQueriesContext(connection) as queries:
        at_desk.get(address)
    assert len(queries) <= MOST_QUERIES


def test_a_second_press_of_the_button_declares_nothing_more(at_desk, address):
    ticket = re.search(r'name="ticket" value="([^"]+)"', at_desk.get(address).content.decode())[1]
    said = {"title": "Kafka is slow", "severity": "low", "ticket": ticket}
    first, second = (at_desk.post(address, said)["Location"] for _ in range(2))
    assert first == second
    assert Incident.objects.count() == 1


def test_the_form_taken_back_and_changed_is_another_incident(at_desk, address):
    for title in ("Kafka is slow", "Kafka is down"):
        assert at_desk.post(address, {"title": title, "severity": "low", "ticket": "t"}).status_code == 303
    assert Incident.objects.count() == 2
