"""Response and resolution clocks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from incidents import changes, lifecycle, sla
from incidents.models import Holiday, IncidentSettings, SeverityPolicy, SlaClock
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, SECOND

pytestmark = pytest.mark.django_db


def clock(incident, kind="response"):
    return SlaClock.objects.filter(incident=incident, kind=kind).latest("id")


@pytest.mark.parametrize(("severity", "minutes"), [("critical", 5), ("high", 15), ("medium", 60)])
def test_each_severity_promises_its_response_time(severity, minutes, now):
    incident = make.incident(severity=severity, at=now)
    assert clock(incident).due_at == now + minutes * MINUTE


def test_low_is_due_at_the_end_of_the_next_business_day_of_the_calendar():
    friday = datetime(2026, 10, 16, 20, 0, tzinfo=UTC)
    IncidentSettings.objects.update_or_create(pk=1, defaults={"time_zone": "Europe/Berlin"})
    Holiday.objects.create(date="2026-10-19", name="A Monday off")
    incident = make.incident(severity="low", at=friday)
    assert clock(incident).due_at == datetime(2026, 10, 20, 15, 0, tzinfo=UTC)


def test_the_first_human_acknowledgement_meets_the_response_clock(alice, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    assert (clock(incident).state, clock(incident).met_at) == ("met", now + MINUTE)


def test_skipping_ahead_acknowledges_on_the_way(alice, now):
    incident = make.incident(steps=[alice], at=now)
    incident = lifecycle.transition(incident, to="mitigating", by=alice, now=now + MINUTE)
    assert (incident.status, incident.acknowledged_at) == ("mitigating", now + MINUTE)
    assert clock(incident).state == "met"
    assert incident.assignee == alice


def test_a_monitor_that_resolves_first_cancels_the_clock_and_leaves_the_answer_empty(alice, now):
    incident = make.incident(steps=[alice], at=now)
    incident = lifecycle.resolve(incident, by=None, source="Prometheus", now=now + MINUTE)
    assert (clock(incident).state, incident.acknowledged_at) == ("cancelled", None)


def test_a_person_who_resolves_at_once_answers_too(alice, now):
    incident = make.incident(steps=[alice], at=now)
    incident = lifecycle.resolve(incident, by=alice, root_cause="A typo", now=now + MINUTE)
    assert (clock(incident).state, incident.acknowledged_at, incident.root_cause) == ("met", now + MINUTE, "A typo")


def test_eighty_per_cent_warns_the_assignee_once(alice, bob, now):
    incident = make.incident(steps=[alice], assignee=bob, at=now)
    assert sla.check_due(now=now + 4 * MINUTE - SECOND) == 0
    assert sla.check_due(now=now + 4 * MINUTE) == 1
    assert sla.check_due(now=now + 4 * MINUTE + SECOND) == 0
    warned = Notification.objects.get(user=bob, reason="Response clock at 80 %")
    assert warned.title == f"{incident.reference} Critical: It is broken"


def test_a_breach_is_recorded_once_and_notified_once(alice, bob, now):
    incident = make.incident(steps=[alice], assignee=bob, at=now)
    for seconds in (240, 300, 301, 600):
        sla.check_due(now=now + seconds * SECOND)
    breached = clock(incident)
    assert (breached.state, breached.breached_at) == ("breached", now + 5 * MINUTE)
    assert make.happened(incident).count("clock_breached") == 1
    assert Notification.objects.filter(user=bob, reason="Response clock breached").count() == 1
    lifecycle.acknowledge(incident, by=bob, now=now + 11 * MINUTE)
    assert (clock(incident).state, clock(incident).met_at) == ("breached", now + 11 * MINUTE)


def test_an_answer_after_the_due_time_is_a_breach_even_before_the_sweep(alice, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + 6 * MINUTE)
    late = clock(incident)
    assert (late.state, late.breached_at, late.met_at) == ("breached", now + 5 * MINUTE, now + 6 * MINUTE)
    assert make.happened(incident).count("clock_breached") == 1
    assert sla.check_due(now=now + 7 * MINUTE) == 0


def test_a_breach_without_assignee_goes_to_the_teams(alice, now):
    crew = make.team("crew", alice, channel_address="crew@example.com")
    incident = make.incident(severity="high", services=[make.service(team=crew)], at=now)
    sla.check_due(now=now + 16 * MINUTE)
    assert Notification.objects.get(reason="Response clock breached").address == "crew@example.com"
    assert incident.clocks.filter(kind="response").count() == 1


def test_raising_severity_tightens_and_lowering_does_not_loosen(alice, now):
    incident = make.incident(severity="medium", at=now)
    incident = changes.change_severity(incident, to="critical", by=alice, now=now + 10 * MINUTE)
    assert clock(incident).due_at == now + 15 * MINUTE
    incident = changes.change_severity(incident, to="low", by=alice, now=now + 11 * MINUTE)
    assert clock(incident).due_at == now + 15 * MINUTE


def test_reopening_keeps_the_answer_and_starts_a_new_resolution_clock(alice, now):
    incident = make.incident(at=now)
    SeverityPolicy.objects.filter(severity="critical").update(resolve_within_minutes=60)
    incident = make.incident(at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    lifecycle.resolve(incident, by=alice, now=now + 10 * MINUTE)
    assert clock(incident, "resolution").state == "met"
    incident = lifecycle.reopen(incident, reason="Back again", by=alice, now=now + 30 * MINUTE)
    assert (incident.status, incident.acknowledged_at, incident.resolved_at) == ("investigating", now + MINUTE, None)
    fresh = clock(incident, "resolution")
    assert (fresh.state, fresh.due_at) == ("running", now + 90 * MINUTE)
    assert incident.clocks.filter(kind="response", state="running").count() == 0


def test_a_tightened_clock_warns_again(alice, now):
    incident = make.incident(severity="medium", assignee=alice, at=now)
    sla.check_due(now=now + 49 * MINUTE)
    SeverityPolicy.objects.filter(severity="high").update(respond_within_minutes=8)
    changes.change_severity(incident, to="high", by=alice, now=now + 50 * MINUTE)
    sla.check_due(now=now + 57 * MINUTE)
    assert Notification.objects.filter(user=alice, reason="Response clock at 80 %").count() == 2
