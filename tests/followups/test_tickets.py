"""What may become a ticket, and where."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from followups import defining, tickets
from followups.models import Tracker
from incidents import action_items
from incidents.models.incident import NotAllowedNow
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


def test_an_item_is_exported_once(item, tracker, alice, ticket):
    assert (ticket.state, ticket.asked_by, ticket.may_exist) == ("queued", alice, False)
    with pytest.raises(NotAllowedNow, match="has a ticket already"):
        tickets.export(item, tracker=make.tracker(), by=alice)


@pytest.mark.parametrize("end", ["done", "accepted"])
def test_what_has_ended_is_not_exported(item, tracker, alice, end):
    if end == "done":
        action_items.set_done(item, by=alice)
    else:
        action_items.accept_risk(item, reason="It goes.", by=alice)
    with pytest.raises(NotAllowedNow, match=f"is {end}; reopen it to export it."):
        tickets.export(item, tracker=tracker, by=alice)


def test_a_tracker_takes_what_its_team_is_concerned_by(alice, tracker):
    core, web = make.team("core"), make.team("web")
    ours = make.incident(services=[make.service("kafka", team=core), make.service("topics", team=core)])
    defining.change(tracker, by=None, team=core)
    mine = action_items.add(ours, title="x", by=alice)
    others = action_items.add(make.incident(services=[make.service("search", team=web)]), title="y", by=alice)
    assert tickets.export(mine, tracker=tracker, by=alice).state == "queued"
    with pytest.raises(ValidationError, match="takes nothing from this incident"):
        tickets.export(others, tracker=tracker, by=alice)
    for_all = make.tracker()
    assert list(Tracker.objects.on().taking(ours)) == [tracker, for_all]
    defining.change(for_all, by=None, is_active=False)
    assert list(Tracker.objects.on().taking(others.incident)) == []


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        ("github", {"project": "octo"}, "project"),
        ("github", {"project": "https://github.com/octo/repo"}, "project"),
        ("gitlab", {"project": "ops"}, "project"),
        ("jira", {"project": "ops"}, "project"),
        ("jira", {"username": " "}, "username"),
        ("github", {"base_url": "ftp://x"}, "base_url"),
        ("github", {"base_url": "https://"}, "base_url"),
        ("github", {"base_url": "https://a b"}, "base_url"),
        ("github", {"base_url": "https://u:p@x.example"}, "base_url"),
        ("github", {"base_url": "https://[x"}, "base_url"),
        ("github", {"secret": " "}, "secret"),
        ("github", {"secret": "pässword"}, "secret"),
        ("webhook", {"secret": "short"}, "secret"),
        ("github", {"owner": "x"}, "owner"),
    ],
)
def test_a_tracker_that_cannot_be_says_why(kind, fields, field):
    with pytest.raises(ValidationError) as error:
        make.tracker(kind, **fields)
    assert list(error.value.message_dict) == [field]


def test_a_secret_does_not_follow_to_another_host(db):
    tracker = make.tracker("jira")
    defining.change(tracker, by=None, base_url="https://octo.atlassian.net/")
    with pytest.raises(ValidationError, match="The address is on another host now"):
        defining.change(tracker, by=None, base_url="https://evil.example.com")
    defining.change(tracker, by=None, base_url="https://other.atlassian.net", secret="new")
    tracker.refresh_from_db()
    assert tracker.secret == "new"
