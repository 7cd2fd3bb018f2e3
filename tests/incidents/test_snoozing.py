"""Snoozing: nobody hears of it until a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from incidents import changes, escalation, failed_pages, letting_go, lifecycle, quiet, repair
from incidents.forms import morning
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow
from incidents.snoozing import snooze, wake, wake_due
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, happened, pages

pytestmark = pytest.mark.django_db

HOUR = 60 * MINUTE


def every_sweep(now):
    for sweep in (
        wake_due,
        quiet.remind_due,
        escalation.advance_due,
        failed_pages.follow_up_failed,
        repair.watch_missing,
    ):
        sweep(now=now)


def test_nobody_is_paged_until_the_time_and_then_it_asks_from_the_first_step(alice, bob, now):
    incident = make.incident(steps=[alice, bob], at=now)
    snooze(incident, until=now + 4 * HOUR, by=alice, now=now + MINUTE)
    for minutes in range(2, 240):
        every_sweep(now + minutes * MINUTE)
    incident.refresh_from_db()
    assert (incident.status, incident.assignee, incident.snoozed_until) == ("acknowledged", alice, now + 4 * HOUR)
    assert pages(incident) == [("alice", now)]
    assert wake_due(now=now + 4 * HOUR) == 1
    incident.refresh_from_db()
    assert (incident.status, incident.assignee, incident.snoozed_until) == ("triggered", alice, None)
    escalation.advance_due(now=now + 4 * HOUR + 5 * MINUTE)
    assert pages(incident) == [("alice", now), ("alice", now + 4 * HOUR), ("bob", now + 4 * HOUR + 5 * MINUTE)]
    assert wake_due(now=now + 5 * HOUR) == 0
    assert happened(incident).count("woken") == 1


def test_the_assignee_is_told_that_their_snooze_has_ended(alice, bob, now):
    incident = make.incident(steps=[bob], at=now)
    snooze(incident, until=now + HOUR, by=alice, now=now)
    wake_due(now=now + HOUR)
    told = Notification.objects.get(user=alice, topic=incident.topic)
    assert (told.reason, told.created_at, told.urgency) == ("Snooze ended", now + HOUR, "high")
    assert told.body.startswith(f"Your snooze of {incident.reference} has ended.")


def test_snoozing_a_triggered_incident_acknowledges_it(alice, now):
    incident = make.incident(steps=[alice], at=now)
    snooze(incident, until=now + HOUR, by=alice, now=now + MINUTE)
    assert [kind for kind in happened(incident) if kind in ("acknowledged", "snoozed")] == ["acknowledged", "snoozed"]
    assert incident.clocks.get(kind="response").met_at == now + MINUTE
    assert incident.timeline.get(kind="snoozed").data == {"until": (now + HOUR).isoformat()}


def test_snoozing_an_answered_incident_stops_what_pages_still(alice, bob, now):
    incident = make.incident(severity="low", steps=[alice, bob], at=now)
    lifecycle.transition(incident, to="mitigating", by=bob, now=now)
    changes.change_severity(incident, to="critical", by=bob, now=now + MINUTE)
    assert escalation.is_running(incident)
    incident = snooze(incident, until=now + HOUR, by=bob, now=now + 2 * MINUTE)
    assert (incident.status, escalation.is_running(incident)) == ("mitigating", False)
    assert not Notification.objects.filter(topic=incident.topic, purpose="page", state="pending").exists()


def test_snoozing_again_changes_the_time(alice, now):
    incident = make.incident(steps=[alice], at=now)
    snooze(incident, until=now + HOUR, by=alice, now=now)
    snooze(incident, until=now + 3 * HOUR, by=alice, now=now + MINUTE)
    assert wake_due(now=now + HOUR) == 0
    assert wake_due(now=now + 3 * HOUR) == 1


@pytest.mark.parametrize("after", [timedelta(), -MINUTE, timedelta(days=7, seconds=1)])
def test_a_time_that_has_passed_or_is_too_far_is_refused(alice, now, after):
    incident = make.incident(steps=[alice], at=now)
    with pytest.raises(ValidationError) as refused:
        snooze(incident, until=now + after, by=alice, now=now)
    assert "until" in refused.value.message_dict
    assert escalation.is_running(incident)


def test_woken_by_hand_it_stays_answered_and_pages_nobody(alice, bob, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.transition(incident, to="investigating", by=alice, now=now)
    snooze(incident, until=now + HOUR, by=alice, now=now + MINUTE)
    incident = wake(incident, by=bob, now=now + 2 * MINUTE)
    assert (incident.status, incident.assignee, incident.snoozed_until) == ("investigating", alice, None)
    assert incident.quiet_due_at == now + 32 * MINUTE
    assert pages(incident) == [("alice", now)]
    with pytest.raises(NotAllowedNow):
        wake(incident, by=bob, now=now + 3 * MINUTE)


@pytest.mark.parametrize(
    "act",
    [
        lambda incident, by, at: lifecycle.resolve(incident, by=by, now=at),
        lambda incident, by, at: letting_go.unacknowledge(incident, by=by, now=at),
        lambda incident, by, at: lifecycle.transition(incident, to="mitigating", by=by, now=at),
    ],
    ids=["resolved", "given back", "worked on"],
)
def test_what_is_resolved_given_back_or_worked_on_is_not_snoozed(alice, now, act):
    incident = make.incident(steps=[alice], at=now)
    snooze(incident, until=now + HOUR, by=alice, now=now)
    act(incident, alice, now + MINUTE)
    incident.refresh_from_db()
    assert incident.snoozed_until is None
    assert wake_due(now=now + 2 * HOUR) == 0


def test_what_is_over_cannot_be_snoozed_and_reopened_it_is_awake(alice, now):
    incident = make.incident(steps=[alice], at=now)
    snooze(incident, until=now + HOUR, by=alice, now=now)
    lifecycle.resolve(incident, by=alice, now=now + MINUTE)
    with pytest.raises(NotAllowedNow):
        snooze(incident, until=now + HOUR, by=alice, now=now + 2 * MINUTE)
    assert lifecycle.reopen(incident, reason="Back", by=alice, now=now + 3 * MINUTE).snoozed_until is None


def test_what_was_merged_while_it_slept_pages_nobody(alice, now):
    other, incident = make.incident(at=now), make.incident(steps=[alice], at=now)
    snooze(incident, until=now + HOUR, by=alice, now=now)
    Incident.objects.filter(pk=incident.pk).update(merged_into=other)
    assert wake_due(now=now + HOUR) == 1
    assert pages(incident) == [("alice", now)]
    assert wake_due(now=now + HOUR) == 0


def test_the_database_lets_only_answered_incidents_sleep(alice, now):
    incident = make.incident(steps=[alice], at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(snoozed_until=now)


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("Europe/Berlin", datetime(2026, 10, 14, 1, 0, tzinfo=UTC), datetime(2026, 10, 14, 7, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 14, 7, 0, tzinfo=UTC), datetime(2026, 10, 15, 7, 0, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 24, 20, 0, tzinfo=UTC), datetime(2026, 10, 25, 8, 0, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 10, 14, 1, 0, tzinfo=UTC), datetime(2026, 10, 14, 13, 0, tzinfo=UTC)),
    ],
)
def test_the_morning_is_the_readers(zone, now, expected):
    with timezone.override(zone):
        assert morning(now) == expected


# ---- pages ---------------------------------------------------------------------------------------------------


def test_the_page_snoozes_shows_it_and_wakes(client, alice, charlie):
    incident = make.incident(steps=[alice])
    path = f"/incidents/{incident.reference}/snooze"
    client.force_login(charlie)
    assert client.post(path, {"wait": "30"}).status_code == 403
    client.force_login(alice)
    assert path in client.get(incident.get_absolute_url()).content.decode()
    assert client.post(path).status_code == 422
    assert client.post(path, {"until": "2020-01-01T10:00"}).status_code == 422
    before = timezone.now()
    assert client.post(path, {"wait": "30"}).status_code == 303
    incident.refresh_from_db()
    assert 0 <= (incident.snoozed_until - before - 30 * MINUTE).total_seconds() < 60
    page = client.get(incident.get_absolute_url()).content.decode()
    assert ("Snoozed until" in page, "by Alice" in page, "Wake now" in page) == (True, True, True)
    assert "snoozed until" in client.get("/incidents/").content.decode()
    waking = f"/incidents/{incident.reference}/wake"
    assert [client.post(waking).status_code for _ in range(2)] == [303, 409]
    assert "Wake now" not in client.get(incident.get_absolute_url()).content.decode()


def test_a_time_of_ones_own_is_read_in_the_readers_zone(client, alice):
    alice.time_zone = "Asia/Tokyo"
    alice.save()
    incident = make.incident(steps=[alice])
    client.force_login(alice)
    until = (timezone.now() + timedelta(days=2)).replace(second=0, microsecond=0)
    with timezone.override("Asia/Tokyo"):
        typed = timezone.localtime(until).strftime("%Y-%m-%dT%H:%M")
    assert client.post(f"/incidents/{incident.reference}/snooze", {"until": typed}).status_code == 303
    incident.refresh_from_db()
    assert incident.snoozed_until == until


def test_a_snooze_makes_another_row_of_the_list(client, alice):
    incident = make.incident(steps=[alice], at=timezone.now())
    lifecycle.acknowledge(incident, by=alice)
    client.force_login(alice)
    version = lambda: client.get("/incidents/").content.decode().split('data-v="')[1].split('"')[0]  # noqa: E731
    before = version()
    snooze(incident, until=timezone.now() + HOUR, by=alice)
    assert version() != before
