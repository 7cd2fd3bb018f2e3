"""Postmortems that are like one, and why."""

from __future__ import annotations

import pytest

from incidents.models import Incident
from postmortems import similar
from postmortems.models import Factor, Postmortem
from postmortems.similar import similar_to
from tests import make

pytestmark = pytest.mark.django_db

TITLES = ["Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf"]


def written(*, factors=(), state="published", **fields):
    postmortem = make.postmortem(**{"severity": "high"} | fields)
    postmortem.factors.set([Factor.objects.get_or_create(name=name)[0] for name in factors])
    out = {"published_at": make.NOW} if state == "published" else {}
    Postmortem.objects.filter(pk=postmortem.pk).update(state=state, **out)
    return postmortem


def found(postmortem, user):
    return [(one.postmortem, one.why) for one in similar_to(postmortem, user=user)]


def test_what_shares_more_comes_first_and_says_why(alice):
    kafka, billing = make.service("kafka", name="Kafka"), make.service("billing", name="Billing")
    this = written(title="Consumer lag grows", services=[kafka, billing], factors=["Capacity"], severity="critical")
    service = written(title="Disk is full", services=[kafka])
    factor_and_word = written(title="Consumer is stuck", factors=["Capacity"])
    most = written(
        title="Consumer lag", services=[kafka, billing], factors=["Capacity", "Hardware"], severity="critical"
    )
    written(title="Sign-in fails", severity="critical")
    assert found(this, alice) == [
        (most, "Kafka and Billing too; Capacity again; its title says “consumer” and “lag”; as severe"),
        (factor_and_word, "Capacity again; its title says “consumer”"),
        (service, "Kafka too"),
    ]


def test_at_most_five_the_newest_of_those_that_are_as_alike(alice):
    kafka = make.service("kafka")
    rows = [written(title=f"{word} fails", services=[kafka]) for word in TITLES]
    assert [row for row, _ in found(rows[0], alice)] == rows[:1:-1]


def test_words_are_looked_for_in_the_titles_of_the_newest_and_of_no_other_incident(alice, monkeypatch):
    this = written(title="Consumer lag grows")
    older, newer = written(title="Consumer lag"), written(title="Consumer lag again")
    assert [row for row, _ in found(this, alice)] == [newer, older]
    monkeypatch.setattr(similar, "MOST_READ", 1)
    assert [row for row, _ in found(this, alice)] == [newer]


def test_drafts_of_others_are_left_out(alice, bob):
    kafka = make.service("kafka")
    this, draft = written(services=[kafka]), written(services=[kafka], state="draft")
    Postmortem.objects.filter(pk=draft.pk).update(owner=bob)
    assert [row for row, _ in found(this, bob)] == [draft]
    assert found(this, alice) == []


def test_private_ones_are_left_out(alice, bob):
    kafka = make.service("kafka")
    this, secret = written(services=[kafka]), written(services=[kafka])
    Incident.objects.filter(pk=secret.incident_id).update(is_private=True, assignee=bob)
    assert found(this, alice) == []
    assert [row for row, _ in found(this, bob)] == [secret]


def test_it_costs_one_query(alice, django_assert_num_queries):
    kafka = make.service("kafka")
    this, *_ = (written(services=[kafka], factors=["Capacity"]) for _ in range(3))
    this = Postmortem.objects.select_related("incident").get(pk=this.pk)
    with django_assert_num_queries(1):
        assert len([one.postmortem.incident.title for one in similar_to(this, user=alice)]) == 2
