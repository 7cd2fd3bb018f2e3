"""Answered, and then nothing is heard: a reminder, then the next step."""

from __future__ import annotations

import pytest

from incidents import (
    answers,
    changes,
    communication,
    escalation,
    failed_pages,
    lifecycle,
    messages,
    quiet,
    repair,
    snoozing,
    timeline,
)
from incidents.models import Incident, SeverityPolicy
from incidents.quiet import remind_due
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, SECOND, happened, pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(alice, bob, now):
    """Critical, answered by alice at once; bob is the second step."""
    made = make.incident(steps=[alice, bob], at=now)
    return lifecycle.acknowledge(made, by=alice, now=now)


def reminders(incident):
    rows = Notification.objects.filter(topic=incident.topic, reason="Reminder").order_by("id")
    return [(row.recipient, row.created_at) for row in rows]


def test_half_an_hour_of_silence_reminds_and_ten_minutes_later_the_next_step_is_paged(incident, alice, bob, now):
    assert remind_due(now=now + 30 * MINUTE - SECOND) == 0
    assert remind_due(now=now + 30 * MINUTE) == 1
    assert remind_due(now=now + 40 * MINUTE - SECOND) == 0
    assert reminders(incident) == [("Alice", now + 30 * MINUTE)]
    assert remind_due(now=now + 40 * MINUTE) == 1
    assert pages(incident) == [("alice", now), ("alice", now + 30 * MINUTE), ("bob", now + 40 * MINUTE)]
    entry = incident.timeline.get(kind="escalated")
    assert (entry.by, entry.text) == (None, "No activity for 40 min")
    incident.refresh_from_db()
    assert (incident.status, incident.assignee, incident.reminded_at) == ("acknowledged", alice, None)
    assert incident.quiet_due_at == now + 70 * MINUTE
    assert remind_due(now=now + 40 * MINUTE) == 0


@pytest.mark.parametrize(
    "act",
    [
        lambda incident, by, at: timeline.add_note(incident, text="Looking", at=at - 20 * MINUTE, by=by, now=at),
        lambda incident, by, at: communication.post_update(
            incident, message="Soon", status="identified", by=by, now=at
        ),
        lambda incident, by, at: lifecycle.transition(incident, to="investigating", by=by, now=at),
        lambda incident, by, at: changes.assign(incident, to=None, by=by, now=at),
    ],
    ids=["note", "status update", "move", "assignment"],
)
def test_whatever_a_person_does_counts(incident, bob, now, act):
    at = now + 25 * MINUTE
    act(incident, bob, at)
    remind_due(now=now + 30 * MINUTE)
    assert reminders(incident) == []
    incident.refresh_from_db()
    assert incident.quiet_due_at == at + 30 * MINUTE


def test_what_a_monitor_does_is_no_sign_of_life(incident, now):
    changes.change_severity(incident, to="high", by=None, source="Prometheus", now=now + 20 * MINUTE)
    changes.change_severity(incident, to="critical", by=None, source="Prometheus", now=now + 21 * MINUTE)
    escalation.stop(incident, now=now + 21 * MINUTE)
    remind_due(now=now + 30 * MINUTE)
    assert reminders(incident) == [("Alice", now + 30 * MINUTE)]


def test_still_on_it_is_recorded_and_counts_from_then(incident, alice, now):
    remind_due(now=now + 30 * MINUTE)
    lifecycle.acknowledge(incident, by=alice, now=now + 33 * MINUTE)
    incident.refresh_from_db()
    assert (incident.reminded_at, incident.quiet_due_at) == (None, now + 63 * MINUTE)
    assert happened(incident).count("acknowledged") == 2
    remind_due(now=now + 40 * MINUTE)
    assert "escalated" not in happened(incident)
    states = Notification.objects.filter(topic=incident.topic, reason="Reminder").values_list("state", flat=True)
    assert list(states) == ["cancelled"]


def test_a_note_after_the_reminder_answers_it(incident, alice, now):
    remind_due(now=now + 30 * MINUTE)
    timeline.add_note(incident, text="On it", by=alice, now=now + 35 * MINUTE)
    remind_due(now=now + 40 * MINUTE)
    incident.refresh_from_db()
    assert (incident.reminded_at, incident.quiet_due_at) == (None, now + 65 * MINUTE)
    assert "escalated" not in happened(incident)


