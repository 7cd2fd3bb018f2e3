"""Many reminders at once come as one message, as on the first morning after an upgrade."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from followups import reminding
from followups.models import Reminder
from incidents import action_items
from incidents.models import ActionItem
from notifications.models import Notification, SweepRun
from tests import make

DAY = timedelta(days=1)
NOW = datetime(2026, 10, 12, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _running(db):
    SweepRun.objects.create(name=reminding.MARK, last_run_at=NOW - DAY)


def overdue(incident, owner, count):
    """So many items, each a day longer overdue than the one before."""
    for number in range(count):
        item = action_items.add(incident, title=f"n{number}", owner=owner, by=owner, now=NOW - 90 * DAY)
        ActionItem.objects.filter(pk=item.pk).update(due_on=(NOW - (8 + number) * DAY).date())


def messages(person):
    return list(Notification.objects.filter(user=person, key__contains="/follow-up/").order_by("id"))


def test_what_is_long_overdue_comes_as_one_message_a_person_and_once(alice):
    theo = make.user("theo")
    incident = make.incident(services=[make.service("kafka", team=make.team("core", managers=(theo,)))])
    overdue(incident, alice, 24)
    assert reminding.remind_due(now=NOW) == 48
    for person in (alice, theo):
        (row,) = messages(person)
        assert row.title == "24 follow-ups wait for somebody"
        lines = row.body.splitlines()
        assert lines[0] == f"- {incident.reference} n23: 31 days overdue, Alice"
        assert lines[19:22] == [f"- {incident.reference} n4: 12 days overdue, Alice", "- and 4 more", ""]
        assert row.url.endswith("/follow-ups/")
    assert Reminder.objects.exclude(sent_at=NOW).count() == 0
    assert reminding.remind_due(now=NOW + timedelta(minutes=15)) == 0


def test_a_few_are_messages_of_their_own(alice):
    overdue(make.incident(), alice, 5)
    assert reminding.remind_due(now=NOW) == 5
    assert len(messages(alice)) == 5


def test_private_ones_are_in_no_digest(alice):
    """Who may read what was sent is told by an incident's own topic."""
    secret = make.incident(is_private=True, assignee=alice)
    overdue(make.incident(), alice, 6)
    overdue(secret, alice, 6)
    assert reminding.remind_due(now=NOW) == 12
    assert sorted(row.topic for row in messages(alice)) == sorted([reminding.MARK, *[secret.topic] * 6])


def test_who_cannot_be_reached_is_written_down_as_such():
    overdue(make.incident(), make.user("silent", email=False), 6)
    assert reminding.remind_due(now=NOW) == 0
    assert Reminder.objects.filter(sent_at=None).count() == 6
