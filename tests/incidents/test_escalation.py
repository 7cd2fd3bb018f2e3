"""Who is paged when (design 4.10 and 4.11)."""

from __future__ import annotations

import pytest

from accounts.models import Team
from incidents import changes, escalation, failed_pages, lifecycle
from incidents.models import Escalation, IncidentSettings
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, SECOND, pages

pytestmark = pytest.mark.django_db


def test_the_first_step_pages_in_the_declaring_transaction(alice, now):
    incident = make.incident(steps=[alice], at=now)
    assert pages(incident) == [("alice", now)]


def test_unacknowledged_critical_reaches_the_second_step(alice, bob, now):
    incident = make.incident(steps=[alice, bob], at=now)
    assert escalation.advance_due(now=now + 5 * MINUTE - SECOND) == 0
    assert escalation.advance_due(now=now + 5 * MINUTE) == 1
    assert pages(incident) == [("alice", now), ("bob", now + 5 * MINUTE)]


def test_a_delay_before_the_first_step_is_waited_for(alice, now):
    incident = make.incident(steps=[alice], delays=(3,), at=now)
    assert pages(incident) == []
    escalation.advance_due(now=now + 3 * MINUTE)
    assert pages(incident) == [("alice", now + 3 * MINUTE)]


def test_acknowledging_stops_every_policy(alice, bob, now):
    first, second = make.escalation_policy(alice, bob), make.escalation_policy(bob, alice)
    services = [make.service(policy=first), make.service(policy=second)]
    incident = make.incident(services=services, at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + SECOND)
    assert escalation.advance_due(now=now + 60 * MINUTE) == 0
    assert set(incident.escalations.values_list("state", flat=True)) == {"stopped"}
    assert set(Notification.objects.filter(topic=incident.topic).values_list("state", flat=True)) == {"cancelled"}


def test_a_person_in_several_policies_is_paged_once_a_method_and_step_time(alice, now):
    services = [make.service(policy=make.escalation_policy(alice)) for _ in range(2)]
    incident = make.incident(services=services, at=now)
    assert pages(incident) == [("alice", now)]
    assert incident.escalations.count() == 2


def test_every_contact_method_of_a_person_is_paged(alice, now):
    make.contact(alice, "webhook", "https://example.com/hook")
    incident = make.incident(steps=[alice], at=now)
    channels = Notification.objects.filter(topic=incident.topic, purpose="page").values_list("channel", flat=True)
    assert sorted(channels) == ["email", "webhook"]


def test_unverified_methods_are_used_only_while_none_is_verified(now):
    dora = make.user("dora", email=False)
    make.contact(dora, "email", "new@example.com", verified=False)
    assert pages(make.incident(steps=[dora], at=now)) == [("dora", now)]
    make.contact(dora, "email", "old@example.com")
    incident = make.incident(steps=[dora], at=now)
    assert list(Notification.objects.filter(topic=incident.topic).values_list("address", flat=True)) == [
        "old@example.com"
    ]


def test_a_step_that_reaches_nobody_gives_way_at_once(alice, now):
    dora = make.user("dora", email=False)
    incident = make.incident(steps=[dora, alice], delays=(0, 30), at=now)
    assert pages(incident) == [("alice", now)]
    assert "nobody_reached" in make.happened(incident)


def test_a_policy_that_reaches_nobody_goes_to_the_last_resort_at_once(admin, now):
    dora = make.user("dora", email=False)
    incident = make.incident(steps=[dora], at=now)
    assert pages(incident) == [("root", now)]
    incident.refresh_from_db()
    assert incident.is_unanswered
    assert make.happened(incident) == ["triggered", "notified", "nobody_reached", "exhausted"]


def test_rounds_repeat_after_the_last_step_and_then_the_last_resort_is_paged_once(alice, bob, admin, now):
    policy = make.escalation_policy(alice, bob, delays=(0, 5), repeat=1, repeat_after=10)
    incident = make.incident(services=[make.service(policy=policy)], at=now)
    for minutes in range(1, 120):
        escalation.advance_due(now=now + minutes * MINUTE)
    assert pages(incident) == [
        ("alice", now),
        ("bob", now + 5 * MINUTE),
        ("alice", now + 15 * MINUTE),
        ("bob", now + 20 * MINUTE),
        ("root", now + 30 * MINUTE),
    ]
    incident.refresh_from_db()
    assert incident.is_unanswered
    assert make.happened(incident)[-1] == "exhausted"


def test_the_last_resort_can_be_a_team(alice, bob, admin, now):
    IncidentSettings.objects.update_or_create(pk=1, defaults={"last_resort": make.team("duty", bob)})
    incident = make.incident(steps=[alice], at=now)
    escalation.advance_due(now=now + 5 * MINUTE)
    assert pages(incident) == [("alice", now), ("bob", now + 5 * MINUTE)]


def test_without_a_policy_the_default_policy_pages(alice, now):
    make.escalation_policy(alice, is_default=True)
    assert pages(make.incident(services=[make.service()], at=now)) == [("alice", now)]
    assert pages(make.incident(at=now)) == [("alice", now)]


def test_without_any_policy_every_admin_is_paged(admin, now):
    other = make.user("other", role="admin")
    assert pages(make.incident(at=now)) == [(admin.username, now), (other.username, now)]


