"""JSON from strangers: the hostile bodies that real parsers let through."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.strict_json import MAX_DEPTH, Unparseable, parse


def nested(depth: int, opening: str = "[", closing: str = "]") -> bytes:
    return (opening * depth + "1" * (opening != "[") + closing * depth).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the body is empty"),
        (b" \r\n", "the body is empty"),
        (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
        (b'"\xed\xa0\x80"', "not UTF-8 at byte 1"),
        ('{"a": 1}'.encode("utf-16-le"), "not JSON: Expecting property name enclosed in double quotes"),
        (b'{"a": 1', "not JSON: Expecting ',' delimiter at line 1, column 8"),
        (b"{} {}", "not JSON: Extra data at line 1, column 4"),
        (b"alert=1", "not JSON: Expecting value at line 1, column 1"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b"-Infinity", "-Infinity is not JSON"),
        (b"[1e999]", "a number beyond every limit"),
        (b"-1e999", "a number beyond every limit"),
        (b"1234567890123456789", "an integer of more than 18 digits"),
        (b"[-" + b"9" * 5000 + b"]", "an integer of more than 18 digits"),
        (nested(MAX_DEPTH + 1), "nested deeper than 64"),
        (nested(MAX_DEPTH + 1, '{"a":', "}"), "nested deeper than 64"),
        (b'{"' + b"[" * 70 + b'": ' + nested(MAX_DEPTH) + b"}", "nested deeper than 64"),
        (nested(100_000), "nested deeper than 64"),
        (b"[" * 1_000_000, "nested deeper than 64"),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_hostile_body_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Unparseable) as refusal:
        parse(body)
    assert refusal.value.reason.startswith(reason)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"999999999999999999", 999999999999999999),
        (b"-999999999999999999", -999999999999999999),
        (b"1e308", 1e308),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b'"\\u0000\\ud800"', "\x00\ud800"),
        (b'"' + b"[" * 70 + b'"', "[" * 70),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        ('"ünïcødé 🔥"'.encode(), "ünïcødé 🔥"),
        (b"null", None),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_legal_body_is_read(body: bytes, value: object) -> None:
    assert parse(body) == value


def test_depth_counts_nesting_and_not_brackets() -> None:
    parse(nested(MAX_DEPTH))
    parse(nested(MAX_DEPTH, '{"a":', "}"))
    assert parse(b"[" + b",".join([b"[[]]"] * 500) + b"]") == [[[]]] * 500


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18) + 1, 10**18 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    # A lone surrogate survives only as an escape, which is how json.dumps writes it.
    | st.text(alphabet=st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=15,
)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(json_values)
def test_whatever_a_sender_can_write_comes_back_equal(value: object) -> None:
    assert parse(json.dumps(value).encode()) == json.loads(json.dumps(value))


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='[]{}",:0-9eE+.\\utrnNaIfy ', max_size=60).map(str.encode))
def test_no_bytes_raise_anything_but_unparseable(body: bytes) -> None:
    with suppress(Unparseable):
        parse(body)
