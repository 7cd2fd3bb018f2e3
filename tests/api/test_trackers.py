"""Trackers and tickets through the API."""

from __future__ import annotations

import pytest

from followups.models import Ticket, Tracker
from incidents import action_items
from tests import make
from tests.api.caller import Caller, fields_of, mistakes_of

pytestmark = pytest.mark.django_db

NEW = {"kind": "github", "name": "Ops", "base_url": "https://api.github.com", "project": "octo/repo", "secret": "ghp_x"}


@pytest.fixture
def item(alice):
    return action_items.add(make.incident(), title="Alert on lag", by=alice)


def test_a_tracker_is_made_read_and_changed_without_its_secret(root, api):
    make.team("crew")
    made = root.post("trackers", {**NEW, "team": "crew"})
    tracker = Tracker.objects.get()
    shown = {
        "id": tracker.pk, "kind": "github", "name": "Ops", "base_url": "https://api.github.com", "project": "octo/repo",
        "username": "", "issue_type": "", "team": "crew", "is_active": True,
    }  # fmt: skip
    assert (made.status_code, made.json()) == (201, shown | {"secret": None})
    assert api.get(f"trackers/{tracker.pk}").json() == shown
    assert api.items("trackers") == [shown]
    changed = root.patch(f"trackers/{tracker.pk}", {"team": None, "is_active": False, "secret": "ghp_y"}).json()
    assert changed == shown | {"team": None, "is_active": False}
    tracker.refresh_from_db()
    assert tracker.secret == "ghp_y"


def test_the_secret_of_a_webhook_is_shown_once_and_its_path_to_admins(root, api):
    hook = {"kind": "webhook", "name": "Desk", "base_url": "https://hooks.example.com/t/s3cret"}
    made = root.post("trackers", hook, key="k").json()
    assert made["secret"] == Tracker.objects.get().secret
    assert root.post("trackers", hook, key="k").json()["secret"] is None
    assert api.get(f"trackers/{made['id']}").json()["base_url"] == "https://hooks.example.com/…"
    assert root.get(f"trackers/{made['id']}").json()["base_url"] == hook["base_url"]


@pytest.mark.parametrize(
    ("change", "field"),
    [({"kind": "trello"}, "kind"), ({"project": "octo"}, "project"), ({"secret": ""}, "secret"),
     ({"team": "x"}, "team"), ({"base_url": "x"}, "base_url"), ({"name": ""}, "name"), ({"is_demo": True}, "is_demo")],
)  # fmt: skip
def test_a_tracker_that_cannot_be_says_why(root, change, field):
    answer = root.post("trackers", NEW | change)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    assert not Tracker.objects.exists()


def test_an_item_is_exported_and_its_ticket_is_read(api, item):
    tracker, path = make.tracker(), f"action-items/{item.pk}/ticket"
    assert api.get(path).status_code == 404
    made = api.post(path, {"tracker": tracker.pk})
    ticket = Ticket.objects.get()
    assert made.status_code == 201
    assert made.json() == api.get(path).json() == {
        "action_item": item.pk, "tracker": tracker.pk, "state": "queued", "key": None, "url": None, "error": None,
        "asked_at": ticket.asked_at.isoformat().replace("+00:00", "Z"), "asked_by": "alice", "exported_at": None,
        "checked_at": None, "closed_at": None,
    }  # fmt: skip
    assert (again := api.post(path, {"tracker": tracker.pk})).status_code == 409
    assert "has a ticket already" in again.json()["detail"]
    assert api.post(f"{path}/retry").status_code == 409
    Ticket.objects.update(state="failed", due_at=None, error="no")
    assert api.get(path).json()["error"] == "no"
    assert (retried := api.post(f"{path}/retry").json())["state"] == "queued"
    assert retried["error"] is None


def test_a_tracker_that_takes_nothing_from_there_is_named(api, item):
    off = make.tracker(is_active=False)
    path = f"action-items/{item.pk}/ticket"
    assert mistakes_of(api.post(path, {"tracker": off.pk})) == [("tracker", f"{off} takes nothing from this incident.")]
    assert mistakes_of(api.post(path, {"tracker": 999999})) == [("tracker", "There is no tracker 999999.")]
    assert fields_of(api.post(path, {"tracker": "x"})) == ["tracker"]


def test_the_ticket_of_a_private_incident_is_hidden_with_it(bob, alice):
    item = action_items.add(make.incident(is_private=True, assignee=alice), title="x", by=alice)
    tracker, path = make.tracker(), f"action-items/{item.pk}/ticket"
    Caller(alice, "write").post(path, {"tracker": tracker.pk})
    stranger = Caller(bob, "write")
    for answer in (stranger.get(path), stranger.post(path, {"tracker": tracker.pk}), stranger.post(f"{path}/retry")):
        assert answer.status_code == 404
