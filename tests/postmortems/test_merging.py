"""Two people's changes as one text: no word is lost without being told."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core import diffing
from postmortems import merging
from postmortems.merging import Change, Overlap, applied, changes, merge, together

WORDS = st.sampled_from(["the", "disk", "was", "full", "Node", "3,", "*so*", "-", "\n", "\n\n", "  ", "é", "🔥"])
TEXTS = st.lists(WORDS, max_size=30).map(" ".join)
SEEDS = st.integers(0, 2**32)
NEW = re.compile(r"\bn[ab]\d+\b")


def edited(text: str, chance: random.Random, name: str) -> str:
    """A few words inserted, removed or replaced; every word that comes in is there once in the world."""
    pieces = re.findall(r"\s+|\S+", text)
    for number in range(chance.randint(1, 4)):
        at = chance.randint(0, len(pieces))
        end = min(len(pieces), at + chance.choice((0, 0, 1, 3)))
        pieces[at:end] = [f" n{name}{number} "] if chance.random() < 0.8 else []
    return "".join(pieces)


def outcome(base, mine, theirs):
    try:
        return merge(base, mine, theirs)
    except Overlap:
        return Overlap


@given(base=TEXTS, mine=SEEDS, theirs=SEEDS)
def test_every_new_word_of_both_is_there_or_somebody_is_told(base, mine, theirs):
    mine, theirs = edited(base, random.Random(mine), "a"), edited(base, random.Random(theirs), "b")
    merged = outcome(base, mine, theirs)
    if merged is not Overlap:
        assert sorted(NEW.findall(merged)) == sorted(NEW.findall(mine) + NEW.findall(theirs))


@given(base=TEXTS, mine=SEEDS, theirs=SEEDS)
def test_it_does_not_matter_who_saves_first(base, mine, theirs):
    mine, theirs = edited(base, random.Random(mine), "a"), edited(base, random.Random(theirs), "b")
    assert outcome(base, mine, theirs) == outcome(base, theirs, mine)


@given(parts=st.lists(TEXTS, min_size=2, max_size=5), mine=SEEDS, data=st.data())
def test_changes_apart_from_each_other_merge_into_exactly_both(parts, mine, data):
    parts = [f"begin{i} {part} end{i}" for i, part in enumerate(parts)]
    first, second = data.draw(st.permutations(range(len(parts))))[:2]
    chance = random.Random(mine)

    def changed(*which):
        return "\n\nbetween\n\n".join(
            f"begin{i} {edits[i]} end{i}" if i in which else part for i, part in enumerate(parts)
        )

    edits = {first: edited("one two", chance, "a"), second: edited("three four", chance, "b")}
    assert merge(changed(), changed(first), changed(second)) == changed(first, second)


@given(base=TEXTS, other=TEXTS)
def test_what_was_changed_makes_the_other_text_of_the_base(base, other):
    found = changes(base, other)
    assert applied(base, found) == other
    assert all(one.end < two.start for one, two in zip(found, found[1:], strict=False))


@given(base=TEXTS, other=TEXTS)
def test_one_persons_changes_are_taken_as_they_are(base, other):
    assert merge(base, other, base) == other
    assert merge(base, base, other) == other
    assert merge(base, other, other) == other


@given(mine=TEXTS, theirs=TEXTS)
def test_both_together_have_every_line_of_both(mine, theirs):
    lines = together(mine, theirs).splitlines()
    for text in (mine, theirs):
        rest = iter(lines)
        assert all(line in rest for line in text.splitlines() if line)


@pytest.mark.parametrize(
    ("mine", "theirs", "merged"),
    [
        ("The big disk was full.", "The disk was full on node 3.", "The big disk was full on node 3."),
        ("The disk was full.\nAnd slow.", "A disk was full.", "A disk was full.\nAnd slow."),
        ("The disk was empty.", "The disk was empty.", "The disk was empty."),
        ("", "The disk was full.", ""),
        ("", "The disk was very full.", Overlap),
        ("The disk was empty.", "The disk was fuller.", Overlap),
        ("The disk was full. Again.", "The disk was full. Today.", Overlap),
    ],
)
def test_merges_to_the_word(mine, theirs, merged):
    assert outcome("The disk was full.", mine, theirs) == merged


def test_what_only_one_has_changed_is_named_by_its_place():
    assert changes("a b c\nd", "a x c\nd e") == [Change(1, 3, " x"), Change(7, 7, " e")]


@given(old=st.text("ab", max_size=12), new=st.text("ab", max_size=12))
@settings(max_examples=200)
def test_places_that_differ_lead_from_one_to_the_other(old, new):
    for most in (0, 2, 400):
        at, found = 0, ""
        for span in diffing.spans(old, new, most=most):
            found += old[at : span.start] + new[span.new_start : span.new_end]
            at = span.end
        assert found + old[at:] == new


@pytest.mark.parametrize(
    "base",
    ["a\n" * 25_000, "a b " * 12_000, " ".join(f"w{i % 97}" for i in range(10_000)), "x" * 50_000],
    ids=["lines", "two words", "prose", "one word"],
)
def test_the_longest_texts_take_no_time_whatever_they_repeat(base):
    began = time.process_time()
    middle = len(base) // 2
    outcome(base, f"mine {base} mine", f"{base[:middle]} theirs {base[middle:]}")
    outcome(base, base[::-1], f"{base[:middle]} theirs {base[middle:]}")
    assert time.process_time() - began < 2
    assert merging.merge(base, base, base[::-1]) == base[::-1]
