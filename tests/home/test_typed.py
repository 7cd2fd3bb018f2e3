"""What was typed into the search box, taken apart."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from home.typed import LONGEST, MOST_TERMS, PREFIXES, Term, Typed, parse


def terms(text: str) -> list[tuple[str, str]]:
    return [(term.name, term.value) for term in parse(text).terms]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   \t ", []),
        ("disk full", [("", "disk"), ("", "full")]),
        ("severity:critical", [("severity", "critical")]),
        ("SEVERITY:Critical x", [("severity", "Critical"), ("", "x")]),
        ('service:"Query Engine" lag', [("service", "Query Engine"), ("", "lag")]),
        ('service:"Query  Engine', [("service", "Query Engine")]),
        ('"disk  full"', [("", "disk full")]),
        ('"severity:critical"', [("", "severity:critical")]),
        ("severity: critical", [("severity", ""), ("", "critical")]),
        ("error: timeout", [("", "error:"), ("", "timeout")]),
        ("foo:bar", [("foo", "bar")]),
        ("https://grafana.example.com/d/1", [("", "https://grafana.example.com/d/1")]),
        ("at 10:30", [("", "at"), ("", "10:30")]),
        ("fe80::1", [("", "fe80::1")]),
        ('a"b c"d', [("", "a"), ("", "b c"), ("", "d")]),
        ('""', []),
    ],
)
def test_words_prefixes_and_quotation_marks(text, expected):
    assert terms(text) == expected


def test_words_prefixes_and_names_that_nobody_knows_are_told_apart():
    typed = parse("kafka severity:high foo:bar is: foo:baz service:x")
    assert typed.words == "kafka foo bar foo baz"
    assert typed.prefixes == (Term("severity", "high"), Term("service", "x"))
    assert typed.unknown == ("foo",)
    assert typed.unfinished == ("is",)
    assert str(typed.without(Term("severity", "high"))) == "kafka foo:bar is: foo:baz service:x"


pieces = st.one_of(
    st.sampled_from([*(f"{name}:" for name in PREFIXES), "foo:", '"', " ", ":", "//", "INC-42", "#7", "é", "\x00"]),
    st.text(max_size=8),
)


@given(st.lists(pieces, max_size=30).map("".join))
@example('severity:"')
@example('x:"a b')
@example("severity:severity:critical")
@example('foo:""bar')
def test_nothing_raises_and_what_was_understood_can_be_typed_again(text):
    typed = parse(text)
    assert len(typed.terms) <= MOST_TERMS
    again = parse(str(typed)) if len(str(typed)) <= LONGEST else typed
    assert again == typed
    assert all(term.name or term.value for term in typed.terms)
    assert not any('"' in term.value for term in typed.terms)


values = st.text(st.characters(blacklist_characters='"'), min_size=1, max_size=20).map(lambda v: " ".join(v.split()))


@given(st.sampled_from(sorted(PREFIXES)), values.filter(bool), st.lists(st.sampled_from(["disk", "full"]), max_size=3))
def test_any_value_can_be_given_to_a_prefix_in_quotation_marks(name, value, words):
    typed = parse(" ".join([*words, f'{name}:"{value}"']))
    assert typed == Typed((*(Term("", word) for word in words), Term(name, value)))


@given(st.text(max_size=2000))
def test_a_prefix_is_never_left_among_the_words(text):
    typed = parse(text)
    assert {term.name for term in typed.prefixes} <= PREFIXES.keys()
    assert set(typed.unknown).isdisjoint(PREFIXES)
