"""Guides as text: read, written, and what is wrong with one that is none."""

from __future__ import annotations

import pytest

from runbooks import guides, starter
from runbooks.guides import BadGuide, Guide, Step

TEXT = """---
title: Consumer lag: what to do
services: kafka, ai-service
severities: medium, critical
facts:
  alertname: *Lag*
  job: kafka: west
---
When readers are **late**.

## Find the group
```
# a comment
## is no step
Action: nothing
```
Then go on.

Action: find-group

## Wait
"""

GUIDE = Guide(
    title="Consumer lag: what to do",
    summary="When readers are **late**.",
    steps=(
        Step("Find the group", "```\n# a comment\n## is no step\nAction: nothing\n```\nThen go on.", "find-group"),
        Step("Wait"),
    ),
    services=("kafka", "ai-service"),
    severities=("critical", "medium"),
    facts=(("alertname", "*Lag*"), ("job", "kafka: west")),
)


def test_a_guide_is_read_with_everything_that_it_says():
    assert guides.parse(TEXT) == GUIDE
    assert guides.parse(TEXT.replace("\n", "\r\n")) == GUIDE


def test_what_is_written_is_read_back():
    assert guides.parse(guides.text_of(GUIDE)) == GUIDE
    small = Guide(title="x", steps=(Step("a"),))
    assert guides.text_of(small) == "---\ntitle: x\n---\n\n## a\n"
    assert guides.parse(guides.text_of(small)) == small


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("", 1, "begins with a line"),
        ("# Hello", 1, "begins with a line"),
        ("---\ntitle: x", 2, "second"),
        ("---\nservices: kafka\n---\n## a", 3, "title is missing"),
        ("---\ntitle: x\nowner: me\n---\n## a", 3, "Write title, services"),
        ("---\ntitle: x\nservices: a b\n---\n## a", 3, "no slug"),
        ("---\ntitle: x\nseverities: urgent\n---\n## a", 3, "no severity"),
        ("---\ntitle: x\nfacts:\n  alertname\n---\n## a", 4, "such as"),
        ("---\ntitle: x\n  a: b\n---\n## a", 3, "Only facts"),
        ("---\ntitle: x\n---\nNo steps", 4, "at least one step"),
        ("---\ntitle: x\n---\n##\n", 4, "title is empty"),
        (f"---\ntitle: x\n---\n## {'y' * 201}", 4, "at most 200"),
        ("---\ntitle: x\n---\n## a\nAction: two words", 5, "one action"),
        ("---\ntitle: x\n---\n## a\nAction: one\nAction: two", 6, "one action"),
        ("---\ntitle: x\n---\n## a\n```\n", 6, "not closed"),
        ("---\ntitle: x\n---\n" + "## a\n" * 101, 105, "at most 100 steps"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, line, words):
    with pytest.raises(BadGuide, match=words) as raised:
        guides.parse(text)
    assert raised.value.line == line


def test_paragraphs_of_files_become_one_line_and_nothing_else_does():
    wrapped = "One\ntwo.\n\n- a\n  b\n- c\n\n```\nx\ny\n```\n| a |\n|---|\n| b |\n\n> q\n\n1. d\n   e  \nf\n\n# g\nh\ni"
    assert guides.unwrapped(wrapped) == (
        "One two.\n\n- a b\n- c\n\n```\nx\ny\n```\n| a |\n|---|\n| b |\n\n> q\n\n1. d e\nf\n\n# g\nh i"
    )


def test_every_guide_of_the_library_can_be_read():
    found = starter.read()
    assert found
    for slug, guide in found.items():
        assert guides.SLUG.fullmatch(slug)
        assert guides.parse(guides.text_of(guide)) == guide
