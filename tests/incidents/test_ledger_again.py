"""The ledger of what asks again, takes turns, or needs several people."""

from __future__ import annotations

import pytest

from incidents import ledger, ledger_facts, letting_go, lifecycle, quiet, snoozing
from tests import make
from tests.make import MINUTE, NOW, SECOND

pytestmark = pytest.mark.django_db


def said(incident, now=NOW + 300 * MINUTE):
    told = ledger.tell(ledger_facts.read(incident, now=now))
    found = [(each.clock, each.said, [line.words for line in each.lines]) for each in told.decisions]
    return [
        decision for decision in found if not decision[1].startswith(("Triggered", "Leadership", "80 %", "The res"))
    ]


def test_turns_and_several_acknowledgements(alice, bob, admin):
    policy = make.escalation_policy((alice, bob), admin, name="Crew", takes_turns=True, acknowledgements=2)
    incident = make.incident(services=[make.service(policy=policy)], at=NOW)
    lifecycle.acknowledge(incident, by=alice, now=NOW + SECOND)
    lifecycle.acknowledge(incident, by=bob, now=NOW + MINUTE)
    assert said(incident) == [
        (
            "01:47:08",
            "Step 1 of Crew: Alice by name, in turn",
            ["E-mail to Alice cancelled 01:47:09, before it was sent", "Answered by Bob in 1:00"],
        ),
        (
            "01:47:09",
            "Alice acknowledged after 0:01",
            ["1 unsent page cancelled", "1 more must acknowledge, so paging goes on"],
        ),
        (
            "01:48:08",
            "Bob acknowledged after 1:00",
            ["Step 2 of Crew would have paged Root at 01:52:08, by today's policy"],
        ),
    ]


def test_giving_back_snoozing_and_silence(alice, bob):
    policy = make.escalation_policy(alice, bob, name="Crew")
    incident = make.incident(services=[make.service(policy=policy)], at=NOW)
    lifecycle.acknowledge(incident, by=alice, now=NOW + MINUTE)
    letting_go.unacknowledge(incident, by=alice, reason="I have to leave", now=NOW + 2 * MINUTE)
    snoozing.snooze(incident, until=NOW + 60 * MINUTE, by=bob, now=NOW + 3 * MINUTE)
    snoozing.wake_due(now=NOW + 60 * MINUTE)
    lifecycle.acknowledge(incident, by=bob, now=NOW + 61 * MINUTE)
    quiet.remind_due(now=NOW + 91 * MINUTE)
    quiet.remind_due(now=NOW + 101 * MINUTE)
    assert [words for _, words, _ in said(incident)] == [
        "Step 1 of Crew: Alice by name",
        "Alice acknowledged after 1:00",
        "Alice gave it back, so it asks for an answer again: I have to leave",
        "Step 1 of Crew: Alice by name",
        "Bob acknowledged after 3:00",
        "Bob snoozed it until 02:47:08",
        "The snooze ended, so it asks for an answer again",
        "Step 1 of Crew: Alice by name",
        "Bob acknowledged after 1 h 01 min",
        "No activity for 30 min: Bob asked whether they are still on it",
        "Muster asked for the next step now: No activity for 40 min",
        "Step 2 of Crew: Bob by name",
    ]
