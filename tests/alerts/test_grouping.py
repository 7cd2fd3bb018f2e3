"""Events become alerts, groups and incidents, in order."""

from __future__ import annotations

import json

import pytest

from alerts import grouping, intake
from alerts.models import Alert, Event, Group
from incidents import lifecycle
from incidents.models import Incident
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, happened, pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def key(alice):
    return make.integration(service=make.service("kafka", policy=make.escalation_policy(alice)))[1]


@pytest.fixture
def am_key(alice):
    service = make.service(policy=make.escalation_policy(alice))
    return make.integration("alertmanager", service=service)[1]


def send(key, *, format="generic", **body):
    return intake.store(key=key, format=format, body=json.dumps(body).encode())


def fire(key, dedup_key="disk", **body):
    return send(key, **{"title": "Disk full", "dedup_key": dedup_key, **body})


def am(key, *alerts, status="firing", group="g", **body):
    items = [
        {"status": state, "labels": {"alertname": name, "severity": "critical"}, "fingerprint": name, "annotations": {}}
        for name, state in alerts
    ]
    return send(key, format="alertmanager", version="4", groupKey=group, status=status, alerts=items, **body)


def test_an_alert_becomes_an_incident_that_pages(key, now):
    fire(key, severity="critical")
    assert grouping.apply_due(now=now) == 1
    incident = Incident.objects.get()
    assert (incident.title, incident.severity, incident.status) == ("Disk full", "critical", "triggered")
    assert pages(incident) == [("alice", now)]
    assert incident.affected_services.get().slug == "kafka"
    assert Event.objects.get().state == "applied"


def test_repeats_add_to_the_open_incident(key, now):
    for _ in range(3):
        fire(key)
    grouping.apply_due(now=now)
    fire(key)
    grouping.apply_due(now=now + MINUTE)
    assert Incident.objects.count() == 1
    assert Alert.objects.get().times_received == 4


def test_trigger_acknowledge_and_resolve_back_to_back_are_applied_in_order(key, now):
    fire(key)
    send(key, dedup_key="disk", status="acknowledged")
    send(key, dedup_key="disk", status="resolved")
    fire(key)
    grouping.apply_due(now=now)
    first, second = Incident.objects.order_by("id")
    assert [kind for kind in happened(first) if kind in {"triggered", "acknowledged", "resolved"}] == [
        "triggered",
        "acknowledged",
        "resolved",
    ]
    assert (first.status, second.status) == ("resolved", "triggered")
    assert Group.objects.filter(closed_at=None).get().incident == second


def test_a_monitor_that_resolves_before_anybody_answered_cancels_the_pages(key, now):
    fire(key)
    send(key, dedup_key="disk", status="resolved")
    grouping.apply_due(now=now)
    incident = Incident.objects.get()
    assert (incident.status, incident.acknowledged_at) == ("resolved", None)
    assert Notification.objects.get(purpose="page").state == "cancelled"


def test_an_alertmanager_group_is_one_incident_until_all_its_alerts_are_over(am_key, now):
    am(am_key, ("a", "firing"), ("b", "firing"))
    am(am_key, ("a", "resolved"), ("b", "firing"))
    grouping.apply_due(now=now)
    incident = Incident.objects.get()
    assert incident.is_open
    assert sorted(Alert.objects.values_list("fingerprint", "status")) == [("a", "resolved"), ("b", "firing")]
    am(am_key, ("b", "resolved"), status="resolved")
    grouping.apply_due(now=now + MINUTE)
    assert Incident.objects.get().status == "resolved"


def test_a_truncated_delivery_never_resolves(am_key, now):
    am(am_key, ("a", "firing"), truncatedAlerts=3)
    am(am_key, ("a", "resolved"), status="resolved", truncatedAlerts=3)
    grouping.apply_due(now=now)
    assert Incident.objects.get().is_open


