"""Text from outside: what leaves ``core.text`` can be stored, shown and sent as a subject."""

from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.text import clean, single_line

anything = st.text(alphabet=st.characters(codec=None))  # with NUL and lone surrogates


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("a\x00b", "a\ufffdb"),
        ("\ud800x\udfff", "\ufffdx\ufffd"),
        ("line1\nline2\tünïcødé 🔥", "line1\nline2\tünïcødé 🔥"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        (None, ""),
        (True, "true"),
        (12.5, "12.5"),
    ],
)
def test_clean_replaces_only_what_postgresql_refuses(raw: object, stored: str) -> None:
    assert clean(raw) == stored


def test_clean_cuts_at_a_code_point() -> None:
    assert clean("a🔥🔥", limit=2) == "a🔥"
    assert clean("abc", limit=0) == ""


@pytest.mark.parametrize(
    ("raw", "line"),
    [
        ("  Disk full\r\nBcc: everyone@example.com ", "Disk full Bcc: everyone@example.com"),
        ("a\u2028b\u2029c\x85d\x0be", "a b c d e"),
        ("\x1b[31mred\x7f", "[31mred"),
        ("safe\u202eexe.txt", "safe exe.txt"),
        ("a\x00b", "a\ufffdb"),
        ("family 👩\u200d👧 stays", "family 👩\u200d👧 stays"),
        (" \n ", ""),
    ],
)
def test_single_line_has_no_line_ends_and_no_controls(raw: str, line: str) -> None:
    assert single_line(raw) == line


def test_single_line_leaves_no_space_where_it_cuts() -> None:
    assert single_line("one two", limit=4) == "one"


@settings(derandomize=True, max_examples=200, deadline=None)
@given(anything, st.none() | st.integers(min_value=0, max_value=12))
def test_every_text_comes_out_storable_and_within_its_limit(raw: str, limit: int | None) -> None:
    for made in (clean(raw, limit=limit), single_line(raw, limit=limit)):
        made.encode()
        assert "\x00" not in made
        assert limit is None or len(made) <= limit
    assert clean(clean(raw, limit=limit), limit=limit) == clean(raw, limit=limit)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(anything)
def test_every_single_line_is_accepted_as_a_subject(raw: str) -> None:
    line = single_line(raw)
    message = EmailMessage()
    message["Subject"] = line
    assert len(line.splitlines()) <= 1
    assert single_line(line) == line
