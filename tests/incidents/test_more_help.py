"""Paging further by hand."""

from __future__ import annotations

import pytest

from incidents import changes, escalation, lifecycle
from incidents.models.incident import NotAllowedNow
from incidents.more_help import escalate
from tests import make
from tests.make import MINUTE, pages

pytestmark = pytest.mark.django_db


def test_the_next_step_comes_now_and_the_one_after_counts_from_now(alice, bob, admin, now):
    incident = make.incident(steps=[alice, bob, admin], delays=(0, 15, 10), at=now)
    escalate(incident, by=alice, reason="  Need the database people ", now=now + MINUTE)
    escalation.advance_due(now=now + 11 * MINUTE)
    assert pages(incident) == [("alice", now), ("bob", now + MINUTE), ("root", now + 11 * MINUTE)]
    entry = incident.timeline.get(kind="escalated")
    assert (entry.by, entry.text) == (alice, "Need the database people")


def test_after_an_answer_it_goes_on_where_it_was_until_somebody_acknowledges(alice, bob, admin, now):
    incident = make.incident(steps=[alice, bob, admin], delays=(0, 15, 10), at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    escalate(incident, by=alice, now=now + 2 * MINUTE)
    incident.refresh_from_db()
    assert (incident.status, incident.assignee) == ("acknowledged", alice)
    assert pages(incident) == [("alice", now), ("bob", now + 2 * MINUTE)]
    lifecycle.acknowledge(incident, by=bob, now=now + 3 * MINUTE)
    escalation.advance_due(now=now + 60 * MINUTE)
    assert len(pages(incident)) == 2


def test_a_policy_that_is_used_up_starts_again(alice, admin, now):
    incident = make.incident(steps=[alice], at=now)
    escalation.advance_due(now=now + 5 * MINUTE)
    escalate(incident, by=admin, now=now + 20 * MINUTE)
    assert pages(incident)[-1] == ("alice", now + 20 * MINUTE)


def test_a_severity_that_pages_nobody_pages_now_without_waiting_for_the_first_delay(alice, bob, now):
    incident = make.incident(severity="low", steps=[bob], delays=(10,), at=now)
    assert pages(incident) == []
    escalate(incident, by=alice, now=now + MINUTE)
    assert pages(incident) == [("bob", now + MINUTE)]


def test_a_worse_severity_does_not_begin_again_what_was_paged_by_hand(alice, bob, now):
    incident = make.incident(severity="low", steps=[alice, bob], delays=(0, 10), at=now)
    escalate(incident, by=bob, now=now + MINUTE)
    changes.change_severity(incident, to="critical", by=bob, now=now + 2 * MINUTE)
    escalation.advance_due(now=now + 11 * MINUTE)
    assert pages(incident) == [("alice", now + MINUTE), ("bob", now + 11 * MINUTE)]


def test_what_is_over_pages_nobody(alice, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.resolve(incident, by=alice, root_cause="x", now=now + MINUTE)
    with pytest.raises(NotAllowedNow):
        escalate(incident, by=alice, now=now + 2 * MINUTE)
    assert not incident.timeline.filter(kind="escalated").exists()


def test_the_page_offers_it_to_responders(client, alice, bob, charlie):
    incident = make.incident(steps=[alice, bob], delays=(0, 30))
    path = f"/incidents/{incident.reference}/escalate"
    client.force_login(charlie)
    assert client.post(path).status_code == 403
    client.force_login(alice)
    assert path in client.get(incident.get_absolute_url()).content.decode()
    assert client.post(path, {"reason": "Help"}).status_code == 303
    assert [who for who, _ in pages(incident)] == ["alice", "bob"]
