"""Steps that take turns, and steps that need more than one acknowledgement."""

from __future__ import annotations

import pytest

from incidents import acknowledging, detail, escalation, lifecycle, more_help
from incidents.forecast import forecast
from incidents.lifecycle import Draft
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, SECOND, pages

pytestmark = pytest.mark.django_db


def states(incident):
    return list(incident.escalations.values_list("state", "needed"))


# ---- taking turns ------------------------------------------------------------------------------------------------


@pytest.fixture
def in_turn(alice, bob, admin):
    return make.escalation_policy((alice, bob, admin), name="Crew", takes_turns=True, repeat=1)


def test_each_incident_goes_to_the_next_person(in_turn, now):
    service = make.service(policy=in_turn)
    found = [pages(make.incident(services=[service], at=now)) for _ in range(4)]
    assert [[who for who, _ in paged] for paged in found] == [["alice"], ["bob"], ["root"], ["alice"]]


def test_incidents_declared_together_take_turns_too(in_turn, now):
    service = make.service(policy=in_turn)
    make.incident(services=[service], at=now)
    drafts = [Draft(title="It is broken", severity="critical", services=[service]) for _ in range(3)]
    declared = lifecycle.declare_many(drafts, now=now)
    assert [pages(incident) for incident in declared] == [[("bob", now)], [("root", now)], [("alice", now)]]


def test_the_next_round_goes_to_the_next_person_and_the_timeline_says_so(in_turn, now):
    incident = make.incident(services=[make.service(policy=in_turn)], at=now)
    escalation.advance_due(now=now + 5 * MINUTE)
    assert pages(incident) == [("alice", now), ("bob", now + 5 * MINUTE)]
    assert [entry.data["via"] for entry in incident.timeline.filter(kind="paged")] == [["in turn"], ["in turn"]]


def test_whoever_cannot_be_reached_or_is_switched_off_is_passed_over(alice, bob, now):
    dora = make.user("dora", email=False)
    gone = make.user("eve", is_active=False)
    service = make.service(policy=make.escalation_policy((dora, gone, alice, bob), takes_turns=True))
    found = [pages(make.incident(services=[service], at=now)) for _ in range(3)]
    assert found == [[("alice", now)], [("alice", now)], [("bob", now)]]


def test_a_schedule_and_a_team_take_turns_as_the_people_they_come_to(alice, bob, now):
    schedule = make.schedule("Platform", make.layer(alice, name="Days"))
    service = make.service(policy=make.escalation_policy((schedule, make.team("crew", bob)), takes_turns=True))
    first, second = (make.incident(services=[service], at=now) for _ in range(2))
    assert (pages(first), pages(second)) == ([("alice", now)], [("bob", now)])
    assert first.timeline.get(kind="paged").data["via"] == ["Platform, Days, in turn"]


def test_the_forecast_and_the_page_name_whose_turn_is_next(in_turn, alice, admin, now):
    service = make.service(policy=in_turn)
    make.incident(services=[service], at=now)
    said = forecast(severity="critical", services=[service], assignee=None, by=admin, now=now)
    assert [line.whom for line in said.tellings if line.is_page] == [("Bob",)]
    waiting = make.service(policy=make.escalation_policy((alice, admin), takes_turns=True, delays=(5,)))
    assert detail.load(make.incident(services=[waiting], at=now), now=now).next_page.whom == "Alice"


def test_policies_that_take_no_turns_draw_no_numbers(alice, now):
    policy = make.escalation_policy(alice)
    make.incident(services=[make.service(policy=policy)], at=now)
    policy.refresh_from_db()
    assert policy.turn == 0


# ---- several acknowledgements --------------------------------------------------------------------------------------


@pytest.fixture
def two_needed(alice, bob, admin, now):
    """Alice and Bob are paged at once, the admin five minutes later; two people must acknowledge."""
    policy = make.escalation_policy((alice, bob), admin, acknowledgements=2)
    return make.incident(services=[make.service(policy=policy)], at=now)


def test_the_first_answer_is_an_answer_and_paging_goes_on_without_who_gave_it(two_needed, alice, now):
    lifecycle.acknowledge(two_needed, by=alice, now=now + SECOND)
    two_needed.refresh_from_db()
    assert (two_needed.status, two_needed.assignee, two_needed.acknowledged_at) == ("acknowledged", alice, now + SECOND)
    assert states(two_needed) == [("running", 2)]
    found = Notification.objects.filter(topic=two_needed.topic, purpose="page").order_by("id")
    assert list(found.values_list("user__username", "state")) == [("alice", "cancelled"), ("bob", "pending")]
    assert two_needed.timeline.get(kind="acknowledged").data == {"cancelled": 1, "still_needed": 1}


def test_the_second_answer_stops_it(two_needed, alice, bob, now):
    lifecycle.acknowledge(two_needed, by=alice, now=now + SECOND)
    lifecycle.acknowledge(two_needed, by=alice, now=now + 2 * SECOND)
    assert states(two_needed) == [("running", 2)]
    lifecycle.acknowledge(two_needed, by=bob, now=now + 3 * SECOND)
    assert states(two_needed) == [("stopped", 2)]
    assert escalation.advance_due(now=now + 60 * MINUTE) == 0
    told = [entry.data for entry in two_needed.timeline.filter(kind="acknowledged")]
    assert told == [{"cancelled": 1, "still_needed": 1}, {"cancelled": 1}]
    two_needed.refresh_from_db()
    assert two_needed.assignee == alice


