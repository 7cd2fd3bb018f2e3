"""What the database does not take, and a process that ends in the midst, lose no reminder and double none."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import OperationalError, connection

from followups import reminding
from followups.models import Reminder
from incidents import action_items
from incidents.models import ActionItem
from notifications.models import Notification, SweepRun
from tests import make

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


@contextmanager
def poisoned(what):
    """The database does something else instead of writing messages that have the word."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF NEW.title LIKE '%poison%' THEN {what} END IF; RETURN NEW; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER poison BEFORE INSERT ON notifications_notification FOR EACH ROW EXECUTE FUNCTION poison()"
        )
    try:
        yield
    finally:
        if not connection.in_atomic_block:
            connection.close()
        with connection.cursor() as cursor:
            cursor.execute("DROP FUNCTION poison() CASCADE")


def told():
    """Who was written down, and who has a message."""
    rows = list(Reminder.objects.order_by("user").values_list("user__username", flat=True))
    assert sorted(rows) == sorted(Notification.objects.values_list("user__username", flat=True))
    return rows


def test_what_cannot_be_written_is_left_out_and_tried_again_a_quarter_later(owners):
    with poisoned("RAISE EXCEPTION 'no';"):
        assert reminding.remind_due(now=NOW) == 4
        assert told() == ["owner0", "owner1", "owner2", "owner4"]
        assert reminding.remind_due(now=NOW + MINUTE) == 0
    assert reminding.remind_due(now=NOW + 2 * MINUTE) == 0
    assert reminding.remind_due(now=NOW + 16 * MINUTE) == 1
    assert told() == [str(owner.username) for owner in owners]


@pytest.mark.django_db(transaction=True)
def test_what_a_process_left_in_the_midst_is_taken_up_at_once(owners, monkeypatch):
    monkeypatch.setattr(reminding, "BATCH", 2)
    with poisoned("PERFORM pg_terminate_backend(pg_backend_pid());"), pytest.raises(OperationalError):
        reminding.remind_due(now=NOW)
    assert told() == ["owner0", "owner1"]
    assert reminding.remind_due(now=NOW + MINUTE) == 3
    assert told() == [str(owner.username) for owner in owners]
    assert reminding.remind_due(now=NOW + 2 * MINUTE) == 0
