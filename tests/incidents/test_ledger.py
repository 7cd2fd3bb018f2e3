"""The ledger: every decision about who is told, in words that can be checked."""

from __future__ import annotations

from datetime import UTC, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import changes, escalation, failed_pages, ledger, ledger_facts, lifecycle, more_help, timeline
from incidents.models import IncidentSettings
from notifications.models import Attempt, Notification
from tests import make
from tests.make import MINUTE, NOW, SECOND

pytestmark = pytest.mark.django_db

MIDNIGHT = NOW.replace(hour=0, minute=0, second=0) + timedelta(days=1)
SENT = NOW + SECOND


@pytest.fixture
def schedule(alice, bob):
    """Alice today, Bob tomorrow."""
    return make.schedule("Platform primary", make.layer(alice, bob, name="Weekdays", starts_on=NOW.date()))


def declare(*steps, delays=(), now=NOW, **options):
    """A critical incident of Kafka, whose policy is Payments."""
    policy = make.escalation_policy(*steps, delays=delays, name="Payments", **options)
    return make.incident(services=[make.service("kafka", policy=policy)], at=now)


def hand_over(at=SENT, **options):
    """What waits was sent."""
    Notification.objects.filter(state="pending", **options).update(state="sent", finished_at=at)


def said(incident, now=NOW + 60 * MINUTE):
    """Every decision but those about leadership, as (clock, words, lines)."""
    told = ledger.tell(ledger_facts.read(incident, now=now, zone=UTC))
    return [
        (each.clock, each.said, [line.words for line in each.lines])
        for each in told.decisions
        if each.kind not in {"notified", "clock_warned", "clock_breached"}
    ]


def coming(incident):
    return [
        (line.what, line.whom)
        for line in ledger.tell(ledger_facts.read(incident, now=NOW, zone=UTC)).coming
        if line.is_page
    ]


def test_a_schedule_led_to_alice_and_an_answer_cancels_what_was_to_come(schedule, bob, alice, admin):
    incident = declare(schedule, bob)
    hand_over()
    lifecycle.acknowledge(incident, by=alice, now=NOW + 2 * MINUTE)
    assert said(incident) == [
        (
            "01:47:08",
            "Triggered by Muster as critical",
            ["Severity critical pages on-call: Payments, the policy of Kafka"],
        ),
        (
            "01:47:08",
            "Step 1 of Payments: schedule Platform primary → Alice by layer Weekdays",
            ["E-mail to Alice sent 01:47:09", "Answered by Alice in 2:00"],
        ),
        (
            "01:49:08",
            "Alice acknowledged after 2:00",
            ["Step 2 of Payments would have paged Bob at 01:52:08, by today's policy"],
        ),
    ]


def test_no_answer_leads_to_the_next_step(schedule, alice, bob):
    incident = declare(schedule, bob)
    hand_over()
    escalation.advance_due(now=NOW + 5 * MINUTE + SECOND)
    assert said(incident)[1:] == [
        (
            "01:47:08",
            "Step 1 of Payments: schedule Platform primary → Alice by layer Weekdays",
            ["E-mail to Alice sent 01:47:09", "No answer within 5 min → step 2"],
        ),
        (
            "01:52:09",
            "Step 2 of Payments: Bob by name",
            ["E-mail to Bob being sent", "Waiting for an answer until 01:57:08"],
        ),
    ]
    assert coming(incident) == [("Page the last resort", "Payments is used up")]


def test_an_override_says_who_made_it_and_until_when(schedule, alice, bob):
    make.override(schedule, bob, NOW - MINUTE, NOW + 60 * MINUTE, created_by=alice)
    assert said(declare(schedule))[1][1] == (
        "Step 1 of Payments: schedule Platform primary → Bob by an override that Alice made, until 02:47:08"
    )


def test_a_gap_gives_way_to_the_next_step_at_once(alice, bob):
    nights = make.schedule("Nights", make.layer(alice, starts_on=MIDNIGHT.date()))
    incident = declare(nights, bob, delays=(0, 30))
    assert said(incident)[1:] == [
        ("01:47:08", "Step 1 of Payments: nobody was reached", ["Nobody is on call for Nights", "→ step 2 at once"]),
        (
            "01:47:08",
            "Step 2 of Payments: Bob by name",
            ["E-mail to Bob being sent", "Waiting for an answer until 01:52:08"],
        ),
    ]


def test_who_cannot_be_reached_is_said_with_the_reason(schedule, alice, bob):
    dora = make.user("dora", email=False)
    gone = make.user("gone", is_active=False)
    incident = declare((make.team("crew", dora, bob, name="Crew"), gone), dora)
    escalation.advance_due(now=NOW + 5 * MINUTE)
    assert said(incident)[1:] == [
        (
            "01:47:08",
            "Step 1 of Payments: team Crew → Bob, Dora",
            [
                "Not Dora: no contact method",
                "Gone is switched off",
                "E-mail to Bob being sent",
                "No answer within 5 min → step 2",
            ],
        ),
        (
            "01:52:08",
            "Step 2 of Payments: nobody was reached",
            ["Dora by name", "No contact method: Dora", "→ last resort at once"],
        ),
        (
            "01:52:08",
            "Payments is used up: nobody answered",
            ["The last resort reaches nobody else"],
        ),
    ]


