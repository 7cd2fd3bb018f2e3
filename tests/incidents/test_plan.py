"""The severity policy drives: what is compiled, carried out and added."""

from __future__ import annotations

import pytest

from incidents import changes, lifecycle, plan, policy, repair
from incidents.models import Escalation, IncidentSettings, PlannedAction, SeverityPolicy
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, pages

pytestmark = pytest.mark.django_db


def lines(incident):
    return list(incident.plan.order_by("id").values_list("kind", "target_label", "state"))


def test_critical_pages_on_call_and_tells_leadership(alice, bob, now):
    IncidentSettings.objects.update_or_create(pk=1, defaults={"leadership": make.team("board", bob)})
    incident = make.incident(services=[make.service(policy=make.escalation_policy(alice, name="Platform"))], at=now)
    assert lines(incident) == [("page_on_call", "Platform", "done"), ("notify_leadership", "Board", "done")]
    assert pages(incident) == [("alice", now)]
    assert Notification.objects.get(user=bob).reason == "Notify leadership"


def test_high_pages_on_call_and_nobody_else(alice, now):
    incident = make.incident(severity="high", steps=[alice], at=now)
    assert [kind for kind, _, _ in lines(incident)] == ["page_on_call"]


@pytest.mark.parametrize(
    ("address", "channel", "sent_to"),
    [
        ("crew@example.com", "email", "crew@example.com"),
        ("https://example.com/hook", "webhook", "https://example.com/hook"),
        ("slack+https://chat.example.com/hooks/1", "chat", "https://chat.example.com/hooks/1"),
        ("https://hooks.slack.com/services/1", "chat", "https://hooks.slack.com/services/1"),
        ("https://discord.com/api/webhooks/1/x", "chat", "https://discord.com/api/webhooks/1/x/slack"),
        ("", "inbox", ""),
    ],
)
def test_medium_goes_to_the_teams_channel_or_its_inbox(address, channel, sent_to, now):
    crew = make.team("crew", channel_address=address)
    incident = make.incident(severity="medium", services=[make.service(team=crew)], at=now)
    row = Notification.objects.get(topic=incident.topic)
    assert (row.channel, row.address, row.purpose, row.team) == (channel, sent_to, "channel", crew)
    assert row.state == ("sent" if channel == "inbox" else "pending")
    assert not Escalation.objects.exists()


def test_low_opens_a_ticket_at_the_ticket_address(now):
    crew = make.team("crew", ticket_address="tickets@example.com", channel_address="crew@example.com")
    incident = make.incident(severity="low", services=[make.service(team=crew)], at=now)
    row = Notification.objects.get(topic=incident.topic)
    assert (row.address, row.purpose) == ("tickets@example.com", "ticket")


def test_without_a_team_the_admins_are_told(admin, now):
    incident = make.incident(severity="medium", at=now)
    assert Notification.objects.get(topic=incident.topic).user == admin


def test_raising_applies_only_the_difference(alice, now):
    crew = make.team("crew", channel_address="crew@example.com")
    on_call = make.escalation_policy(alice)
    incident = make.incident(severity="medium", services=[make.service(team=crew, policy=on_call)], at=now)
    assert pages(incident) == []
    changes.change_severity(incident, to="high", by=alice, now=now + MINUTE)
    changes.change_severity(incident, to="critical", by=alice, now=now + 2 * MINUTE)
    assert pages(incident) == [("alice", now + MINUTE)]
    assert [kind for kind, _, _ in lines(incident)] == ["notify_channel", "page_on_call", "notify_leadership"]


def test_lowering_never_un_pages(alice, now):
    incident = make.incident(severity="critical", steps=[alice], at=now)
    changes.change_severity(incident, to="low", by=alice, now=now + MINUTE)
    assert pages(incident) == [("alice", now)]
    assert Escalation.objects.get().state == "running"


def test_an_action_that_is_due_later_waits_and_is_cancelled_by_the_end(alice, now):
    policy.ensure_defaults()
    SeverityPolicy.objects.filter(severity="critical").update(leadership_after_minutes=10)
    first, second = make.incident(steps=[alice], at=now), make.incident(steps=[alice], at=now)
    assert plan.carry_out_due(now=now + 9 * MINUTE) == 0
    lifecycle.resolve(first, by=alice, now=now + 9 * MINUTE)
    assert plan.carry_out_due(now=now + 10 * MINUTE) == 1
    states = [PlannedAction.objects.get(incident=i, kind="notify_leadership").state for i in (first, second)]
    assert states == ["cancelled", "done"]


def test_people_can_acknowledge_what_a_raise_paged_after_the_answer(alice, bob, now):
    incident = make.incident(severity="medium", services=[make.service(policy=make.escalation_policy(bob))], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now)
    changes.change_severity(incident, to="high", by=alice, now=now + MINUTE)
    assert pages(incident) == [("bob", now + MINUTE)]
    lifecycle.acknowledge(incident, by=bob, now=now + 2 * MINUTE)
    assert Escalation.objects.get().state == "stopped"


def test_the_auditor_pages_for_an_incident_that_nothing_pages(alice, now):
    incident = make.incident(steps=[alice], at=now)
    Escalation.objects.all().delete()
    Notification.objects.all().delete()
    assert repair.repair_missing(now=now + 2 * MINUTE) == 1
    assert pages(incident) == [("alice", now + 2 * MINUTE)]
    assert repair.repair_missing(now=now + 4 * MINUTE) == 0


def test_reopening_asks_for_what_the_severity_asks_for_by_now(alice, now):
    service = make.service(policy=make.escalation_policy(alice, name="Platform"))
    incident = make.incident(severity="medium", services=[service], at=now)
    lifecycle.resolve(incident, by=None, now=now + MINUTE)
    changes.change_severity(incident, to="high", by=alice, now=now + 2 * MINUTE)
    lifecycle.reopen(incident, reason="Worse than we thought", by=alice, now=now + 3 * MINUTE)
    assert [kind for kind, _, _ in lines(incident)] == ["notify_channel", "page_on_call"]
    assert pages(incident) == [("alice", now + 3 * MINUTE)]
    changes.change_services(incident, services=[service, make.service()], by=alice, now=now + 4 * MINUTE)
    assert Escalation.objects.filter(incident=incident).count() == 1


def test_what_the_end_called_off_is_due_again_when_the_incident_is_reopened(alice, admin, now):
    policy.ensure_defaults()
    SeverityPolicy.objects.filter(severity="critical").update(leadership_after_minutes=30)
    incident = make.incident(steps=[alice], at=now)
    lifecycle.resolve(incident, by=alice, now=now + MINUTE)
    assert incident.plan.get(kind="notify_leadership").state == "cancelled"
    lifecycle.reopen(incident, reason="Still down", by=alice, now=now + 3 * MINUTE)
    plan.carry_out_due(now=now + 29 * MINUTE)
    assert incident.plan.get(kind="notify_leadership").state == "due"
    plan.carry_out_due(now=now + 30 * MINUTE)
    assert incident.plan.get(kind="notify_leadership").state == "done"


def test_the_auditor_pages_again_when_everything_was_stopped_and_nobody_has_answered(alice, now):
    incident = make.incident(steps=[alice], at=now)
    Escalation.objects.update(state="stopped", stopped_at=now)
    assert repair.repair_missing(now=now + 2 * MINUTE) == 1
    assert pages(incident) == [("alice", now), ("alice", now + 2 * MINUTE)]
