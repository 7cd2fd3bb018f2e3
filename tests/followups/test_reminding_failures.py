"""What the database does not take, and a process that ends in the midst, lose no reminder and double none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import OperationalError

from followups import reminding
from followups.models import Reminder
from incidents import action_items
from incidents.models import ActionItem
from notifications.models import Notification, SweepRun
from tests import make
from tests.poison import poisoned

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOW = datetime(2026, 10, 12, 9, 0, tzinfo=UTC)


@pytest.fixture
def owners(db):
    """Five, each with an item of this day; the fourth is hard to write about."""
    SweepRun.objects.create(name=reminding.MARK, last_run_at=NOW - HOUR)
    incident = make.incident()
    found = [make.user(f"owner{number}") for number in range(5)]
    for number, owner in enumerate(found):
        title = "poison" if number == 3 else "x"
        item = action_items.add(incident, title=title, owner=owner, by=owner, now=NOW - 24 * 11 * HOUR)
        ActionItem.objects.filter(pk=item.pk).update(due_on=date(2026, 10, 12))
    Notification.objects.all().delete()
    return found


def told():
    """Who was written down, and who has a message."""
    rows = list(Reminder.objects.order_by("user").values_list("user__username", flat=True))
    assert sorted(rows) == sorted(Notification.objects.values_list("user__username", flat=True))
    return rows


def test_what_cannot_be_written_is_left_out_and_tried_again_a_quarter_later(owners):
    with poisoned("notifications_notification", column="title"):
        assert reminding.remind_due(now=NOW) == 4
        assert told() == ["owner0", "owner1", "owner2", "owner4"]
        assert reminding.remind_due(now=NOW + MINUTE) == 0
    assert reminding.remind_due(now=NOW + 2 * MINUTE) == 0
    assert reminding.remind_due(now=NOW + 16 * MINUTE) == 1
    assert told() == [str(owner.username) for owner in owners]


@pytest.mark.django_db(transaction=True)
def test_what_a_process_left_in_the_midst_is_taken_up_at_once(owners, monkeypatch):
    monkeypatch.setattr(reminding, "BATCH", 2)
    dies = "PERFORM pg_terminate_backend(pg_backend_pid());"
    with poisoned("notifications_notification", column="title", what=dies), pytest.raises(OperationalError):
        reminding.remind_due(now=NOW)
    assert told() == ["owner0", "owner1"]
    assert reminding.remind_due(now=NOW + MINUTE) == 3
    assert told() == [str(owner.username) for owner in owners]
    assert reminding.remind_due(now=NOW + 2 * MINUTE) == 0
