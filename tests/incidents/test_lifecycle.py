"""Moves of an incident, and what each leaves behind."""

from __future__ import annotations

import itertools

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import User
from incidents import lifecycle, timeline
from incidents.lifecycle import Draft
from incidents.models import Incident, Status
from incidents.models.incident import MOVES, NotAllowedNow
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, SECOND, happened, pages

pytestmark = pytest.mark.django_db


def test_the_whole_path_is_on_the_timeline(alice, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    lifecycle.transition(incident, to="investigating", by=alice, now=now + 2 * MINUTE)
    timeline.add_note(incident, text="Only on *v2*", by=alice, now=now + 3 * MINUTE)
    timeline.link_evidence(incident, url="https://grafana.example/d/1", by=alice, now=now + 4 * MINUTE)
    lifecycle.transition(incident, to="mitigating", by=alice, now=now + 5 * MINUTE)
    timeline.record_mitigation(incident, kind="rolled_back", by=alice, now=now + 6 * MINUTE)
    lifecycle.resolve(incident, by=alice, root_cause="Bad deploy", now=now + 7 * MINUTE)
    lifecycle.start_postmortem(incident, by=alice, now=now + 8 * MINUTE)
    kinds = [kind for kind in happened(incident) if kind not in {"notified", "paged"}]
    assert kinds == [
        "triggered",
        "acknowledged",
        "moved",
        "noted",
        "evidence_linked",
        "moved",
        "mitigated",
        "resolved",
        "postmortem_started",
    ]


@pytest.mark.parametrize(("start", "to"), list(itertools.product(Status.values, repeat=2)))
def test_only_listed_moves_are_legal(start, to, now):
    incident = Incident(status=start, title="x", severity="low")
    if to in MOVES[start]:
        incident.move_to(to, at=now, is_answer=True)
        assert incident.status == to
    else:
        with pytest.raises(NotAllowedNow):
            incident.move_to(to, at=now, is_answer=True)


def test_the_database_refuses_what_move_to_would_never_do(now):
    incident = make.incident(at=now)
    for wrong in ({"status": "resolved"}, {"resolved_at": now}, {"status": "mitigating"}, {"severity": "worst"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Incident.objects.filter(pk=incident.pk).update(**wrong)


def test_a_resolved_incident_cannot_be_acknowledged(alice, now):
    incident = make.incident(at=now)
    lifecycle.resolve(incident, by=alice, now=now)
    with pytest.raises(NotAllowedNow):
        lifecycle.acknowledge(incident, by=alice, now=now)


def test_reopening_an_unanswered_incident_pages_again(alice, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.resolve(incident, by=None, now=now + MINUTE)
    incident = lifecycle.reopen(incident, reason="Back", by=alice, now=now + 2 * MINUTE)
    assert incident.status == "triggered"
    assert pages(incident) == [("alice", now), ("alice", now + 2 * MINUTE)]


def test_reopening_needs_a_reason(alice, now):
    incident = lifecycle.resolve(make.incident(at=now), by=alice, now=now)
    with pytest.raises(ValidationError):
        lifecycle.reopen(incident, reason="  ", by=alice, now=now)


def test_a_second_acknowledgement_changes_nothing(alice, bob, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now)
    lifecycle.acknowledge(incident, by=bob, now=now + MINUTE)
    incident.refresh_from_db()
    assert (incident.assignee, incident.acknowledged_at) == (alice, now)
    assert happened(incident).count("acknowledged") == 1


def test_a_known_source_key_is_the_same_incident(now):
    draft = Draft(title="Once", severity="low", source_key="event/1")
    first = lifecycle.declare(draft, now=now)
    assert lifecycle.declare(draft, now=now + MINUTE) == first
    assert Incident.objects.count() == 1


def test_fifty_incidents_cost_few_more_queries_than_one(alice, now, django_assert_max_num_queries):
    services = [make.service(policy=make.escalation_policy(alice))]
    drafts = [Draft(title=f"Broken {number}", severity="critical", services=services) for number in range(50)]
    with django_assert_max_num_queries(30):
        assert len(lifecycle.declare_many(drafts, now=now)) == 50


def test_a_title_with_newline_and_nul_becomes_one_line(now):
    incident = make.incident(title="Broken\nBcc: all@example.com\x00", at=now)
    assert incident.title == "Broken Bcc: all@example.com\ufffd"


def test_correcting_a_note_keeps_what_it_said(alice, bob, now):
    incident = make.incident(at=now)
    note = timeline.add_note(incident, text="At noon", by=alice, now=now + MINUTE)
    timeline.correct_note(note, text="At one", at=now, by=bob, now=now + 2 * MINUTE)
    note.refresh_from_db()
    assert (note.text, note.at) == ("At one", now)
    assert list(note.revisions.values_list("text", "at", "replaced_by__username")) == [("At noon", now + MINUTE, "bob")]


def test_impact_may_be_backdated_but_not_to_the_future(now):
    assert make.incident(started_at=now - 60 * MINUTE, at=now).created_at == now
    with pytest.raises(ValidationError):
        make.incident(started_at=now + MINUTE, at=now)


def test_a_private_incident_is_seen_only_by_those_concerned(alice, bob, charlie, admin, now):
    crew = make.team("crew", bob)
    secret = make.incident(is_private=True, steps=[alice], services=[make.service(team=crew)], at=now)

    def sees(person: User) -> bool:
        return secret in Incident.objects.visible_to(person)

    assert [sees(person) for person in (alice, bob, admin, charlie)] == [True, True, True, False]


def test_acknowledging_again_takes_back_pages_that_are_still_tried(alice, bob, now):
    incident = make.incident(steps=[alice], at=now)
    lifecycle.acknowledge(incident, by=bob, now=now + SECOND)
    Notification.objects.filter(topic=incident.topic).update(state="pending", finished_at=None)
    lifecycle.acknowledge(incident, by=alice, now=now + MINUTE)
    assert set(Notification.objects.filter(topic=incident.topic).values_list("state", flat=True)) == {"cancelled"}


def test_reopening_what_pages_nobody_tells_the_team_again(alice, now):
    crew = make.team("crew", channel_address="crew@example.com")
    incident = make.incident(severity="medium", services=[make.service(team=crew)], at=now)
    lifecycle.resolve(incident, by=None, now=now + MINUTE)
    lifecycle.reopen(incident, reason="Back", by=alice, now=now + 2 * MINUTE)
    told = Notification.objects.filter(topic=incident.topic, team=crew).order_by("id")
    assert [row.reason for row in told] == ["Notify team channel", "Reopened"]
