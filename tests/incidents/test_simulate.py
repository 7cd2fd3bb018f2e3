"""The Simulate page of a service: who would be paged at any moment, with nothing sent."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import escalation
from incidents.forecast import Told, forecast
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

MOST_QUERIES = 12
TOMORROW = NOW.replace(hour=0, minute=0, second=0) + timedelta(days=1)


@pytest.fixture(autouse=True)
def _policies():
    make.policy.ensure_defaults()


@pytest.fixture
def schedule(alice, bob):
    """Alice today, Bob tomorrow."""
    return make.schedule("Platform", make.layer(alice, bob, name="Days", starts_on=NOW.date()))


def words(response):
    """What the main part of a page says, without its tags."""
    main = response.content.decode().split("<main")[1].split("</main")[0]
    text = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", main, flags=re.S)
    return html.unescape(re.sub(r"\s+", " ", text)).replace(" ,", ",")


def ask(client, service, at="2026-10-14T23:58Z", severity="critical"):
    return client.get(f"/services/{service.slug}/simulate", {"severity": severity, "at": at})


def test_it_says_who_when_how_and_by_which_layer(client, schedule, admin, alice, bob, charlie):
    make.contact(bob, "webhook", "https://hooks.example.com/bob")
    kafka = make.service("kafka", policy=make.escalation_policy(schedule, schedule, delays=(0, 5), name="Primary"))
    client.force_login(charlie)
    said = words(ask(client, kafka))
    assert "Alice is paged · Step 1 of Primary Alice: E-mail, by Platform, Days 23:58 at once" in said
    assert (
        "Bob is paged · Step 2 of Primary Bob: E-mail and Webhook, by Platform, Days 00:03 Thu 15 Oct after 5 min"
        in said
    )
    assert "5 min after the last step of Primary, every admin is paged." in said


def test_what_nobody_would_get_is_said_with_the_reason(client, schedule, admin, alice, bob):
    ghost = make.user("ghost", email=False)
    nights = make.schedule("Nights", make.layer(alice, starts_on=TOMORROW.date() + timedelta(days=9)))
    policy = make.escalation_policy((nights, ghost), (nights, ghost, bob), delays=(0, 30), name="Primary")
    client.force_login(bob)
    said = words(ask(client, make.service("kafka", policy=policy)))
    assert (
        "Nobody is reached: no contact method: Ghost; nobody is on call for Nights · Step 1 of Primary 23:58 at once"
        in said
    )
    assert (
        "Bob is paged · Step 2 of Primary Bob: E-mail "
        "Not Ghost: no contact method Nobody is on call for Nights 23:58 at once" in said
    )


def test_what_it_says_is_what_comes(schedule, admin, alice, bob):
    crew = make.team("crew", alice, bob, name="Crew")
    make.contact(bob, "webhook", "https://hooks.example.com/bob")
    service = make.service(policy=make.escalation_policy((admin, schedule), crew, delays=(0, 5), name="Primary"))
    at = TOMORROW - 3 * MINUTE
    said = forecast(severity="high", services=[service], assignee=None, by=bob, now=at).tellings
    assert [line.people for line in said] == [
        (Told("Root", ("E-mail",)), Told("Alice", ("E-mail",), "Platform, Days")),
        (Told("Alice", ("E-mail",), "team Crew"), Told("Bob", ("E-mail", "Webhook"), "team Crew")),
    ]
    incident = make.incident(severity="high", services=[service], at=at)
    escalation.advance_due(now=at + 5 * MINUTE)
    came = Notification.objects.filter(topic=incident.topic, purpose="page").order_by("id")
    assert [(line.at, each.name, way) for line in said for each in line.people for way in each.channels] == [
        (row.created_at, row.recipient, row.get_channel_display()) for row in came
    ]


def test_an_address_means_the_same_moment_for_everybody(client, alice):
    kafka = make.service("kafka", policy=make.escalation_policy(alice))
    alice.time_zone = "Asia/Kolkata"
    alice.save()
    client.force_login(alice)
    answer = ask(client, kafka, at="2026-10-14T05:28")
    assert answer["Location"] == "/services/kafka/simulate?severity=critical&at=2026-10-13T23%3A58Z"
    shown = client.get(answer["Location"])
    assert 'value="2026-10-14T05:28"' in shown.content.decode()
    assert "A critical incident at Wed 14 Oct 2026, 05:28" in words(shown)


@pytest.mark.parametrize("at", ["", "soon", "9999-12-31T23:59Z", "1066-10-14T09:00Z", "9999-12-31T23:59-05:00"])
def test_a_moment_that_is_none_is_refused_beside_the_field(client, alice, at):
    client.force_login(alice)
    answer = ask(client, make.service("kafka"), at=at)
    assert (answer.status_code, 'id="id_at_error"' in answer.content.decode()) == (422, True)


def test_without_a_question_it_answers_for_now(client, alice):
    client.force_login(alice)
    make.service("kafka", policy=make.escalation_policy(alice, name="Primary"))
    assert "Alice is paged · Step 1 of Primary" in words(client.get("/services/kafka/simulate"))
    assert client.get("/services/nothing/simulate").status_code == 404
    assert "/services/kafka/simulate" in client.get("/services/kafka").content.decode()


def test_nothing_is_sent_or_written(client, schedule, admin, alice, bob):
    leaders = make.team("leaders", bob)
    kafka = make.service("kafka", team=leaders, policy=make.escalation_policy(*[(schedule, leaders, admin)] * 6))
    client.force_login(alice)
    client.get("/services/kafka/simulate")
    counts = {model: model._default_manager.count() for model in apps.get_models()}
    with CaptureQueriesContext(connection) as queries:
        assert ask(client, kafka).status_code == 200
    assert [query["sql"] for query in queries if not query["sql"].startswith(("SELECT", "SAVEPOINT", "RELEASE"))] == []
    assert len(queries) <= MOST_QUERIES
    assert {model: model._default_manager.count() for model in apps.get_models()} == counts
