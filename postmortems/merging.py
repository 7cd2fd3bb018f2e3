"""Two people's changes of one text as one text, where that loses nothing.

The three-way merge of diff3 (Khanna, Kunal, Pierce: "A Formal Investigation of Diff3", 2007): both texts are compared
with the one they came from, word by word, so that two people may also write in one paragraph. What only one of
them changed is taken; what both changed alike is taken once; where both changed the same words, or one changed what
the other removed, there is no merge, and a person decides.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIECES = re.compile(r"\n|[^\S\n]+|\w+|[^\w\s]")
MOST_PIECES = 20_000  # beyond that, lines are compared: words would take too long


class Overlap(Exception):
    """Both changed the same place."""


def merge(base: str, mine: str, theirs: str) -> str:
    """The text with both changes. Raises Overlap where they touch."""
    if mine in (base, theirs):
        return theirs
    if theirs == base:
        return mine
    pieces = _pieces if max(map(len, (base, mine, theirs))) <= 2 * MOST_PIECES else _lines
    return "".join(_merged(pieces(base), pieces(mine), pieces(theirs)))


def _pieces(text: str) -> list[str]:
    return _PIECES.findall(text)


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _merged(base: list[str], mine: list[str], theirs: list[str]) -> Iterator[str]:
    """Walk along the base; ``mine`` and ``theirs`` are changes as spans of it."""
    changes = [(*change, 0) for change in _changes(base, mine)] + [(*change, 1) for change in _changes(base, theirs)]
    changes.sort(key=lambda change: (change[0], change[1]))
    at, last_end, last = 0, -1, None
    for start, end, new, side in changes:
        if last is not None and (start < last_end or (start <= last_end and side != last[3])):
            if (start, end, new) == last[:3] and side != last[3]:
                continue  # both did the same
            raise Overlap
        yield from base[at:start]
        yield from new
        at, last_end, last = end, end, (start, end, new, side)
    yield from base[at:]


def _changes(base: list[str], other: list[str]) -> list[tuple[int, int, list[str]]]:
    matcher = SequenceMatcher(None, base, other, autojunk=False)
    return [(start, end, other[from_:to]) for tag, start, end, from_, to in matcher.get_opcodes() if tag != "equal"]
