"""Open incidents that are like the one somebody is about to declare."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import lifecycle
from incidents.similar import compare, similar_open
from tests import make

OPEN = [
    "Checkout failing: card payments return 502",
    "Search suggestions return stale results",
    "Kafka consumer lag above 10 minutes",
    "Login latency p99 above 4 s in eu-west",
    "API gateway returns 503 to mobile clients",
    "Payments queue is stuck",
    "KubePodCrashLooping: ingest-worker in prod",
    "PostgreSQL primary failed over",
]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("checkout 502 errors", [OPEN[0]]),
        ("Card payments fail with 502 at checkout since noon", [OPEN[0]]),
        ("Stale search result", [OPEN[1]]),
        ("lagging Kafka consumers", [OPEN[2]]),
        ("login slow for eu customers", [OPEN[3]]),
        ("mobile app gets 503", [OPEN[4]]),
        ("payments failing", [OPEN[0], OPEN[5]]),
        ("pod of the ingest crashed", [OPEN[6]]),
        ("postgresql failover", [OPEN[7]]),
        ("chec", [OPEN[0]]),
        ("Returns 500 on the profile page", []),
        ("Images do not load in the catalogue", []),
        ("High error rate in production", []),
        ("errors", []),
        ("the", []),
        ("", []),
    ],
)
def test_titles_are_alike_when_they_share_what_they_mean(typed, wanted):
    titles = dict(enumerate(OPEN))
    assert [titles[match.key] for match in compare(typed, titles)] == wanted


def test_a_match_names_the_words_that_say_something():
    (match,) = compare("checkout 502 errors since noon", {1: OPEN[0]})
    assert match.words == ("checkout", "502")


@pytest.fixture
def incidents(alice):
    """Three open ones and one that is over; the second touches kafka."""
    kafka = make.service("kafka", name="Kafka")
    make.policy.ensure_defaults()
    made = [make.incident(title=title, services=[kafka] if title == OPEN[2] else []) for title in OPEN[:3]]
    over = make.incident(title="Checkout is slow")
    lifecycle.resolve(over, by=alice)
    return made


def found(user, title="", services=()):
    return [
        (one.incident.title, one.words, one.services)
        for one in similar_open(user, title=title, services=list(services))
    ]


def test_only_open_ones_are_offered(incidents, alice):
    assert found(alice, "Checkout") == [(OPEN[0], ("checkout",), ())]


def test_the_same_service_is_reason_enough(incidents, alice):
    kafka = incidents[2].affected_services.get()
    assert found(alice, "Emails are late", [kafka]) == [(OPEN[2], (), ("Kafka",))]
    assert found(alice, "", [kafka]) == [(OPEN[2], (), ("Kafka",))]


def test_words_come_before_services_and_both_before_either(incidents, alice):
    kafka = incidents[2].affected_services.get()
    other = make.incident(title="Brokers are full", services=[kafka])
    both = make.incident(title="Checkout consumer is down", services=[kafka])
    assert [title for title, _, _ in found(alice, "checkout consumer", [kafka])] == [
        both.title,
        OPEN[2],
        OPEN[0],
        other.title,
    ]


def test_what_one_may_not_see_is_not_offered(incidents, alice, bob, admin):
    secret = make.incident(title="Checkout leaks card numbers", is_private=True, by=bob)
    assert [title for title, _, _ in found(alice, "checkout card")] == [OPEN[0]]
    assert sorted(title for title, _, _ in found(admin, "checkout card")) == sorted([OPEN[0], secret.title])


def test_at_most_five_and_always_two_queries(incidents, alice):
    kafka = incidents[2].affected_services.get()
    for number in range(8):
        make.incident(title=f"Checkout fails in cell {number}", services=[kafka], assignee=alice)
    with CaptureQueriesContext(connection) as queries:
        rows = found(alice, "checkout", [kafka])
    assert len(rows) == 5
    assert len(queries) == 2


def test_signs_of_patterns_are_only_signs(incidents, alice):
    assert found(alice, "check(out|.*[ \\m % _ ' --") == []
    assert [title for title, _, _ in found(alice, "checkout (((")] == [OPEN[0]]
