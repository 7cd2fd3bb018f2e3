"""Comments on a section or the whole: who hears of them, and how they are settled."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from postmortems import comments, publishing
from postmortems.models import Comment
from tests import make
from tests.postmortems.told import finished, told

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(minutes=60)
MINUTE = timedelta(minutes=1)
WORD = "Comment on the postmortem"


@pytest.fixture
def postmortem(alice):
    return make.postmortem(by=alice)


def test_the_owner_and_who_commented_there_before_hear_of_it(postmortem, alice, bob):
    carol, dora = make.user("carol"), make.user("dora")
    cause, impact = (postmortem.sections.get(key=key) for key in ("root_cause", "impact"))
    comments.add(postmortem, section=cause, text="Why?", by=bob, now=LATER)
    comments.add(postmortem, section=impact, text="Whom?", by=dora, now=LATER + MINUTE)
    comments.add(postmortem, section=cause, text="Because.", by=carol, now=LATER + 2 * MINUTE)
    assert told(postmortem) == [("Alice", WORD), ("Alice", WORD), ("Alice", WORD), ("Bob", WORD)]


def test_nobody_hears_of_their_own_comment(postmortem, alice):
    comments.add(postmortem, text="A note to myself", by=alice, now=LATER)
    comments.add(postmortem, text="Another", by=alice, now=LATER)
    assert told(postmortem) == []


def test_who_no_longer_sees_a_private_incident_hears_nothing(alice, bob):
    postmortem = make.postmortem(by=alice, is_private=True)
    comments.add(postmortem, text="I could see it then", by=bob, now=LATER)
    comments.add(postmortem, text="Now you cannot", by=alice, now=LATER)
    assert told(postmortem, WORD) == [("Alice", WORD)]


def test_the_same_words_at_once_are_one_comment(postmortem, bob):
    first = comments.add(postmortem, text="Why?\r\n", by=bob, now=LATER)
    assert comments.add(postmortem, text=" Why?", by=bob, now=LATER + timedelta(seconds=5)) == first
    assert comments.add(postmortem, text="Why?", by=bob, now=LATER + 2 * MINUTE) != first
    assert [row.text for row in Comment.objects.all()] == ["Why?", "Why?"]


@pytest.mark.parametrize(("text", "why"), [("  \n", "Write what"), ("x" * 10_001, "at most 10,000")])
def test_a_comment_says_something(postmortem, bob, text, why):
    with pytest.raises(ValidationError, match=why):
        comments.add(postmortem, text=text, by=bob)
    assert not Comment.objects.exists()


def test_a_section_of_another_postmortem_is_refused(postmortem, bob):
    other = make.postmortem().sections.first()
    with pytest.raises(ValidationError, match="another postmortem"):
        comments.add(postmortem, section=other, text="x", by=bob)


def test_it_is_settled_and_opened_again(postmortem, alice, bob):
    comment = comments.add(postmortem, text="Why?", by=bob, now=LATER)
    assert publishing.outlook(postmortem, by=alice).unsettled == 1
    for minutes in (1, 2):
        settled = comments.settle(comment, by=alice, now=LATER + minutes * MINUTE)
    assert (settled.settled_at, settled.settled_by) == (LATER + MINUTE, alice)
    assert publishing.outlook(postmortem, by=alice).unsettled == 0
    opened = comments.unsettle(comment, by=bob)
    assert (opened.settled_at, opened.settled_by) == (None, None)


def test_a_published_postmortem_can_be_commented_on(postmortem, alice, bob):
    publishing.publish(finished(postmortem), by=alice, now=LATER)
    comments.add(postmortem, text="Thank you", by=bob, now=LATER)
    assert told(postmortem, WORD) == [("Alice", WORD)]
