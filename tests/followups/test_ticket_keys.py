"""A tracker that gives two items one key: the second is no ticket of its own, and is not sent for ever."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.work import db_now
from followups import exporting, tickets
from followups.models import Ticket
from incidents import action_items
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


@pytest.fixture
def kind():
    return "webhook"


def test_a_key_that_another_item_has_is_said_and_the_item_may_go_elsewhere(fake, tracker, alice):
    fake.says = {"key": "T-7", "state": "open"}
    incident = make.incident()
    for title in ("Alert on lag", "Add a replica"):
        item = action_items.add(incident, title=title, by=alice)
        tickets.export(item, tracker=tracker, by=alice)
        assert exporting.export_due(now=db_now()) == 1
    assert exporting.export_due(now=db_now() + timedelta(days=1)) == 0
    first, second = Ticket.objects.order_by("state")[::-1]
    assert (first.state, first.key, first.error) == ("open", "T-7", "")
    assert (second.state, second.key, second.may_exist) == ("failed", "", False)
    assert second.error == "The tracker says T-7, which is the ticket of another item. This one has none of its own."
    assert tickets.export(second.action_item, tracker=make.tracker(), by=alice).state == "queued"


@pytest.mark.parametrize(
    ("said", "key"), [("T-\0\ud8007", "T-\ufffd\ufffd7"), ("T\n\u202e7", "T 7"), (" \n\u202e", "muster-action-")]
)
def test_a_key_that_cannot_be_kept_as_it_is_does_not_keep_its_item_on_the_way_for_ever(fake, tracker, alice, said, key):
    fake.says = {"key": said, "url": "https://tracker.example.com/\0", "state": "open"}
    item = action_items.add(make.incident(), title="Alert on lag", by=alice)
    ticket = tickets.export(item, tracker=tracker, by=alice)
    assert exporting.export_due(now=db_now()) == 1
    ticket.refresh_from_db()
    assert (ticket.state, ticket.key.startswith(key), ticket.url) == ("open", True, "")
