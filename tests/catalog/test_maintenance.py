"""Maintenance windows: announced, moved, begun, ended and called off."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from accounts.models import AuditEntry
from catalog import maintenance
from catalog.maintenance import TooLate
from catalog.models import MaintenanceWindow, Service
from tests import make
from tests.make import MINUTE

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def states(window: MaintenanceWindow, *moments: datetime) -> list[str]:
    window.refresh_from_db()
    return [str(window.state_at(at)) for at in moments]


def test_a_window_begins_and_ends_by_the_clock(now, alice):
    kafka = make.service("kafka")
    window = make.maintenance(kafka, starts_at=now + HOUR, hours=2, by=alice, title="  New disks ")
    assert (window.title, window.created_by, window.is_public) == ("New disks", alice, True)
    assert list(window.services.all()) == [kafka]
    assert states(window, now, now + HOUR, now + 3 * HOUR - MINUTE, now + 3 * HOUR) == [
        "scheduled", "in_progress", "in_progress", "completed",
    ]  # fmt: skip
    entries = AuditEntry.objects.filter(object_type="catalog.maintenancewindow").order_by("id")
    assert [(each.actor, each.action) for each in entries] == [(alice, "created"), (alice, "changed")]
    assert entries[1].after == {"services": ["kafka"]}


@pytest.mark.parametrize(
    ("wrong", "mistakes"),
    [
        ({"ends_at": make.NOW + HOUR}, {"ends_at": ["It ends before it begins."]}),
        ({"ends_at": make.NOW + HOUR + 31 * DAY}, {"ends_at": ["It is longer than 30 days."]}),
        ({"starts_at": make.NOW - 6 * MINUTE}, {"starts_at": ["This is in the past."]}),
        (
            {"starts_at": make.NOW - 3 * HOUR, "ends_at": make.NOW - HOUR},
            {"starts_at": ["This is in the past."], "ends_at": ["This is in the past."]},
        ),
        (
            {"starts_at": make.NOW + 1100 * DAY, "ends_at": make.NOW + 1101 * DAY},
            {"starts_at": ["This is more than three years ahead."]},
        ),
        ({"title": " "}, {"title": ["This field cannot be blank."]}),
        ({"title": "a\x00b"}, {"title": ["This text holds characters that cannot be stored."]}),
        ({"title": "two\nlines"}, {"title": ["Enter one line."]}),
        ({"title": "x" * 121}, {"title": ["Ensure this value has at most 120 characters (it has 121)."]}),
        ({"description": "a\x00b"}, {"description": ["This text holds characters that cannot be stored."]}),
        ({"description": "x" * 10_001}, {"description": ["Enter at most 10,000 characters."]}),
        ({"services": []}, {"services": ["Choose at least one service."]}),
    ],
)
def test_what_cannot_be_announced_is_said_in_words(now, wrong, mistakes):
    values = {
        "title": "New disks",
        "starts_at": now + HOUR,
        "ends_at": now + 2 * HOUR,
        "services": [make.service("kafka")],
    }
    with pytest.raises(ValidationError) as refused:
        maintenance.schedule(by=None, now=now, **{**values, **wrong})
    assert refused.value.message_dict == mistakes
    assert not MaintenanceWindow.objects.exists()


def test_one_that_begins_this_minute_may_be_entered(now):
    window = make.maintenance(starts_at=now.replace(second=0), at=now)
    assert states(window, now) == ["in_progress"]


def test_what_is_announced_can_be_moved_until_it_begins_and_extended_until_it_is_over(now, alice):
    window = make.maintenance(starts_at=now + HOUR)
    other = make.service("disk")
    maintenance.change(window, title="Newer disks", starts_at=now + 2 * HOUR, services=[other], by=alice, now=now)
    window.refresh_from_db()
    assert (window.title, window.starts_at, list(window.services.all())) == ("Newer disks", now + 2 * HOUR, [other])
    later = now + 2 * HOUR + MINUTE
    with pytest.raises(ValidationError) as refused:
        maintenance.change(window, starts_at=later, by=alice, now=later)
    assert refused.value.message_dict == {"starts_at": ["It has begun already, so its beginning stays."]}
    with pytest.raises(ValidationError) as refused:
        maintenance.extend(window, until=window.ends_at, by=alice, now=later)
    assert refused.value.message_dict == {"ends_at": ["Choose a later end than the one that is announced."]}
    maintenance.extend(window, until=now + 5 * HOUR, by=alice, now=later)
    assert states(window, now + 4 * HOUR, now + 5 * HOUR) == ["in_progress", "completed"]
    with pytest.raises(TooLate, match="This maintenance is over"):
        maintenance.change(window, title="Too late", by=alice, now=now + 5 * HOUR)


def test_an_unknown_field_is_refused(now):
    with pytest.raises(ValidationError) as refused:
        maintenance.change(make.maintenance(), by=None, now=now, is_demo=True)
    assert refused.value.message_dict == {"is_demo": ["A maintenance window has no such field."]}


def test_begun_earlier_it_takes_as_long_as_announced(now):
    window = make.maintenance(starts_at=now + 40 * DAY, hours=2)
    maintenance.start_now(window, by=None, now=now)
    assert states(window, now, now + 2 * HOUR) == ["in_progress", "completed"]
    with pytest.raises(TooLate, match="has begun already"):
        maintenance.start_now(window, by=None, now=now + MINUTE)


def test_ended_sooner_it_is_over(now):
    window = make.maintenance(starts_at=now + HOUR)
    with pytest.raises(TooLate, match="has not begun yet"):
        maintenance.end_now(window, by=None, now=now)
    maintenance.end_now(window, by=None, now=now + HOUR + MINUTE)
    assert states(window, now + HOUR + MINUTE) == ["completed"]
    assert window.over_at == now + HOUR + MINUTE
    with pytest.raises(TooLate, match="is over"):
        maintenance.end_now(window, by=None, now=now + HOUR + 2 * MINUTE)


def test_what_has_begun_is_ended_and_not_cancelled(now):
    window, begun = make.maintenance(starts_at=now + HOUR), make.maintenance(starts_at=now)
    maintenance.cancel(window, by=None, now=now)
    assert states(window, now, now + HOUR) == ["cancelled", "cancelled"]
    with pytest.raises(TooLate, match="has begun already"):
        maintenance.cancel(begun, by=None, now=now)
    with pytest.raises(TooLate, match="was cancelled"):
        maintenance.start_now(window, by=None, now=now)


def test_a_service_reads_maintenance_while_some_is_under_way_unless_it_is_broken(now):
    kafka, disk, idle = make.service("kafka"), make.service("disk", health="major_outage"), make.service("idle")
    make.maintenance(kafka, disk, starts_at=now + HOUR, hours=1)
    gone = make.maintenance(idle, starts_at=now + HOUR, hours=1)
    maintenance.cancel(gone, by=None, now=now)

    def read(at: datetime) -> dict[str, str]:
        return {each.slug: str(each.health_now) for each in Service.objects.with_maintenance(now=at)}

    usual = {"kafka": "operational", "disk": "major_outage", "idle": "operational"}
    assert read(now) == usual
    assert read(now + HOUR) == {**usual, "kafka": "maintenance"}
    assert read(now + 2 * HOUR) == usual
    during = Service.objects.with_maintenance(now=now + HOUR)
    assert [each.slug for each in during.in_health("maintenance")] == ["kafka"]
    assert [each.slug for each in during.in_health("operational")] == ["idle"]
    assert [each.slug for each in during.in_health("major_outage")] == ["disk"]
    assert Service.objects.get(slug="kafka").health == "operational"