def test_later_steps_and_rounds_leave_out_who_has_acknowledged(alice, bob, admin, now):
    policy = make.escalation_policy((alice, bob), (alice, admin), acknowledgements=3, repeat=1)
    incident = make.incident(services=[make.service(policy=policy)], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + SECOND)
    escalation.advance_due(now=now + 5 * MINUTE)
    lifecycle.transition(incident, to="investigating", by=admin, now=now + 6 * MINUTE)
    escalation.advance_due(now=now + 10 * MINUTE)
    assert pages(incident)[2:] == [("root", now + 5 * MINUTE), ("bob", now + 10 * MINUTE)]
    escalation.advance_due(now=now + 15 * MINUTE)
    missed = incident.timeline.get(kind="nobody_reached")
    assert missed.data["why"] == "Alice has acknowledged; Root has acknowledged"


def test_one_answer_stops_the_policies_that_need_no_more(alice, bob, admin, now):
    asking = make.service(policy=make.escalation_policy(alice, bob, acknowledgements=2))
    other = make.service(policy=make.escalation_policy(admin, bob))
    incident = make.incident(services=[asking, other], at=now)
    lifecycle.acknowledge(incident, by=admin, now=now + SECOND)
    assert states(incident) == [("running", 2), ("stopped", 1)]
    escalation.advance_due(now=now + 5 * MINUTE)
    assert pages(incident) == [("alice", now), ("root", now), ("bob", now + 5 * MINUTE)]


def test_a_step_that_has_not_paged_yet_asks_for_nothing(alice, bob, now):
    policy = make.escalation_policy(alice, bob)
    policy.steps.filter(position=1).update(acknowledgements=2)
    incident = make.incident(services=[make.service(policy=policy)], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + SECOND)
    assert states(incident) == [("stopped", 1)]


def test_paging_further_after_enough_answers_stops_with_the_next_one(two_needed, alice, bob, admin, now):
    lifecycle.acknowledge(two_needed, by=alice, now=now + SECOND)
    lifecycle.acknowledge(two_needed, by=bob, now=now + SECOND)
    more_help.escalate(two_needed, by=bob, now=now + MINUTE)
    assert pages(two_needed)[-1] == ("root", now + MINUTE)
    lifecycle.acknowledge(two_needed, by=admin, now=now + 2 * MINUTE)
    assert states(two_needed)[0][0] == "stopped"


def test_resolving_stops_what_still_asks(two_needed, alice, now):
    lifecycle.acknowledge(two_needed, by=alice, now=now + SECOND)
    lifecycle.resolve(two_needed, by=alice, now=now + MINUTE)
    assert states(two_needed) == [("stopped", 2)]
    assert not Notification.objects.filter(topic=two_needed.topic, state="pending", purpose="page").exists()


def test_the_page_asks_for_the_second_acknowledgement(client, two_needed, alice, bob, now):
    lifecycle.acknowledge(two_needed, by=alice, now=now + SECOND)
    client.force_login(bob)
    page = client.get(two_needed.get_absolute_url()).content.decode()
    assert "<b>1 more</b> must acknowledge, paging goes on" in page
    assert f"/incidents/{two_needed.reference}/acknowledge" in page


# ---- pages that are shared, and who is still asked ---------------------------------------------------------------


def test_a_page_that_two_policies_share_stays_while_one_of_them_needs_more_people(alice, bob, now):
    one = make.service(policy=make.escalation_policy(bob, name="One"))
    two = make.service(policy=make.escalation_policy((alice, bob), name="Two", acknowledgements=2))
    incident = make.incident(services=[one, two], at=now)
    lifecycle.acknowledge(incident, by=alice, now=now + SECOND)
    rows = Notification.objects.filter(topic=incident.topic, purpose="page").order_by("user__username")
    assert list(rows.values_list("user__username", "state")) == [("alice", "cancelled"), ("bob", "pending")]


def test_who_pages_further_after_enough_have_answered_can_still_end_it(alice, bob, admin, now):
    policy = make.escalation_policy((alice, bob), admin, name="Two", acknowledgements=2)
    incident = make.incident(services=[make.service(policy=policy)], at=now)
    for number, user in enumerate((alice, bob), 1):
        lifecycle.acknowledge(incident, by=user, now=now + number * SECOND)
    assert not acknowledging.is_asked(incident, alice)
    more_help.escalate(incident, by=alice, now=now + MINUTE)
    assert acknowledging.is_asked(incident, alice)
    lifecycle.acknowledge(incident, by=alice, now=now + 2 * MINUTE)
    assert states(incident) == [("stopped", 2)]


def test_each_who_acknowledges_reads_what_it_did(client, alice, bob):
    policy = make.escalation_policy((alice, bob), name="Two", acknowledgements=2)
    incident = make.incident(services=[make.service(policy=policy)])
    said = []
    for user in (alice, bob, bob):
        client.force_login(user)
        answer = client.post(f"/incidents/{incident.reference}/acknowledge", {"next": "/"}, follow=True)
        said += [str(message) for message in answer.context["messages"]]
    assert said == [
        f"{incident.reference} is yours: acknowledged, and paging goes on until more people have answered.",
        f"{incident.reference}: acknowledged by you too, and nobody else is paged.",
        f"{incident.reference} was acknowledged already; Alice has it.",
    ]
