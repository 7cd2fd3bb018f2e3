"""Why was I paged, and why not: the short answer."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from incidents import escalation, ledger_facts, lifecycle, why
from incidents.models import IncidentSettings
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, NOW, SECOND

pytestmark = pytest.mark.django_db

MIDNIGHT = NOW.replace(hour=0, minute=0, second=0) + timedelta(days=1)


@pytest.fixture
def schedule(alice, bob):
    """Alice today, Bob tomorrow."""
    return make.schedule("Platform primary", make.layer(alice, bob, name="Weekdays", starts_on=NOW.date()))


def declare(*steps, delays=(), **options):
    """A critical incident of Kafka, whose policy is Payments; what went out has been sent a second later."""
    policy = make.escalation_policy(*steps, delays=delays, name="Payments", **options)
    incident = make.incident(services=[make.service("kafka", policy=policy)], at=NOW)
    Notification.objects.filter(state="pending").update(state="sent", finished_at=NOW + SECOND)
    return incident


def ask(incident, person, reader=None):
    incident.refresh_from_db()
    facts = ledger_facts.read(incident, now=NOW, person=person, zone=UTC)
    answer = why.explain(facts, person, reader=reader)
    return answer.verdict, answer.short, *answer.more


def test_on_call_by_a_layer(schedule, alice, bob):
    incident = declare(schedule, bob)
    assert ask(incident, alice, reader=alice) == (
        "paged",
        "You were paged at 01:47:08 as step 1 of Payments, because you were on call for Platform primary by layer "
        "Weekdays. E-mail sent 01:47:09. Nobody has answered yet.",
    )
    lifecycle.acknowledge(incident, by=alice, now=NOW + 2 * MINUTE)
    assert ask(incident, alice)[1] == (
        "Alice was paged at 01:47:08 as step 1 of Payments, because they were on call for Platform primary by layer "
        "Weekdays. E-mail sent 01:47:09. Alice answered at 01:49:08, after 2:00."
    )


def test_on_call_by_an_override_and_why_not_the_one_it_replaced(schedule, alice, bob, admin):
    make.override(schedule, bob, NOW - MINUTE, NOW + 60 * MINUTE, created_by=admin)
    incident = declare(schedule)
    assert ask(incident, bob)[1].startswith(
        "Bob was paged at 01:47:08 as step 1 of Payments, because they were on call for Platform primary by an "
        "override that Root made, until 02:47:08."
    )
    assert ask(incident, alice, reader=alice) == (
        "not_paged",
        "You were not paged: Bob was on call for Platform primary by an override that Root made, until 02:47:08, when "
        "step 1 of Payments asked at 01:47:08.",
    )


def test_named_in_a_team_and_as_the_last_resort(alice, bob, admin):
    IncidentSettings.objects.update_or_create(pk=1, defaults={"last_resort": make.team("duty", bob)})
    incident = declare(alice, make.team("crew", alice, name="Crew"))
    for minutes in (5, 10):
        escalation.advance_due(now=NOW + minutes * MINUTE)
    assert ask(incident, alice, reader=alice) == (
        "paged",
        "You were paged at 01:47:08 as step 1 of Payments, because it names you. E-mail sent 01:47:09. Nobody has "
        "answered yet.",
        "You were paged at 01:52:08 as step 2 of Payments, because you are in the team Crew. E-mail being sent. "
        "Nobody has answered yet.",
    )
    assert ask(incident, bob)[1] == (
        "Bob was paged at 01:57:08 as the last resort, because Payments was used up and nobody had answered. E-mail "
        "being sent. Nobody has answered yet."
    )


def test_an_admin_where_no_policy_pages(admin):
    incident = make.incident(at=NOW)
    assert ask(incident, admin, reader=admin)[1] == (
        "You were paged at 01:47:08 as one of the admins, because no policy pages for this incident. E-mail being "
        "sent. Nobody has answered yet."
    )


def test_a_page_that_never_left(alice, bob):
    incident = make.incident(services=[make.service(policy=make.escalation_policy(alice, name="Payments"))], at=NOW)
    lifecycle.acknowledge(incident, by=bob, now=NOW + SECOND)
    assert ask(incident, alice, reader=alice)[1] == (
        "A page to you was due at 01:47:08 as step 1 of Payments, because it names you, but was cancelled first. "
        "E-mail cancelled 01:47:09, before it was sent."
    )


def test_not_because_somebody_answered_before_the_step(alice, bob):
    incident = declare(alice, bob)
    assert ask(incident, bob, reader=bob)[1] == (
        "You were not paged: step 2 of Payments pages you at 01:52:08, if nobody answers."
    )
    lifecycle.acknowledge(incident, by=alice, now=NOW + 2 * MINUTE)
    assert ask(incident, bob, reader=bob) == (
        "not_paged",
        "You were not paged: step 2 of Payments would have paged you at 01:52:08, by today's policy, but Alice "
        "acknowledged at 01:49:08.",
    )


def test_not_because_of_no_contact_method(schedule, alice, bob):
    alice.contact_methods.all().delete()
    incident = declare(schedule, bob)
    assert ask(incident, alice, reader=alice)[1] == (
        "You were not paged: step 1 of Payments at 01:47:08 was for you, because you were on call for Platform "
        "primary by layer Weekdays, but you had no usable contact method."
    )


def test_not_because_the_account_is_switched_off(schedule, alice, bob):
    alice.is_active = False
    alice.save()
    incident = declare(schedule, bob)
    assert ask(incident, alice)[1] == "Alice was not paged: their account is switched off."


def test_not_because_the_severity_pages_nobody_and_told_with_the_team(alice, bob):
    crew = make.team("crew", alice, name="Crew")
    incident = make.incident(severity="medium", services=[make.service("kafka", team=crew)], at=NOW)
    assert ask(incident, bob, reader=bob) == ("not_paged", "You were not paged: a medium incident pages nobody.")
    assert ask(incident, alice, reader=alice) == (
        "told",
        "You were told, not paged. Notice to the team channel at 01:47:08, to the team Crew: Message in the inbox "
        "01:47:08.",
        "A medium incident pages nobody.",
    )


def test_told_as_leadership_only(alice, bob):
    IncidentSettings.objects.update_or_create(pk=1, defaults={"leadership": make.team("leaders", bob)})
    assert ask(declare(alice), bob) == (
        "told",
        "Bob was told, not paged. Notice to leadership at 01:47:08: E-mail sent 01:47:09.",
        "No step of Payments that fired names them, by name, by a team or by a schedule.",
    )


def test_not_because_no_step_names_them(alice, bob, charlie):
    incident = declare(alice, bob)
    assert ask(incident, charlie, reader=charlie) == (
        "not_paged",
        "You were not paged: no step of Payments that fired names you, by name, by a team or by a schedule.",
    )


def test_not_because_another_one_had_the_turn(schedule, alice, bob):
    assert ask(declare(schedule), bob)[1] == (
        "Bob was not paged: Alice was on call for Platform primary by layer Weekdays, when step 1 of Payments asked at "
        "01:47:08."
    )


def test_a_step_that_takes_turns_names_whose_turn_it_was(alice, bob, now):
    service = make.service(policy=make.escalation_policy((alice, bob), name="Crew", takes_turns=True))
    incident = make.incident(services=[service], at=now)
    facts = ledger_facts.read(incident, now=now, person=bob)
    assert why.explain(facts, bob, reader=bob).short == (
        "You were not paged: step 1 of Crew at 01:47:08 takes turns; it was the turn of Alice."
    )
