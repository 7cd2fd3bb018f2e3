"""Blameless wording: what is pointed out, and what is left alone."""

from __future__ import annotations

import time

import pytest

from accounts.models import User
from postmortems import hints, outline
from postmortems.hints import NAME
from tests import make

PEOPLE = (
    User(username="alice", name="Alice Moreau"),
    User(username="sam.okafor", name="Sam Okafor"),
    User(username="will", name="Will Brandt"),
    User(username="b0b", name=""),
)


def words(text, key="root_cause"):
    return [hint.words for hint in hints.find(text, key=key, people=PEOPLE)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Alice changed the limit.", ["Alice"]),
        ("It was changed by Alice Moreau, then by Alice.", ["Alice Moreau", "Alice"]),
        ("Alice's change, seen by @sam.okafor.", ["Alice", "@sam.okafor"]),
        ("**Sam** and _Alice_ (b0b)", ["Sam", "Alice", "b0b"]),
        ("The change that Will made", ["Will"]),
        ("asked @will", ["@will"]),
    ],
)
def test_names_of_the_people_of_the_incident_are_pointed_out(text, found):
    assert words(text) == found
    assert {hint.advice for hint in hints.find(text, key="root_cause", people=PEOPLE)} == {NAME}


@pytest.mark.parametrize(
    "text",
    [
        "The Samba share and the palice of the limit",
        "The host alice-db-1, alice.example.com and team/alice are full.",
        "It will fill up again. Will it? Will it not?",
        "`alice` is the name of the queue:\n```\nssh alice@db-1\n```\nhttps://example.com/alice",
        "SAM files and alice_backup",
        "Bob was not there, and is not known.",
    ],
)
def test_words_that_only_look_like_names_are_left_alone(text):
    assert words(text) == []


@pytest.mark.parametrize("key", ["summary", "timeline", "resolution", "action_items"])
def test_names_belong_where_things_are_told_and_work_is_given_out(key):
    assert words("Alice restarted it. It was human error.", key) == ["human error"]


@pytest.mark.parametrize("key", ["root_cause", "impact", "lessons_learned", "costs"])
def test_names_do_not_belong_into_the_analysis(key):
    assert words("Alice restarted it.", key) == ["Alice"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Root cause: Human error.", ["Human error"]),
        ("The on-call should have seen it.", ["should have"]),
        ("It shouldn't have been deployed, it should not have been merged.", ["shouldn't have", "should not have"]),
        ("She should've asked", ["should've"]),
        ("The team failed to\nnotice the alert", ["The team failed to notice"]),
        ("We failed to roll back", ["We failed to roll"]),
        ("Alice failed to roll back", ["Alice", "Alice failed to roll"]),
        ("Nobody had failed to respond; they failed to test.", ["Nobody had failed to respond", "they failed to test"]),
        ("A careless change, made recklessly", ["careless", "recklessly"]),
        ("This was the fault of the vendor, or the vendor's fault.", ["the fault of", "vendor's fault"]),
        ("The reviewer is to blame", ["is to blame"]),
        ("Somebody forgot to renew it", ["forgot to"]),
    ],
)  # fmt: skip
def test_words_of_blame_are_pointed_out_with_what_to_write_instead(text, found):
    assert words(text) == found
    for hint in hints.find(text, key="root_cause", people=PEOPLE):
        assert hint.advice.endswith(".")
        assert "\n" not in hint.advice


@pytest.mark.parametrize(
    "text",
    [
        "The pod failed to start, and the replica failed to respond.",
        "A page fault of the kernel module is unlikely; `git blame` and git blame show the change.",
        "The error budget, the user errors_total counter, fault tolerance and default of 30 s",
        "The load balancer should be able to have two backends.",
        "**To write:** was anything seen by somebody who should not have? Alice",
        "Our no-blame culture",
        "",
    ],
)
def test_machines_may_fail_and_prompts_may_ask(text):
    assert words(text) == []


def test_the_same_words_are_pointed_out_once_in_the_order_of_the_text_and_not_without_end():
    assert words("Alice, human error, Alice, HUMAN ERROR") == ["Alice", "human error"]
    many = " ".join(f"person{i}'s fault," for i in range(50))
    assert len(words(many)) == hints.MOST_HINTS


@pytest.mark.parametrize(
    "text", ["the team failed to the engineers failed and should not ", "a-", "- ", "the ", "Alice "]
)
def test_a_long_text_takes_no_time(text):
    began = time.process_time()
    words(text * (50_000 // len(text)))
    assert time.process_time() - began < 1


def test_what_muster_writes_itself_gives_no_hint(alice):
    for section in make.postmortem(by=alice, steps=[alice]).sections.all():
        assert hints.find(section.body, key=section.key, people=[alice]) == [], section.key
    assert {part.key for part in outline.STANDARD} >= hints.NAMES_BELONG_IN