def test_a_failed_page_is_followed_by_the_next_step_at_once(alice, bob):
    incident = declare(alice, bob, delays=(0, 30))
    failed = Notification.objects.get(user=alice, purpose="page")
    Notification.objects.filter(pk=failed.pk).update(state="failed", finished_at=SENT, error="550 no such user")
    failed_pages.follow_up_failed(now=NOW + 2 * SECOND)
    escalation.advance_due(now=NOW + 3 * SECOND)
    assert said(incident)[1:] == [
        (
            "01:47:08",
            "Step 1 of Payments: Alice by name",
            ["E-mail to Alice failed 01:47:09: 550 no such user", "No page of this step got through → step 2"],
        ),
        ("01:47:10", "The page to Alice failed: E-mail, 550 no such user", ["→ step 2 at once"]),
        (
            "01:47:11",
            "Step 2 of Payments: Bob by name",
            ["E-mail to Bob being sent", "Waiting for an answer until 01:52:10"],
        ),
    ]


def test_a_failed_method_beside_one_that_got_through_changes_nothing(alice, bob):
    make.contact(alice, "webhook", "https://example.com/hook")
    incident = declare(alice, bob)
    Notification.objects.filter(channel="webhook").update(state="failed", finished_at=SENT, error="410 Gone")
    hand_over()
    failed_pages.follow_up_failed(now=NOW + 2 * SECOND)
    assert said(incident)[2] == (
        "01:47:10",
        "The page to Alice failed: Webhook, 410 Gone",
        ["→ E-mail to Alice is in the same step, so the wait goes on"],
    )


def test_every_try_is_told_with_what_the_provider_said(alice):
    incident = declare(alice)
    hand_over()
    page = Notification.objects.get(user=alice)
    for number, outcome, detail in ((1, "retry", "421 too busy"), (2, "sent", "250 queued as 7F")):
        at = NOW + number * SECOND
        Attempt.objects.create(
            notification=page, number=number, started_at=at, finished_at=at, outcome=outcome, detail=detail
        )
    assert said(incident)[1][2][0] == (
        "E-mail to Alice sent 01:47:09, the provider says: 250 queued as 7F (2 tries: "
        "01:47:09 will be tried again, 421 too busy; 01:47:10 sent, 250 queued as 7F)"
    )


def test_rounds_the_end_of_the_policy_and_the_last_resort(alice, bob, admin):
    IncidentSettings.objects.update_or_create(pk=1, defaults={"last_resort": make.team("duty", bob, name="Duty")})
    incident = declare(alice, repeat=1, repeat_after=10)
    for minutes in (10, 20):
        hand_over(at=NOW + minutes * MINUTE - 9 * MINUTE)
        escalation.advance_due(now=NOW + minutes * MINUTE)
    assert said(incident)[1:] == [
        (
            "01:47:08",
            "Step 1 of Payments: Alice by name",
            ["E-mail to Alice sent 01:48:08", "No answer within 10 min → round 2, step 1"],
        ),
        (
            "01:57:08",
            "Step 1 of Payments, round 2: Alice by name",
            ["E-mail to Alice sent 01:58:08", "No answer within 10 min → last resort"],
        ),
        (
            "02:07:08",
            "Payments is used up: nobody answered",
            ["Last resort → Bob", "E-mail to Bob being sent"],
        ),
    ]


def test_an_answer_that_comes_before_the_message_leaves_cancels_it(alice, bob):
    incident = declare(alice, bob)
    lifecycle.acknowledge(incident, by=bob, source="Slack", now=NOW + SECOND)
    assert said(incident)[1:] == [
        (
            "01:47:08",
            "Step 1 of Payments: Alice by name",
            ["E-mail to Alice cancelled 01:47:09, before it was sent", "Answered by Bob in 0:01"],
        ),
        (
            "01:47:09",
            "Bob acknowledged from Slack after 0:01",
            ["1 unsent page cancelled", "Step 2 of Payments would have paged Bob at 01:52:08, by today's policy"],
        ),
    ]


