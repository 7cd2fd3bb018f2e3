"""Giving an incident back to whoever is on call."""

from __future__ import annotations

import pytest

from incidents import escalation, lifecycle, sla
from incidents.letting_go import unacknowledge
from incidents.models import SlaClock
from incidents.models.incident import NotAllowedNow
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, happened, pages

pytestmark = pytest.mark.django_db


def test_it_is_triggered_again_nobody_has_it_and_paging_begins_at_the_first_step(alice, bob, now):
    incident = make.incident(steps=[alice, bob], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    incident = unacknowledge(incident, by=alice, reason="  My train leaves ", now=now + 2 * MINUTE)
    assert (incident.status, incident.assignee, incident.acknowledged_at) == ("triggered", None, None)
    escalation.advance_due(now=now + 7 * MINUTE)
    assert pages(incident) == [("alice", now), ("alice", now + 2 * MINUTE), ("bob", now + 7 * MINUTE)]
    entry = incident.timeline.get(kind="unacknowledged")
    assert (entry.by, entry.text) == (alice, "My train leaves")
    assert entry.data == {"from": "acknowledged", "had": "Alice"}


@pytest.mark.parametrize("stage", ["investigating", "mitigating"])
def test_every_answered_stage_can_be_given_back(alice, bob, now, stage):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.transition(incident, to=stage, by=alice, now=now + MINUTE)
    assert unacknowledge(incident, by=bob, now=now + 2 * MINUTE).status == "triggered"
    told = Notification.objects.filter(user=alice, purpose="notice", reason="Given back")
    assert [row.body.splitlines()[0] for row in told] == ["Bob gave it back."]


def test_each_time_it_is_given_back_pages_anew_and_whoever_acknowledges_next_has_it(alice, bob, now):
    incident = make.incident(steps=[alice], at=now)
    for minute in (1, 3, 5):
        lifecycle.acknowledge(incident, by=alice, now=now + minute * MINUTE)
        unacknowledge(incident, by=alice, now=now + (minute + 1) * MINUTE)
    incident = lifecycle.acknowledge(incident, by=bob, now=now + 7 * MINUTE)
    assert (incident.assignee, incident.acknowledged_at) == (bob, now + 7 * MINUTE)
    assert pages(incident) == [("alice", now + minute * MINUTE) for minute in (0, 2, 4, 6)]
    assert not Notification.objects.filter(topic=incident.topic, state="pending", purpose="page").exists()


def test_a_promise_that_was_kept_stays_kept_and_a_new_one_begins(alice, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    unacknowledge(incident, by=alice, now=now + 60 * MINUTE)
    clocks = incident.clocks.filter(kind=SlaClock.Kind.RESPONSE).order_by("id")
    assert list(clocks.values_list("state", "met_at", "due_at")) == [
        ("met", now + MINUTE, now + 5 * MINUTE),
        ("running", None, now + 65 * MINUTE),
    ]
    sla.check_due(now=now + 66 * MINUTE)
    lifecycle.acknowledge(incident, by=alice, now=now + 67 * MINUTE)
    assert list(clocks.values_list("state", "met_at")) == [("met", now + MINUTE), ("breached", now + 67 * MINUTE)]


def test_the_last_resort_is_paged_once_each_time_it_asks(alice, admin, now):
    incident = make.incident(steps=[alice], at=now)
    escalation.advance_due(now=now + 5 * MINUTE)
    lifecycle.acknowledge(incident, by=alice, now=now + 6 * MINUTE)
    unacknowledge(incident, by=alice, now=now + 10 * MINUTE)
    escalation.advance_due(now=now + 15 * MINUTE)
    assert [at for who, at in pages(incident) if who == "root"] == [now + 5 * MINUTE, now + 15 * MINUTE]
    incident.refresh_from_db()
    assert incident.is_unanswered


def test_where_the_severity_pages_nobody_the_team_is_told(alice, now):
    crew = make.team("crew", channel_address="crew@example.com")
    incident = make.incident(severity="medium", services=[make.service(team=crew)], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    unacknowledge(incident, by=alice, now=now + 2 * MINUTE)
    assert pages(incident) == []
    assert Notification.objects.filter(team=crew, reason="Given back").count() == 1


def test_only_what_somebody_has_can_be_given_back(alice, now):
    incident = make.incident(steps=[alice], at=now)
    with pytest.raises(NotAllowedNow):
        unacknowledge(incident, by=alice, now=now)
    lifecycle.resolve(incident, by=alice, now=now + MINUTE)
    with pytest.raises(NotAllowedNow):
        unacknowledge(incident, by=alice, now=now + 2 * MINUTE)
    assert "unacknowledged" not in happened(incident)


def test_triggered_is_no_stage_to_move_to(alice, now):
    incident = lifecycle.acknowledge(make.incident(steps=[alice], at=now), by=alice, now=now)
    assert "triggered" not in incident.moves()
    with pytest.raises(NotAllowedNow):
        lifecycle.transition(incident, to="triggered", by=alice, now=now + MINUTE)


def test_the_page_says_that_it_pages_again(client, alice, bob, charlie):
    incident = make.incident(steps=[alice, bob])
    path = f"/incidents/{incident.reference}/unacknowledge"
    client.force_login(charlie)
    assert client.post(path).status_code == 403
    client.force_login(alice)
    assert client.post(path).status_code == 409
    assert path not in client.get(incident.get_absolute_url()).content.decode()
    lifecycle.acknowledge(incident, by=alice)
    assert path in client.get(incident.get_absolute_url()).content.decode()
    assert "paged from the first step" in client.get(path).content.decode()
    assert client.post(path, {"reason": "Asleep"}).status_code == 303
    page = client.get(incident.get_absolute_url()).content.decode()
    assert "gave it back. It asks for an answer again<br>Reason: Asleep" in page
    assert [who for who, _ in pages(incident)] == ["alice", "alice"]
