"""Two people's changes of one text as one text, where that loses nothing.

The three-way merge of diff3 (Khanna, Kunal, Pierce: "A Formal Investigation of Diff3", 2007): both texts are compared
with the one they came from, word by word, so that two people may also write in one paragraph. What only one of
them changed is taken; what both changed alike is taken once; where both changed the same words, or one changed what
the other removed, there is no merge, and a person decides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from core import diffing

if TYPE_CHECKING:
    from collections.abc import Iterator

# A word has the white space before it: whoever writes on at the end of a line has not touched its last word.
_PIECES = re.compile(r"\n|[^\S\n]*(?:\w+|[^\w\s])|[^\S\n]+")


class Overlap(Exception):
    """Both changed the same place."""


class Change(NamedTuple):
    """``text`` stands where the base has its characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


def merge(base: str, mine: str, theirs: str) -> str:
    """The text with both changes. Raises Overlap where they touch."""
    if mine in (base, theirs):
        return theirs
    if theirs == base:
        return mine
    return applied(base, _both(changes(base, mine), changes(base, theirs)))


def changes(base: str, other: str) -> list[Change]:
    """What was changed, word by word, in order; no two of them touch."""
    lines, other_lines = base.splitlines(keepends=True), other.splitlines(keepends=True)
    at, other_at = _offsets(lines), _offsets(other_lines)
    found: list[Change] = []
    for span in diffing.spans(lines, other_lines):
        start, new_start = at[span.start], other_at[span.new_start]
        found += _within(base[start : at[span.end]], other[new_start : other_at[span.new_end]], start)
    return found


def applied(base: str, found: list[Change]) -> str:
    """The base with changes that are in order and apart."""
    parts, at = [], 0
    for change in found:
        parts += [base[at : change.start], change.text]
        at = change.end
    return "".join([*parts, base[at:]])


def together(mine: str, theirs: str) -> str:
    """Both texts as one for a person to put right: what they share once, and of what differs theirs before mine."""
    before, after = theirs.splitlines(), mine.splitlines()
    parts, at = [], 0
    for span in diffing.spans(before, after):
        parts += [*before[at : span.end], *after[span.new_start : span.new_end]]
        at = span.end
    return "\n".join([*parts, *before[at:]])


def _within(base: str, other: str, shift: int) -> Iterator[Change]:
    pieces, other_pieces = _PIECES.findall(base), _PIECES.findall(other)
    at, other_at = _offsets(pieces), _offsets(other_pieces)
    for span in diffing.spans(pieces, other_pieces):
        text = other[other_at[span.new_start] : other_at[span.new_end]]
        yield Change(shift + at[span.start], shift + at[span.end], text)


def _offsets(parts: list[str]) -> list[int]:
    """Where each part begins, and where the last one ends."""
    found = [0]
    for part in parts:
        found.append(found[-1] + len(part))
    return found


def _both(mine: list[Change], theirs: list[Change]) -> list[Change]:
    """The changes of both in order. Raises Overlap where one of them touches one of the other's."""
    rows = sorted([*((change, 0) for change in mine), *((change, 1) for change in theirs)], key=lambda row: row[0][:2])
    found: list[Change] = []
    last_side = -1
    for change, side in rows:
        if found and side != last_side and change == found[-1]:
            continue  # both did the same
        if found and (change.start < found[-1].end or (change.start == found[-1].end and side != last_side)):
            raise Overlap
        found.append(change)
        last_side = side
    return found