def test_what_is_asked_for_by_hand_is_told_with_both_answers(alice, bob, admin):
    incident = declare(alice, bob, admin, delays=(0, 15, 15))
    hand_over()
    lifecycle.acknowledge(incident, by=alice, now=NOW + MINUTE)
    more_help.escalate(incident, by=alice, reason="Need the database people", now=NOW + 2 * MINUTE)
    lifecycle.acknowledge(incident, by=bob, now=NOW + 3 * MINUTE)
    assert [words for _, words, _ in said(incident)[2:]] == [
        "Alice acknowledged after 1:00",
        "Alice asked for the next step now: Need the database people",
        "Step 2 of Payments: Bob by name",
        "Bob acknowledged after 3:00",
    ]
    assert said(incident)[2][2] == ["Step 2 of Payments would have paged Bob at 02:02:08, by today's policy"]
    assert said(incident)[5][2][-1] == "Step 3 of Payments would have paged Root at 02:04:08, by today's policy"


def test_a_severity_that_pages_nobody_says_so_and_raising_it_pages(alice, admin):
    crew = make.team("crew", alice, name="Crew")
    service = make.service("kafka", team=crew, policy=make.escalation_policy(alice, name="Payments"))
    incident = make.incident(severity="medium", services=[service])
    changes.change_severity(incident, to="high", by=admin, reason="Worse", now=NOW + MINUTE)
    assert said(incident) == [
        ("01:47:08", "Triggered by Muster as medium", ["Severity medium pages nobody"]),
        (
            "01:48:08",
            "Root changed the severity from medium to high: Worse",
            ["Severity high pages on-call: Payments, the policy of Kafka"],
        ),
        (
            "01:48:08",
            "Step 1 of Payments: Alice by name",
            ["E-mail to Alice being sent", "Waiting for an answer until 01:53:08"],
        ),
    ]


def test_without_any_policy_every_admin_is_paged_and_a_monitor_may_end_it(admin):
    incident = make.incident()
    lifecycle.resolve(incident, by=None, source="Prometheus", now=NOW + 4 * MINUTE)
    assert said(incident) == [
        (
            "01:47:08",
            "Triggered by Muster as critical",
            ["Severity critical pages on-call: every admin, as no service names a policy and there is no default one"],
        ),
        (
            "01:47:08",
            "Step 1 of Every admin: Root",
            ["E-mail to Root cancelled 01:51:08, before it was sent", "It ended after 4:00, without an answer"],
        ),
        (
            "01:51:08",
            "Prometheus resolved it",
            ["1 unsent page cancelled", "The last resort would have been paged at 01:52:08, by today's policy"],
        ),
    ]


def test_notices_stand_in_their_places(alice, bob):
    incident = declare(alice)
    changes.assign(incident, to=bob, by=alice, now=NOW + MINUTE)
    leadership, assigned = [
        each
        for each in ledger.tell(ledger_facts.read(incident, now=NOW, zone=UTC)).decisions
        if "paged" not in each.kind
    ][1:]
    assert leadership.said == "Leadership: Nobody could be told: no admin has a contact method"
    assert (assigned.said, [line.words for line in assigned.lines]) == (
        "Alice assigned it to Bob",
        ["E-mail to Bob being sent"],
    )


def test_what_people_wrote_is_left_out_and_another_day_is_named(alice, bob):
    incident = declare(alice, now=MIDNIGHT - 2 * MINUTE)
    timeline.add_note(incident, text="Hm", by=alice, now=MIDNIGHT)
    lifecycle.acknowledge(incident, by=alice, now=MIDNIGHT + MINUTE)
    assert [clock for clock, _, _ in said(incident)] == ["23:58:00", "23:58:00", "15 Oct, 00:01:00"]


def test_an_unknown_kind_says_what_the_timeline_says(alice):
    incident = declare(alice)
    incident.timeline.create(kind="details_changed", at=NOW, by=alice)
    incident.timeline.filter(kind="details_changed").update(kind="stood_down", text="Until nine")
    assert said(incident)[-1][:2] == ("01:47:08", "Alice stood_down: Until nine")


def test_entries_from_before_the_ledger_say_what_they_have(alice, bob):
    incident = declare(alice, bob)
    entry = incident.timeline.get(kind="paged")
    entry.data = {"people": ["Alice"], "reason": "Step 1 of Payments", "unreachable": [], "via": ["Platform, Days"]}
    entry.save()
    lifecycle.acknowledge(incident, by=alice, now=NOW + MINUTE)
    assert said(incident)[1][1:] == (
        "Step 1 of Payments: schedule Platform → Alice by layer Days",
        ["E-mail to Alice cancelled 01:48:08, before it was sent"],
    )


def test_it_is_read_in_three_statements_however_long_it_is(schedule, alice, bob, admin):
    incident = declare((schedule, alice), (bob, admin), make.team("crew", alice, bob), repeat=5)
    for minutes in range(1, 70):
        escalation.advance_due(now=NOW + minutes * MINUTE)
    with CaptureQueriesContext(connection) as queries:
        told = ledger.tell(ledger_facts.read(incident, now=NOW, zone=UTC))
    assert len(told.decisions) > 15
    assert len(queries) == 3
