"""The outbox, the pages of one message and of a team's inbox."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from core.work import db_now
from notifications import outbox
from notifications.message import Action, Message
from notifications.models import Attempt, Notification
from tests import make

pytestmark = pytest.mark.django_db


def told(person, title: str = "It burns", **fields) -> Notification:
    """One page to a person, by the first contact method."""
    url = "https://muster.example.com/answers/email/secret"
    message = Message(title, "Quick", "https://muster.example.com/x", (Action("acknowledge", "Acknowledge", url),))
    methods = person.contact_methods.all()[:1]
    rows = outbox.to_user(
        person, methods, message, topic="incident/1", key=f"{person}/{title}", purpose="page", now=make.NOW
    )
    outbox.enqueue(rows)
    row = Notification.objects.get(key=rows[0].key)
    Notification.objects.filter(pk=row.pk).update(**fields)
    return row


@pytest.fixture
def at_desk(client, admin):
    client.force_login(admin)
    return client


def titles(response) -> list[str]:
    return [row.title for row in response.context["page"].items]


def test_an_admin_sees_everything_newest_first_and_others_their_own(client, admin, alice, bob):
    told(alice, "for alice")
    told(bob, "for bob")
    team = make.team("core", bob)
    outbox.enqueue(
        [outbox.to_team(team, Message("for core", "", ""), topic="t", key="k", purpose="channel", now=make.NOW)]
    )
    seen = {}
    for person in (admin, alice, bob):
        client.force_login(person)
        seen[person.username] = titles(client.get("/outbox/"))
    assert seen == {
        "root": ["for core", "for bob", "for alice"], "alice": ["for alice"], "bob": ["for core", "for bob"],
    }  # fmt: skip


def test_filters_and_pages_are_in_the_address(at_desk, alice, bob, monkeypatch):
    monkeypatch.setattr("notifications.views.ROWS", 2)
    for number in range(3):
        told(alice, f"alice {number}")
    told(bob, "bob", state="kept", finished_at=make.NOW)
    assert titles(at_desk.get("/outbox/?state=kept")) == ["bob"]
    assert titles(at_desk.get("/outbox/?channel=inbox")) == []
    first = at_desk.get("/outbox/?recipient=alice@example.com")
    assert titles(first) == ["alice 2", "alice 1"]
    second = at_desk.get(f"/outbox/?recipient=alice@example.com&cursor={first.context['page'].next}")
    assert titles(second) == ["alice 0"]
    assert titles(at_desk.get("/outbox/?state=nonsense")) == ["bob", "alice 2"]
    assert at_desk.get("/outbox/?cursor=nonsense").status_code == 404


def test_the_list_asks_the_database_as_often_for_many_as_for_one(at_desk, alice):
    told(alice)
    with CaptureQueriesContext(connection) as few:
        at_desk.get("/outbox/")
    for number in range(10):
        row = told(alice, f"more {number}")
        Attempt.objects.create(
            notification=row, number=1, started_at=make.NOW, finished_at=make.NOW, outcome="retry", detail="451"
        )
    with CaptureQueriesContext(connection) as many:
        at_desk.get("/outbox/")
    assert len(many) == len(few) <= 8


def test_without_a_mail_server_it_says_how_to_have_one(at_desk):
    assert "EMAIL_URL" in at_desk.get("/outbox/").content.decode()


def test_a_message_shows_its_body_and_each_try(at_desk, alice):
    row = told(alice)
    Attempt.objects.create(
        notification=row, number=1, started_at=db_now(), finished_at=db_now(), outcome="retry", detail="451 try later"
    )
    page = at_desk.get(reverse("notifications:notification_detail", args=[row.pk])).content.decode()
    for words in ("It burns", "Quick", "451 try later", "alice@example.com"):
        assert words in page


def test_the_link_that_answers_is_for_the_recipients_eyes_only(client, admin, alice):
    address = reverse("notifications:notification_detail", args=[told(alice).pk])
    client.force_login(admin)
    assert "/answers/email/secret" not in client.get(address).content.decode()
    client.force_login(alice)
    assert "/answers/email/secret" in client.get(address).content.decode()


def test_a_message_to_somebody_else_is_not_there(client, alice, bob):
    client.force_login(bob)
    assert client.get(reverse("notifications:notification_detail", args=[told(alice).pk])).status_code == 404


def test_an_inbox_is_for_the_team_and_for_admins(client, admin, alice, bob):
    team = make.team("core", alice)
    rows = [outbox.to_team(team, Message("Look", "Here", "/x"), topic="t", key="k", purpose="ticket", now=make.NOW)]
    outbox.enqueue(rows)
    address = reverse("notifications:team_inbox", args=["core"])
    for person, status in ((admin, 200), (alice, 200), (bob, 404)):
        client.force_login(person)
        response = client.get(address)
        assert response.status_code == status
        assert status == 404 or titles(response) == ["Look"]


@pytest.mark.parametrize("address", ["/outbox/", "/outbox/1", "/inbox/core", "/me/contact-methods/new"])
def test_strangers_sign_in(client, address, db):
    assert client.get(address).status_code == 302


def test_a_teams_address_may_hold_a_secret_and_is_not_shown_to_members(client, admin, alice):
    crew = make.team("crew", alice)
    secret = "https://hooks.example.com/secret"
    Notification.objects.create(
        topic="incident/1", key="x", purpose="channel", team=crew, recipient="Crew", channel="webhook",
        address=secret, title="It burns", due_at=make.NOW,
    )  # fmt: skip
    client.force_login(alice)
    assert "It burns" in client.get("/outbox/").content.decode()
    assert secret not in client.get("/outbox/").content.decode()
    assert "It burns" not in client.get("/outbox/?recipient=hooks.example").content.decode()
    client.force_login(admin)
    assert secret in client.get("/outbox/").content.decode()
