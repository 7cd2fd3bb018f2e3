"""What people want to hear of: on their page, by the buttons, and over the API."""

from __future__ import annotations

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from incidents import detail, subscriptions
from incidents.models import Subscription
from incidents.subscriptions import Wish
from tests import make
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db
NUL = "\x00"


def at_desk(user):
    client = Client()
    client.force_login(user)
    return client


def followed(user):
    return [str(row).removeprefix(f"{user}: ") for row in subscriptions.of(user)]


@pytest.fixture
def desk(charlie):
    return at_desk(charlie)


@pytest.fixture
def kafka(alice):
    return make.service("kafka", team=make.team("crew", alice))


def test_one_follows_services_teams_severities_and_incidents_and_stops(desk, charlie, kafka):
    incident = make.incident(services=[kafka])
    for what in (f"incident:{incident.reference}", "service:kafka", "severity:low", "team:crew", "severity:critical"):
        answer = desk.post("/subscriptions/follow", {"what": what})
        assert (answer.status_code, answer["Location"]) == (303, "/subscriptions")
    assert followed(charlie) == ["Critical", "Low", "Crew", "Kafka", str(incident)]
    page = desk.get("/subscriptions").content.decode()
    for words in ("Critical incidents", "Low incidents", "Crew", "Kafka", incident.reference, "charlie@example.com"):
        assert words in page
    for row in subscriptions.of(charlie):
        assert desk.post(f"/subscriptions/{row.pk}/remove").status_code == 303
    assert followed(charlie) == []
    assert "Nothing yet." in desk.get("/subscriptions").content.decode()


def test_following_twice_is_following_once(desk, charlie, kafka):
    for _ in range(2):
        desk.post("/subscriptions/follow", {"what": "service:kafka"})
    assert followed(charlie) == ["Kafka"]


def test_a_confirmed_contact_method_of_ones_own_may_be_chosen(alice, bob, kafka):
    alices, bobs = alice.contact_methods.get(), bob.contact_methods.get()
    loose = make.contact(alice, "webhook", "https://hooks.example.com/alice", verified=False)
    desk = at_desk(alice)
    assert desk.post("/subscriptions/follow", {"what": "service:kafka", "method": alices.pk}).status_code == 303
    for method in (bobs.pk, loose.pk, "x", "99999999"):
        assert desk.post("/subscriptions/follow", {"what": "service:kafka", "method": method}).status_code == 422
    assert [row.contact_method for row in subscriptions.of(alice)] == [alices]


def test_a_chat_of_ones_own_may_be_chosen_without_showing_its_address(alice, kafka):
    chat = make.contact(alice, "chat", "https://hooks.slack.com/services/T0/B0/x7Qd")
    desk = at_desk(alice)
    assert "Chat: hooks.slack.com …x7Qd" in desk.get("/subscriptions").content.decode()
    assert desk.post("/subscriptions/follow", {"what": "service:kafka", "method": chat.pk}).status_code == 303
    page = desk.get("/subscriptions").content.decode()
    assert page.count("Chat: hooks.slack.com …x7Qd") == 2
    assert chat.address not in page


@pytest.mark.parametrize(
    "what",
    [
        "",
        "service:none",
        "team:none",
        "severity:awful",
        "incident:INC-999",
        "incident:x",
        "user:alice",
        NUL,
        "x" * 9999,
    ],
)
def test_what_there_is_not_cannot_be_followed(desk, charlie, kafka, what):
    for way in ("follow", "unfollow"):
        answer = desk.post(f"/subscriptions/{way}", {"what": what})
        assert answer.status_code == 422
    assert followed(charlie) == []


def test_an_account_without_address_needs_a_contact_method(kafka):
    mute = make.user("mute", email=False)
    mute.email = ""
    mute.save()
    answer = at_desk(mute).post("/subscriptions/follow", {"what": "service:kafka"})
    assert answer.status_code == 422
    assert "Your account has no e-mail address; choose a contact method." in answer.content.decode()


def test_a_private_incident_is_followed_only_by_who_may_see_it(desk, charlie, alice, kafka):
    incident = make.incident(services=[kafka], is_private=True)
    what = {"what": f"incident:{incident.reference}"}
    assert desk.post("/subscriptions/follow", what).status_code == 422
    assert at_desk(alice).post("/subscriptions/follow", what).status_code == 303
    Subscription.objects.create(user=charlie, incident=incident)  # from before it was private
    assert followed(charlie) == []
    assert Caller(charlie, "write").items("subscriptions") == []
    assert incident.title not in desk.get("/subscriptions").content.decode()


def test_nobody_removes_what_another_one_follows(desk, alice, kafka):
    row, _ = subscriptions.follow(Wish.of(kafka), by=alice)
    assert desk.post(f"/subscriptions/{row.pk}/remove").status_code == 404
    assert followed(alice) == ["Kafka"]


