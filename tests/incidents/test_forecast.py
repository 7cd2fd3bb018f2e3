"""What the form says declaring would do is what declaring does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import escalation, plan
from incidents.forecast import forecast
from incidents.models import IncidentSettings, SeverityPolicy
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _policies():
    make.policy.ensure_defaults()


def lines(severity, *services, by, assignee=None):
    """(when, whom, what, why) of every line."""
    found = forecast(severity=severity, services=list(services), assignee=assignee, by=by, now=NOW)
    return [(line.when, ", ".join(line.whom), line.what, line.why) for line in found.tellings]


def test_each_step_says_who_is_paged_and_when(alice, bob, admin):
    dana = make.user("dana")
    payments = make.escalation_policy(alice, (bob, dana), delays=(0, 15), name="Payments primary")
    checkout = make.service("checkout", policy=payments)
    assert lines("high", checkout, by=admin) == [
        ("at once", "Alice", "is paged", "Step 1 of Payments primary"),
        ("after 15 min", "Bob, Dana", "are paged", "Step 2 of Payments primary"),
    ]


def test_the_rest_of_the_plan_is_told_too(alice, bob, admin):
    leaders = make.team("leaders", bob, name="Leaders")
    owners = make.team("owners", alice, name="Owners", channel_address="slack+https://chat.example.com/x")
    IncidentSettings.objects.update(leadership=leaders)
    SeverityPolicy.objects.filter(severity="critical").update(notify_channel=True, leadership_after_minutes=15)
    checkout = make.service("checkout", policy=make.escalation_policy(alice, name="Primary"), team=owners)
    assert lines("critical", checkout, by=admin, assignee=bob) == [
        ("at once", "Alice", "is paged", "Step 1 of Primary"),
        ("at once", "Owners", "is told by chat", "Team channel"),
        ("at once", "Bob", "is told that it is theirs", "Assignee"),
        ("after 15 min", "Bob", "is told", "Leadership"),
    ]
    assert lines("low", checkout, by=admin) == [("at once", "Owners", "gets a ticket in its inbox", "Team ticket")]


def test_who_cannot_be_reached_is_said(alice, admin):
    ghost = make.user("ghost", email=False)
    both = make.service("both", policy=make.escalation_policy((alice, ghost), name="Both"))
    none = make.service("none", policy=make.escalation_policy(ghost, alice, delays=(0, 5), name="None"))
    (line,) = forecast(severity="high", services=[both], assignee=None, by=admin, now=NOW).tellings
    assert (line.whom, line.unreachable) == (("Alice",), ("Ghost",))
    assert lines("high", none, by=admin, assignee=ghost) == [
        ("at once", "", "is reached: no contact method: Ghost", "Step 1 of None"),
        ("at once", "Alice", "is paged", "Step 2 of None"),
        ("at once", "", "can be told: Ghost has no contact method", "Assignee"),
    ]


def test_without_a_policy_every_admin_is_paged(alice, admin):
    assert lines("critical", make.service(), by=alice) == [
        ("at once", "Root", "is paged", "Step 1 of Every admin"),
        ("at once", "Root", "is told", "Leadership"),
    ]


def test_what_follows_the_last_step_is_said(alice, admin):
    last = make.team("last", alice, name="Night watch")
    IncidentSettings.objects.update(last_resort=last)
    once = make.service(policy=make.escalation_policy(alice, name="Once", repeat_after=10))
    twice = make.service(policy=make.escalation_policy(alice, name="Twice", repeat=2))
    found = forecast(severity="high", services=[once, twice], assignee=None, by=admin, now=NOW)
    assert found.finally_ == [
        "10 min after the last step of Once, Night watch is paged.",
        "Twice starts again 5 min after its last step, 2 more times; then Night watch is paged.",
    ]


def test_a_policy_that_reaches_nobody_is_used_up_at_once(alice, admin):
    ghost = make.user("ghost", email=False)
    service = make.service(policy=make.escalation_policy(ghost, name="Ghosts"))
    assert lines("high", service, by=alice) == [
        ("at once", "", "is reached: no contact method: Ghost", "Step 1 of Ghosts"),
        ("at once", "Root", "is paged", "Last resort: nobody else can be reached"),
    ]


@pytest.mark.parametrize("severity", ["critical", "high", "medium", "low"])
def test_it_comes_as_it_was_said(severity, alice, bob, admin):
    owners = make.team("owners", bob, name="Owners")
    ghost = make.user("ghost", email=False)
    services = [
        make.service(policy=make.escalation_policy(alice, ghost, bob, delays=(0, 5, 10)), team=owners),
        make.service(policy=make.escalation_policy((bob, owners), admin, delays=(2, 7))),
    ]
    said = forecast(severity=severity, services=services, assignee=bob, by=alice, now=NOW).tellings
    incident = make.incident(severity=severity, services=services, assignee=bob, by=alice)
    for minute in range(1, 18):
        escalation.advance_due(now=NOW + minute * MINUTE)
        plan.carry_out_due(now=NOW + minute * MINUTE)
    rows = Notification.objects.filter(topic=incident.topic).exclude(reason__startswith="Last resort")
    came = {(row.created_at - NOW, row.recipient, row.purpose == "page") for row in rows}
    assert {(line.after, name, line.is_page) for line in said for name in line.whom} == came


def test_nothing_is_written(alice, admin):
    services = [make.service(policy=make.escalation_policy(alice)) for _ in range(10)]
    counts = {model: model._default_manager.count() for model in apps.get_models()}
    with CaptureQueriesContext(connection) as queries:
        forecast(severity="critical", services=services, assignee=alice, by=admin, now=NOW + timedelta(days=1))
    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []
    assert len(queries) <= 12
    assert {model: model._default_manager.count() for model in apps.get_models()} == counts