def test_while_it_pages_nobody_is_reminded(incident, alice, now):
    from_here = now + 30 * MINUTE
    incident.escalations.update(state="running", stopped_at=None, due_at=from_here + 60 * MINUTE)
    remind_due(now=from_here)
    assert reminders(incident) == []
    incident.refresh_from_db()
    assert incident.quiet_due_at == from_here + quiet.PATIENCE


def test_a_reminder_that_fails_is_on_the_timeline_and_the_next_step_comes_in_its_time(incident, now):
    remind_due(now=now + 30 * MINUTE)
    Notification.objects.filter(reason="Reminder").update(state="failed", finished_at=now, error="refused")
    failed_pages.follow_up_failed(now=now + 31 * MINUTE)
    assert incident.timeline.get(kind="page_failed").data["person"] == "Alice"
    assert pages(incident)[-1] == ("alice", now + 30 * MINUTE)
    remind_due(now=now + 40 * MINUTE)
    assert pages(incident)[-1] == ("bob", now + 40 * MINUTE)


def test_a_snoozed_or_finished_incident_is_left_alone(incident, alice, now):
    snoozing.snooze(incident, until=now + 200 * MINUTE, by=alice, now=now + MINUTE)
    assert remind_due(now=now + 90 * MINUTE) == 0
    snoozing.wake(incident, by=alice, now=now + 90 * MINUTE)
    lifecycle.resolve(incident, by=alice, now=now + 91 * MINUTE)
    assert remind_due(now=now + 300 * MINUTE) == 0
    assert reminders(incident) == []


def test_without_an_assignee_the_team_is_told(alice, now):
    crew = make.team("crew", alice, channel_address="crew@example.com")
    incident = make.incident(services=[make.service(team=crew, policy=make.escalation_policy(alice))], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now)
    changes.assign(incident, to=None, by=alice, now=now + MINUTE)
    remind_due(now=now + 31 * MINUTE)
    assert reminders(incident) == [("Crew", now + 31 * MINUTE)]


def test_a_severity_that_reminds_nobody_is_not_watched_until_it_is_raised(alice, now):
    incident = make.incident(severity="medium", steps=[alice], at=now)
    incident = lifecycle.acknowledge(incident, by=alice, now=now)
    assert incident.quiet_due_at is None
    incident = changes.change_severity(incident, to="high", by=alice, now=now + MINUTE)
    assert incident.quiet_due_at == now + 61 * MINUTE


def test_a_time_that_an_admin_takes_away_ends_it(incident, now):
    SeverityPolicy.objects.update(remind_after_minutes=None)
    assert remind_due(now=now + 30 * MINUTE) == 1
    incident.refresh_from_db()
    assert incident.quiet_due_at is None


def test_reopened_after_an_answer_it_is_watched_again(incident, alice, now):
    lifecycle.resolve(incident, by=alice, now=now + MINUTE)
    incident = lifecycle.reopen(incident, reason="Back", by=None, source="Prometheus", now=now + 100 * MINUTE)
    assert incident.quiet_due_at == now + 130 * MINUTE
    assert remind_due(now=now + 130 * MINUTE) == 1
    assert reminders(incident) == [("Alice", now + 130 * MINUTE)]


def test_the_auditor_watches_what_nobody_watches(incident, alice, now):
    Incident.objects.update(quiet_due_at=None)
    asleep = make.incident(steps=[alice], at=now)
    snoozing.snooze(asleep, until=now + MINUTE, by=alice, now=now)
    assert repair.watch_missing(now=now + 5 * MINUTE) == 1
    incident.refresh_from_db()
    assert incident.quiet_due_at == now + 35 * MINUTE
    assert repair.watch_missing(now=now + 5 * MINUTE) == 0


def test_the_link_and_the_page_say_still_on_it(client, incident, alice, now):
    remind_due(now=now + 30 * MINUTE)
    link = messages.answer_url(incident, alice)
    path = link.partition("/answers/")[2]
    assert "Still on it" in client.get(f"/answers/{path}").content.decode()
    client.force_login(alice)
    page = client.get(incident.get_absolute_url()).content.decode()
    assert ("Still on it" in page, "Is somebody still on it?" in page) == (True, True)
    assert answers.acknowledge(answers.read(path.removeprefix("email/"))).reminded_at is None
    assert "Still on it" not in client.get(incident.get_absolute_url()).content.decode()