@pytest.mark.parametrize("where", ["/services/kafka", "/teams/crew"])
def test_a_button_on_the_page_follows_and_stops_and_comes_back(desk, charlie, kafka, where):
    page = desk.get(where).content.decode()
    assert ("Hear of updates" in page, "You hear of updates" in page) == (True, False)
    what = {"what": "service:kafka" if "kafka" in where else "team:crew", "next": where}
    assert desk.post("/subscriptions/follow", what)["Location"] == where
    page = desk.get(where).content.decode()
    assert ("Hear of updates" in page, "You hear of updates" in page) == (False, True)
    assert desk.post("/subscriptions/unfollow", what)["Location"] == where
    assert followed(charlie) == []


def test_an_address_elsewhere_is_not_gone_to(desk, kafka):
    answer = desk.post("/subscriptions/follow", {"what": "service:kafka", "next": "https://evil.example/"})
    assert answer["Location"] == "/subscriptions"


def test_there_is_an_end_to_what_one_may_follow(charlie, kafka, monkeypatch):
    monkeypatch.setattr(subscriptions, "MOST", 1)
    desk = at_desk(charlie)
    desk.post("/subscriptions/follow", {"what": "service:kafka"})
    answer = desk.post("/subscriptions/follow", {"what": "severity:low"})
    assert answer.status_code == 422
    assert "You follow 1 things already" in answer.content.decode()
    assert desk.post("/subscriptions/follow", {"what": "service:kafka"}).status_code == 303


# ---- over the API ----------------------------------------------------------------------------------------------------


def test_the_api_lists_adds_and_removes_ones_own(charlie, alice, kafka):
    incident = make.incident(services=[kafka])
    subscriptions.follow(Wish.of("low"), by=alice)
    api = Caller(charlie, "write")
    method = make.contact(charlie, "webhook", "https://hooks.example.com/charlie")
    made = api.post("subscriptions", {"service": "kafka", "contact_method": method.pk})
    assert made.status_code == 201
    row = made.json()
    assert row == {
        "id": row["id"],
        "service": "kafka",
        "team": None,
        "severity": None,
        "incident": None,
        "contact_method": method.pk,
        "created_at": row["created_at"],
    }
    assert api.post("subscriptions", {"service": "kafka", "contact_method": method.pk}).status_code == 200
    for body in ({"team": "crew"}, {"severity": "high"}, {"incident": incident.reference}):
        assert api.post("subscriptions", body).status_code == 201
    things = [
        (each["service"], each["team"], each["severity"], each["incident"]) for each in api.items("subscriptions")
    ]
    assert things == [
        (None, None, None, incident.reference),
        (None, None, "high", None),
        (None, "crew", None, None),
        ("kafka", None, None, None),
    ]
    assert api.delete(f"subscriptions/{row['id']}").status_code == 204
    assert api.delete(f"subscriptions/{row['id']}").status_code == 404
    assert len(api.items("subscriptions")) == 3
    others = Subscription.objects.get(user=alice)
    assert api.delete(f"subscriptions/{others.pk}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"service": "kafka", "team": "crew"},
        {"service": "none"},
        {"team": "none"},
        {"severity": "awful"},
        {"incident": "INC-999"},
        {"incident": "42"},
        {"service": "kafka", "contact_method": 999},
        {"service": "kafka", "contact_method": "1"},
        {"service": NUL},
        {"service": "x" * 9999},
        {"severity": ""},
        {"what": "service:kafka"},
    ],
)
def test_the_api_says_what_is_wrong(charlie, kafka, body):
    answer = Caller(charlie, "write").post("subscriptions", body)
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert not Subscription.objects.exists()


def test_the_button_on_an_incident_asks_the_database_no_more(desk, charlie, kafka):
    incident = make.incident(services=[kafka])
    page = desk.get(incident.get_absolute_url()).content.decode()
    assert ("Hear of updates" in page, "You hear of updates" in page) == (True, False)
    what = {"what": f"incident:{incident.reference}", "next": incident.get_absolute_url()}
    assert desk.post("/subscriptions/follow", what)["Location"] == incident.get_absolute_url()
    page = desk.get(incident.get_absolute_url()).content.decode()
    assert "You hear of updates<" in page
    workspace = detail.load(incident, now=make.NOW, reader=charlie)
    context = {"incident": incident, "workspace": workspace, "can_respond": True}
    with CaptureQueriesContext(connection) as queries:
        render_to_string("incidents/_communication.html", context, RequestFactory().get("/"))
    assert (workspace.is_followed, len(queries)) == (True, 0)
    assert not detail.load(incident, now=make.NOW).is_followed
