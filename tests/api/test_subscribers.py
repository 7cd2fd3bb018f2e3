"""Subscribers over the API: for admins, through the same functions as the pages."""

from __future__ import annotations

import pytest

from statuspage.models import Delivery, Subscriber
from tests import make
from tests.api.caller import Caller, fields_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def page():
    return make.status_page("acme", make.service("checkout"))


def test_an_admin_adds_reads_and_ends_a_subscription(admin, page):
    api = Caller(admin)
    part = page.components.get().public_id
    body = {"status_page": "acme", "address": "Ann@Example.com", "components": [part], "has_consent": True}
    made = api.post("subscribers", body)
    assert made.status_code == 201
    ann = Subscriber.objects.get()
    assert made.json() == {
        "id": ann.pk, "status_page": "acme", "kind": "email", "address": "ann@example.com", "components": [part],
        "state": "active", "created_at": made.json()["created_at"], "confirmed_at": made.json()["created_at"],
        "ended_at": None, "ended_why": None,
    }  # fmt: skip
    again = api.post("subscribers", {**body, "components": []})
    assert (again.status_code, again.json()) == (200, made.json())
    assert api.get(f"subscribers/{ann.pk}").json() == made.json()
    assert api.delete(f"subscribers/{ann.pk}").status_code == 204
    assert api.get(f"subscribers/{ann.pk}").json()["ended_why"] == "removed"
    assert not Delivery.objects.exists()


def test_without_consent_an_address_is_asked(admin, page):
    made = Caller(admin).post("subscribers", {"status_page": "acme", "address": "https://example.com/hook"})
    assert (made.json()["state"], made.json()["kind"]) == ("waiting", "webhook")
    assert "whsec_" not in made.content.decode()
    assert Delivery.objects.get().subscriber_id == made.json()["id"]


def test_the_list_is_filtered(admin, page):
    make.subscriber(page, "ann@example.com")
    make.subscriber(page, "https://example.com/hook", active=False)
    make.subscriber(make.status_page("other"), "bob@example.com", ended_at=make.NOW, ended_why="left")
    api = Caller(admin, "read")

    def found(query):
        return [each["address"] for each in api.items(f"subscribers?{query}")]

    assert found("status_page=acme") == ["https://example.com/hook", "ann@example.com"]
    assert found("state=ended") == ["bob@example.com"]
    assert found("kind=webhook") == ["https://example.com/hook"]
    assert len(found("limit=1")) == 1
    assert api.get("subscribers?status_page=nothing").status_code == 422
    assert api.get("subscribers?state=x").status_code == 422


def test_to_others_there_are_no_subscribers(alice, page):
    ann = make.subscriber(page)
    api = Caller(alice, "write")
    assert api.items("subscribers") == []
    assert api.get(f"subscribers/{ann.pk}").status_code == 404
    assert api.post("subscribers", {"status_page": "acme", "address": "x@example.com"}).status_code == 403
    assert api.delete(f"subscribers/{ann.pk}").status_code == 403


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"address": "x"}, "address"),
        ({"address": "a\0@example.com"}, "address"),
        ({"address": "x" * 501}, "address"),
        ({"address": "http://example.com"}, "address"),
        ({"status_page": "nothing"}, "status_page"),
        ({"status_page": "a\0"}, "status_page"),
        ({"components": ["nothing"]}, "components"),
        ({"components": "x"}, "components"),
        ({"has_consent": "yes"}, "has_consent"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_mistakes_are_named(admin, page, change, field):
    body = {"status_page": "acme", "address": "ann@example.com", **change}
    answer = Caller(admin).post("subscribers", body)
    assert (answer.status_code, fields_of(answer)) in ((422, [field]), (400, []))
    assert not Subscriber.objects.exists()
