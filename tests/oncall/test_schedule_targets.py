"""Pages go to whoever is on call by a schedule at the moment at which a step fires."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import detail, escalation
from incidents.forecast import forecast
from oncall import roster
from oncall.windows import of_text
from tests import make
from tests.make import MINUTE, NOW, pages

pytestmark = pytest.mark.django_db

MIDNIGHT = NOW.replace(hour=0, minute=0, second=0) + timedelta(days=1)


@pytest.fixture
def schedule(alice, bob):
    """Alice today, Bob tomorrow."""
    return make.schedule("Platform", make.layer(alice, bob, name="Days", starts_on=NOW.date()))


def test_whoever_is_on_call_is_paged_and_the_timeline_says_why(schedule, now):
    incident = make.incident(steps=[schedule], at=NOW)
    assert pages(incident) == [("alice", NOW)]
    paged = incident.timeline.get(kind="paged")
    assert (paged.data["people"], paged.data["via"]) == (["Alice"], ["Platform, Days"])


def test_a_step_pages_who_is_on_call_when_it_fires(schedule, admin):
    at = MIDNIGHT - 3 * MINUTE
    incident = make.incident(steps=[admin, schedule], delays=(0, 5), at=at)
    escalation.advance_due(now=at + 5 * MINUTE)
    assert pages(incident) == [("root", at), ("bob", at + 5 * MINUTE)]


def test_an_override_made_meanwhile_counts(schedule, admin):
    incident = make.incident(steps=[schedule, schedule], delays=(0, 5), at=NOW)
    make.override(schedule, admin, NOW + MINUTE, NOW + 60 * MINUTE)
    escalation.advance_due(now=NOW + 5 * MINUTE)
    assert pages(incident) == [("alice", NOW), ("root", NOW + 5 * MINUTE)]
    assert incident.timeline.filter(kind="paged").last().data["via"] == ["Platform, Override"]


def test_a_gap_gives_way_to_the_next_step_and_says_so(alice, bob):
    begins_tomorrow = make.schedule("Nights", make.layer(alice, starts_on=MIDNIGHT.date()))
    incident = make.incident(steps=[begins_tomorrow, bob], delays=(0, 30), at=NOW)
    assert pages(incident) == [("bob", NOW)]
    assert incident.timeline.get(kind="nobody_reached").data["why"] == "nobody is on call for Nights"


def test_somebody_switched_off_is_said_and_the_next_step_follows(schedule, alice, bob):
    alice.is_active = False
    alice.save()
    incident = make.incident(steps=[schedule, bob], delays=(0, 30), at=NOW)
    assert pages(incident) == [("bob", NOW)]
    why = incident.timeline.get(kind="nobody_reached").data["why"]
    assert why == "Alice is on call for Platform, but is switched off"


def test_the_page_and_the_forecast_say_who_will_be_on_call_then(schedule, admin):
    at = MIDNIGHT - 3 * MINUTE
    service = make.service(policy=make.escalation_policy(schedule, schedule, delays=(0, 5), name="P"))
    said = forecast(severity="critical", services=[service], assignee=None, by=admin, now=at)
    assert [(line.when, line.whom) for line in said.tellings if line.is_page] == [
        ("at once", ("Alice",)),
        ("after 5 min", ("Bob",)),
    ]
    incident = make.incident(services=[service], at=at)
    assert detail.load(incident, now=at).next_page.whom == "Bob"


def test_everything_about_a_policy_is_read_in_one_statement(schedule, alice, bob):
    policy = make.escalation_policy((schedule, alice), make.team("crew", bob))
    with CaptureQueriesContext(connection) as queries:
        known = roster.read(at=NOW, policies=[policy.pk])
        targets = [
            target for step in known.policies[policy.pk].steps.all() for target in step.targets.all() if str(target)
        ]
    assert (len(queries), len(targets)) == (1, 3)
    assert known.methods.keys() == {alice.pk, bob.pk}


@pytest.mark.quiet
def test_a_day_and_a_night_of_nobody_answering(alice, bob, admin):
    """24 hours in less than a second of processor time, the better of two lives: whatever else the machine does only
    adds to it. A round every two hours, a handover at midnight, a gap in the morning."""
    nights = make.schedule(
        "Nights",
        make.layer(alice, bob, name="Days", starts_on=NOW.date(), windows=of_text("00:00-07:00, 09:00-00:00")),
    )
    policy = make.escalation_policy(nights, admin, delays=(0, 10), repeat=12, repeat_after=110)
    make.incident(steps=[admin], at=NOW - 60 * MINUTE)  # what the first page of a process loads is not its story's
    seconds = []
    for _ in range(2):
        started = time.process_time()
        incident = make.incident(services=[make.service(policy=policy)], at=NOW)
        while due_at := due_next(incident):
            escalation.advance_due(now=due_at)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 1
    paged = pages(incident)
    assert (paged[0], paged[-1]) == (("alice", NOW), ("root", NOW + (26 * 60 - 10) * MINUTE))
    assert [name for name, _ in paged].count("root") == 13 + 1  # and as the last resort
    assert [name for name, _ in paged if name != "root"] == ["alice"] * 11 + ["bob"]
    gaps = incident.timeline.filter(kind="nobody_reached")
    assert {entry.data["why"] for entry in gaps} == {"nobody is on call for Nights"}


def due_next(incident):
    """When the next step of an incident is due; None when nothing is."""
    running = incident.escalations.filter(state="running")
    return running.values_list("due_at", flat=True).order_by("due_at").first()


def test_a_statement_that_is_kept_asks_for_what_is_meant_now(alice, bob):
    crew, other = make.team("crew", alice), make.team("other", bob)
    first, second = make.escalation_policy(alice), make.escalation_policy(bob, delays=(0,))

    def known(**asked):
        found = roster.read(at=NOW, **asked)
        return [found.policies.keys(), found.members.keys(), found.methods.keys() - {user.pk for user in found.admins}]

    for policy, team, person, named in ((first, other, bob, {alice, bob}), (second, crew, alice, {alice, bob})):
        asked = {"policies": [policy.pk], "teams": [team.pk], "people": [person.pk]}
        assert known(**asked) == [{policy.pk}, {team.pk}, {user.pk for user in named}]
    many = [make.user().pk for _ in range(roster.MOST_REMEMBERED + 1)]
    assert known(people=many) == [set(), set(), set(many)]
    assert known() == [set(), set(), set()]