def test_a_team_target_pages_its_active_members(alice, bob, now):
    gone = make.user("gone", is_active=False)
    crew = make.team("crew", alice, bob, gone)
    assert sorted(pages(make.incident(steps=[crew], at=now))) == [("alice", now), ("bob", now)]
    assert Team.objects.count() == 1


def test_a_late_sweep_counts_the_next_wait_from_when_the_step_fired(alice, bob, now):
    incident = make.incident(steps=[alice, bob, alice], delays=(0, 5, 5), at=now)
    escalation.advance_due(now=now + 60 * MINUTE)
    assert pages(incident) == [("alice", now), ("bob", now + 60 * MINUTE)]
    assert Escalation.objects.get().due_at == now + 65 * MINUTE


def test_a_failed_page_gives_way_to_the_next_step(alice, bob, now):
    incident = make.incident(steps=[alice, bob], delays=(0, 30), at=now)
    Notification.objects.filter(purpose="page").update(state="failed", finished_at=now, error="550 no such user")
    assert failed_pages.follow_up_failed(now=now + 2 * SECOND) == 1
    escalation.advance_due(now=now + 3 * SECOND)
    assert pages(incident) == [("alice", now), ("bob", now + 3 * SECOND)]
    assert "page_failed" in make.happened(incident)
    assert failed_pages.follow_up_failed(now=now + 4 * SECOND) == 0


def test_a_page_that_no_provider_takes_gives_way_but_goes_on_being_tried(alice, bob, now):
    incident = make.incident(steps=[alice, bob], delays=(0, 30), at=now)
    assert failed_pages.follow_up_failed(now=now + 10 * SECOND) == 0
    assert failed_pages.follow_up_failed(now=now + 31 * SECOND) == 1
    escalation.advance_due(now=now + 31 * SECOND)
    assert [who for who, _ in pages(incident)] == ["alice", "bob"]
    assert Notification.objects.filter(purpose="page", state="pending").count() == 2


def test_one_failed_method_of_two_does_not_hasten(alice, bob, now):
    make.contact(alice, "webhook", "https://example.com/hook")
    incident = make.incident(steps=[alice, bob], delays=(0, 30), at=now)
    failed = Notification.objects.filter(channel="webhook")
    failed.update(state="failed", finished_at=now)
    Notification.objects.filter(channel="email").update(state="sent", finished_at=now)
    failed_pages.follow_up_failed(now=now + 2 * SECOND)
    assert escalation.advance_due(now=now + 60 * SECOND) == 0
    assert "page_failed" in make.happened(incident)


def test_reopened_as_harmless_and_then_found_worse_it_pages_from_the_first_step(alice, bob, now):
    incident = make.incident(steps=[alice, bob], delays=(0, 5), at=now)
    lifecycle.resolve(incident, by=None, now=now + MINUTE)
    changes.change_severity(incident, to="low", by=bob, now=now + 2 * MINUTE)
    lifecycle.reopen(incident, reason="It is back", by=bob, now=now + 3 * MINUTE)
    changes.change_severity(incident, to="high", by=bob, now=now + 4 * MINUTE)
    escalation.advance_due(now=now + 9 * MINUTE)
    assert pages(incident) == [("alice", now), ("alice", now + 4 * MINUTE), ("bob", now + 9 * MINUTE)]


def test_adding_a_service_starts_only_its_own_policy(alice, bob, now):
    first, second = make.service(policy=make.escalation_policy(alice)), make.service(policy=make.escalation_policy(bob))
    incident = make.incident(services=[first], at=now)
    changes.change_services(incident, services=[first, second], by=alice, now=now + MINUTE)
    assert pages(incident) == [("alice", now), ("bob", now + MINUTE)]


def test_assigning_tells_the_assignee_and_is_no_acknowledgement(alice, bob, now):
    incident = make.incident(steps=[alice], at=now)
    changes.assign(incident, to=bob, by=alice, now=now + SECOND)
    incident.refresh_from_db()
    assert (incident.status, incident.assignee) == ("triggered", bob)
    notice = Notification.objects.get(user=bob)
    assert (notice.purpose, notice.reason) == ("notice", "Assigned to you")
    assert Escalation.objects.get().state == "running"


def test_the_last_resort_is_paged_again_for_an_incident_that_was_reopened(alice, admin, now):
    incident = make.incident(steps=[alice], at=now)
    escalation.advance_due(now=now + 6 * MINUTE)
    lifecycle.resolve(incident, by=None, now=now + 10 * MINUTE)
    lifecycle.reopen(incident, reason="Still down", by=alice, now=now + 20 * MINUTE)
    escalation.advance_due(now=now + 26 * MINUTE)
    assert [who for who, _ in pages(incident)] == ["alice", "root", "alice", "root"]


def test_reopening_within_the_second_pages_again(alice, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.resolve(incident, by=None, now=now + SECOND / 4)
    lifecycle.reopen(incident, reason="Wrong one", by=alice, now=now + SECOND / 2)
    states = (
        Notification.objects.filter(topic=incident.topic, purpose="page").order_by("id").values_list("state", flat=True)
    )
    assert list(states) == ["cancelled", "pending"]


def test_the_last_resort_team_is_paged_after_the_admins_were_asked_in_vain(bob, admin, now):
    IncidentSettings.objects.update_or_create(pk=1, defaults={"last_resort": make.team("duty", bob)})
    incident = make.incident(at=now)
    escalation.advance_due(now=now + 5 * MINUTE)
    assert pages(incident) == [("root", now), ("bob", now + 5 * MINUTE)]
