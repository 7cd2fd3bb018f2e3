"""Action items: written down, given, changed, ticked and taken up again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from incidents import action_items
from incidents.models import ActionItem, Incident
from incidents.models.incident import NotAllowedNow
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, happened

pytestmark = pytest.mark.django_db

TODAY = make.NOW.date()
WEEK = timedelta(days=7)


@pytest.fixture
def incident(now):
    return make.incident(severity="low", at=now)


def entries(incident) -> list[tuple[str, dict]]:
    """Kind and facts of what the timeline says about action items, in order."""
    found = incident.timeline.filter(kind__startswith="action_").order_by("id")
    return [(entry.kind, entry.data) for entry in found]


def told(user) -> list[tuple[str, str, str, str]]:
    """Purpose, urgency, reason and first line of what a person was told about action items, in order."""
    rows = Notification.objects.filter(user=user, reason__startswith="Action item").order_by("id")
    return [(row.purpose, row.urgency, row.reason, row.body.partition("\n")[0]) for row in rows]


def test_a_task_is_written_down_given_and_done(incident, alice, bob, now):
    item = action_items.add(
        incident, title=" Alert  on\nlag ", owner=bob, due_on=TODAY + WEEK, by=alice, now=now + MINUTE
    )
    assert (item.title, item.owner, item.due_on) == ("Alert on lag", bob, TODAY + WEEK)
    assert (item.created_at, item.created_by, item.done_at) == (now + MINUTE, alice, None)
    done = action_items.set_done(item, by=bob, now=now + 2 * MINUTE)
    assert (done.done_at, done.done_by) == (now + 2 * MINUTE, bob)
    facts = {"action": item.pk, "title": "Alert on lag", "owner": "Bob", "due_on": "2026-10-21"}
    assert entries(incident) == [("action_added", facts), ("action_done", facts)]
    assert told(bob) == [("notice", "low", "Action item for you", "Action item for you, from Alice: Alert on lag")]
    assert told(alice) == []
    assert "Due on Wed 21 Oct 2026." in Notification.objects.get(user=bob, reason="Action item for you").body


def test_nobody_is_told_of_what_they_gave_themselves(incident, alice, now):
    item = action_items.add(incident, title="x", owner=alice, by=alice, now=now)
    action_items.set_done(item, by=alice, now=now)
    action_items.reopen(item, by=alice, now=now)
    assert told(alice) == []


def test_a_change_says_what_it_was_before_and_tells_a_new_owner_only(incident, alice, bob, now):
    item = action_items.add(incident, title="Alert on lag", owner=alice, by=alice, now=now)
    action_items.change(item, title="Alert on lag above 60 s", due_on=TODAY, by=bob, now=now + MINUTE)
    action_items.change(item, owner=bob, due_on=None, by=alice, now=now + 2 * MINUTE)
    item.refresh_from_db()
    assert (item.title, item.owner, item.due_on) == ("Alert on lag above 60 s", bob, None)
    (_, first), (_, second) = entries(incident)[1:]
    assert first["changed"] == {
        "title": {"from": "Alert on lag", "to": "Alert on lag above 60 s"},
        "due_on": {"from": "", "to": "2026-10-14"},
    }
    assert second["changed"] == {"owner": {"from": "Alice", "to": "Bob"}, "due_on": {"from": "2026-10-14", "to": ""}}
    assert (len(told(alice)), len(told(bob))) == (0, 1)


def test_what_changes_nothing_leaves_no_trace(incident, alice, bob, now):
    item = action_items.add(incident, title="x", owner=bob, due_on=TODAY, by=alice, now=now)
    action_items.change(item, title=" x ", owner=bob, due_on=TODAY, by=alice, now=now)
    action_items.reopen(item, by=alice, now=now)
    action_items.set_done(item, by=alice, now=now + MINUTE)
    again = action_items.set_done(item, by=bob, now=now + 2 * MINUTE)
    assert (again.done_at, again.done_by) == (now + MINUTE, alice)
    assert [kind for kind, _ in entries(incident)] == ["action_added", "action_done"]


def test_what_is_done_is_reopened_before_it_is_changed(incident, alice, bob, now):
    item = action_items.add(incident, title="x", owner=bob, by=bob, now=now)
    action_items.set_done(item, by=bob, now=now + MINUTE)
    with pytest.raises(NotAllowedNow, match="“x” is done; reopen it to change it."):
        action_items.change(item, title="y", by=alice, now=now + 2 * MINUTE)
    opened = action_items.reopen(item, by=alice, now=now + 2 * MINUTE)
    assert (opened.done_at, opened.done_by) == (None, None)
    assert told(bob) == [("notice", "low", "Action item reopened", "Action item reopened, from Alice: x")]
    action_items.change(item, title="y", by=alice, now=now + 3 * MINUTE)
    assert [kind for kind, _ in entries(incident)] == [
        "action_added", "action_done", "action_reopened", "action_changed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("title", "mistake"),
    [
        ("", "Say in a few words what is to be done."),
        (" \n ", "Say in a few words what is to be done."),
        ("x" * 256, "A title has at most 255 characters; this one has 256."),
    ],
)
def test_a_title_has_1_to_255_characters(incident, alice, title, mistake, now):
    item = action_items.add(incident, title="x" * 255, by=alice, now=now)
    for attempt in (
        lambda: action_items.add(incident, title=title, by=alice, now=now),
        lambda: action_items.change(item, title=title, by=alice, now=now),
    ):
        with pytest.raises(ValidationError) as refused:
            attempt()
        assert refused.value.message_dict == {"title": [mistake]}
    assert ActionItem.objects.count() == 1


def test_a_promise_is_due_today_at_the_earliest(incident, alice, now):
    action_items.add(incident, title="today", due_on=TODAY, by=alice, now=now)
    for due_on, mistake in (
        (TODAY - timedelta(days=1), "This day has passed; choose today or a later one."),
        (date(2032, 1, 1), "This is more than 5 years ahead."),
    ):
        with pytest.raises(ValidationError) as refused:
            action_items.add(incident, title="x", due_on=due_on, by=alice, now=now)
        assert refused.value.message_dict == {"due_on": [mistake]}


def test_today_is_the_day_of_whoever_promises(incident, alice, bob):
    late = datetime(2026, 10, 14, 22, 30, tzinfo=UTC)
    alice.time_zone, bob.time_zone = "America/Los_Angeles", "Asia/Tokyo"
    assert action_items.today_of(alice, now=late) == date(2026, 10, 14)
    assert action_items.today_of(bob, now=late) == date(2026, 10, 15)
    action_items.add(incident, title="x", due_on=date(2026, 10, 14), by=alice, now=late)
    with pytest.raises(ValidationError):
        action_items.add(incident, title="x", due_on=date(2026, 10, 14), by=bob, now=late)


def test_what_is_overdue_keeps_its_day_until_a_new_one_is_promised(incident, alice, bob, now):
    item = action_items.add(incident, title="x", due_on=TODAY, by=alice, now=now)
    later = now + WEEK
    assert [item.is_overdue(TODAY), item.is_overdue(TODAY + timedelta(days=1))] == [False, True]
    item = action_items.change(item, owner=bob, due_on=TODAY, by=alice, now=later)
    assert (item.owner, item.due_on) == (bob, TODAY)
    with pytest.raises(ValidationError):
        action_items.change(item, due_on=TODAY + timedelta(days=1), by=alice, now=later)
    done = action_items.set_done(item, by=bob, now=later)
    assert not done.is_overdue(TODAY + WEEK)


def test_an_owner_is_somebody_who_works_here(incident, alice, bob, now):
    item = action_items.add(incident, title="x", owner=bob, by=alice, now=now)
    bob.is_active = False
    bob.save()
    with pytest.raises(ValidationError) as refused:
        action_items.add(incident, title="y", owner=bob, by=alice, now=now)
    assert refused.value.message_dict == {"owner": ["Bob is not active any more."]}
    changed = action_items.change(item, title="z", owner=bob, by=alice, now=now)
    assert (changed.title, changed.owner) == ("z", bob)


def test_whoever_owns_a_task_of_a_private_incident_sees_it(alice, bob, now):
    secret = make.incident(is_private=True, assignee=alice, at=now)
    assert not Incident.objects.visible_to(bob).exists()
    action_items.add(secret, title="x", owner=bob, by=alice, now=now)
    assert Incident.objects.visible_to(bob).get() == secret
    eve = make.user("eve", email=False)
    with pytest.raises(ValidationError) as refused:
        action_items.add(secret, title="y", owner=eve, by=alice, now=now)
    assert refused.value.message_dict == {
        "owner": ["Eve does not see this private incident, and has no contact method to be told by."]
    }
    assert ActionItem.objects.count() == 1


def test_two_at_once_take_nothing_back_from_each_other(incident, alice, bob, now):
    item = action_items.add(incident, title="x", by=alice, now=now)
    stale = ActionItem.objects.get(pk=item.pk)
    action_items.change(item, title="y", by=alice, now=now)
    action_items.change(stale, owner=bob, by=bob, now=now)
    item.refresh_from_db()
    assert (item.title, item.owner) == ("y", bob)


def test_what_is_still_to_do(incident, alice, now):
    first, second = (action_items.add(incident, title=title, by=alice, now=now) for title in "xy")
    action_items.set_done(first, by=alice, now=now)
    assert list(ActionItem.objects.undone()) == [second]
    assert happened(incident)[-1] == "action_done"


def test_unknown_fields_are_not_changed(incident, alice, now):
    item = action_items.add(incident, title="x", by=alice, now=now)
    with pytest.raises(ValidationError) as refused:
        action_items.change(item, done_at=now, by=alice, now=now)
    assert refused.value.message_dict == {"done_at": ["This cannot be changed."]}