def test_something_resolved_that_never_fired_is_recorded_and_pages_nobody(am_key, key, now):
    am(am_key, ("a", "resolved"), status="resolved")
    send(key, dedup_key="disk", status="resolved", title="x")
    send(key, dedup_key="disk", status="acknowledged")
    grouping.apply_due(now=now)
    assert not Incident.objects.exists()
    assert sorted(Alert.objects.values_list("status", flat=True)) == ["resolved", "resolved"]
    assert set(Event.objects.values_list("state", flat=True)) == {"applied"}


def test_a_repeat_after_a_person_resolved_is_a_new_matter(key, alice, now):
    fire(key)
    grouping.apply_due(now=now)
    lifecycle.resolve(Incident.objects.get(), by=alice, now=now + MINUTE)
    fire(key)
    grouping.apply_due(now=now + 2 * MINUTE)
    assert list(Incident.objects.order_by("id").values_list("status", flat=True)) == ["resolved", "triggered"]


def test_a_worse_alert_raises_and_a_milder_one_does_not_lower(key, now):
    fire(key, severity="high")
    grouping.apply_due(now=now)
    fire(key, severity="critical")
    fire(key, severity="low")
    grouping.apply_due(now=now + MINUTE)
    incident = Incident.objects.get()
    assert incident.severity == "critical"
    assert "severity_changed" in happened(incident)


def test_a_group_follows_its_incident_into_the_one_it_was_merged_into(key, now):
    fire(key)
    grouping.apply_due(now=now)
    source = Incident.objects.get()
    target = make.incident(at=now)
    Incident.objects.filter(pk=source.pk).update(merged_into=target)
    fire(key, labels={"pod": "kafka-3"})
    grouping.apply_due(now=now + MINUTE)
    target.refresh_from_db()
    assert target.facts == {"pod": "kafka-3"}
    assert Incident.objects.count() == 2


def test_facts_follow_the_latest_labels(key, now):
    fire(key, labels={"pod": "kafka-1", "zone": "a"})
    grouping.apply_due(now=now)
    fire(key, labels={"pod": "kafka-2"})
    grouping.apply_due(now=now + MINUTE)
    assert Incident.objects.get().facts == {"pod": "kafka-2", "zone": "a"}


def test_many_new_groups_cost_few_statements(key, now, django_assert_max_num_queries):
    for number in range(40):
        fire(key, dedup_key=f"disk-{number}")
    with django_assert_max_num_queries(45):
        assert grouping.apply_due(now=now) == 40
    assert Incident.objects.count() == 40


def test_a_thousand_alerts_in_one_delivery_are_one_incident(am_key, now):
    am(am_key, *[(f"host-{number}", "firing") for number in range(1000)])
    grouping.apply_due(now=now)
    assert Incident.objects.count() == 1
    assert Alert.objects.filter(status="firing").count() == 1000


def test_an_event_of_a_format_that_is_gone_is_set_aside_and_does_not_hold_up_others(key, now):
    fire(key, dedup_key="bad")
    fire(key, dedup_key="good")
    Event.objects.filter(group_key="bad").update(format="gone")
    for _ in range(4):
        grouping.apply_due(now=now)
    assert dict(Event.objects.values_list("group_key", "state")) == {"bad": "unparseable", "good": "applied"}
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("start", ["1900-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z"])
def test_an_alert_from_before_all_clocks_pages_all_the_same(am_key, now, start):
    alert = {"status": "firing", "labels": {"alertname": "A", "severity": "critical"}, "startsAt": start}
    send(am_key, format="alertmanager", version="4", groupKey="g", status="firing", alerts=[alert])
    grouping.apply_due(now=now)
    assert Event.objects.get().state == "applied"
    assert Incident.objects.get().started_at == now
    assert len(pages(Incident.objects.get())) == 1


def test_an_alert_that_came_after_the_sweep_began_and_is_ahead_of_us(am_key, now):
    alert = {
        "status": "firing",
        "labels": {"alertname": "A", "severity": "critical"},
        "startsAt": "9998-01-01T00:00:00Z",
    }
    send(am_key, format="alertmanager", version="4", groupKey="g", status="firing", alerts=[alert])
    Event.objects.update(received_at=now + MINUTE / 60)
    grouping.apply_due(now=now)
    assert Event.objects.get().state == "applied"
    assert Incident.objects.get().started_at == now
