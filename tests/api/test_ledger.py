"""The ledger over the API: the words of the page, and the plain facts."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import make
from tests.api.caller import Caller, mistakes_of


@pytest.fixture
def incident(alice, bob):
    policy = make.escalation_policy(alice, bob, name="Payments")
    return make.incident(severity="high", services=[make.service("kafka", policy=policy)])


def test_it_has_the_words_and_the_facts(api, incident):
    told = api.get(f"incidents/{incident.reference}/ledger?person=bob").json()
    began, paged = told["decisions"]
    assert began["words"] == "Triggered by Muster as high"
    assert (paged["kind"], paged["policy"], paged["step"], paged["round"]) == ("paged", "Payments", 1, 1)
    assert (paged["at"], paged["words"]) == ("2026-10-14T01:47:08Z", "Step 1 of Payments: Alice by name")
    assert paged["lines"] == ["E-mail to Alice being sent", "Waiting for an answer until 01:52:08"]
    assert [row["user"] for row in paged["notifications"]] == ["alice"]
    assert [line["what"] for line in told["coming"]] == ["Page, step 2 of Payments", "Page the last resort"]
    assert told["why"] == {
        "person": "bob",
        "verdict": "not_paged",
        "short": "Bob was not paged: step 2 of Payments pages them at 01:52:08, if nobody answers.",
        "more": [],
    }


def test_without_a_person_nobody_is_explained(api, incident):
    assert api.get(f"incidents/{incident.reference}/ledger").json()["why"] is None
    assert mistakes_of(api.get(f"incidents/{incident.reference}/ledger?person=x")) == [
        ("person", "There is no user 'x'.")
    ]


def test_viewers_ask_about_themselves_and_private_ones_are_not_there(charlie, incident):
    viewer = Caller(charlie, "read")
    assert viewer.get(f"incidents/{incident.reference}/ledger?person=charlie").status_code == 200
    assert viewer.get(f"incidents/{incident.reference}/ledger?person=alice").status_code == 403
    incident.is_private = True
    incident.save()
    assert viewer.get(f"incidents/{incident.reference}/ledger").status_code == 404


def test_more_messages_take_no_more_statements(api, alice):
    def statements(people):
        policy = make.escalation_policy(make.team("", *people))
        incident = make.incident(severity="high", services=[make.service(policy=policy)])
        with CaptureQueriesContext(connection) as seen:
            told = api.get(f"incidents/{incident.reference}/ledger").json()
        assert sum(len(each["notifications"]) for each in told["decisions"]) == len(people)
        return len(seen)

    statements([alice])
    assert statements([alice]) == statements([make.user(f"person{number}") for number in range(9)])
