"""What differs between two texts: the places, for merging, and line by line, for reading.

The shortest edit script of Myers ("An O(ND) Difference Algorithm and Its Variations", 1986): quick where little
differs, whatever the length and however often something repeats. Where more than ``most`` edits would be needed, all
between the first and the last difference counts as one change, so that the work is bounded for any two texts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONTEXT = 3
MOST_EDITS = 400


class Span(NamedTuple):
    """What stood from ``start`` to ``end`` of the old one, and stands from ``new_start`` to ``new_end`` of the new."""

    start: int
    end: int
    new_start: int
    new_end: int


@dataclass(frozen=True, slots=True)
class Line:
    """``kind`` is same, added, removed, or gap for lines that are left out; the numbers count from 1."""

    kind: str
    text: str = ""
    old: int | None = None
    new: int | None = None


def spans(old: Sequence[str], new: Sequence[str], *, most: int = MOST_EDITS) -> list[Span]:
    """Where the two differ, in their order; no two of them touch."""
    first, last = _common(old, new)
    a, b = old[first : len(old) - last], new[first : len(new) - last]
    if not a and not b:
        return []
    path = _path(a, b, most) if a and b else None
    if path is None:
        return [Span(first, first + len(a), first, first + len(b))]
    return list(_spans_along(path, first))


def lines(old: str, new: str, *, context: int = CONTEXT) -> list[Line]:
    """The lines that differ, with some around them; nothing where the texts are equal."""
    before, after = old.splitlines(), new.splitlines()
    found: list[Line] = []
    shown = 0  # of the old lines, those before this one are dealt with
    changes = spans(before, after)
    for number, change in enumerate(changes):
        begin = max(shown, change.start - context)
        if begin > shown:
            found.append(Line("gap"))
        found += _same(before, begin, change.start, change.new_start - change.start)
        found += [Line("removed", before[i], old=i + 1) for i in range(change.start, change.end)]
        found += [Line("added", after[j], new=j + 1) for j in range(change.new_start, change.new_end)]
        following = changes[number + 1].start if number + 1 < len(changes) else len(before)
        shown = min(following, change.end + context)
        found += _same(before, change.end, shown, change.new_end - change.end)
    return found


def _same(before: list[str], start: int, end: int, shift: int) -> Iterator[Line]:
    for number in range(start, end):
        yield Line("same", before[number], number + 1, number + 1 + shift)


def _common(a: Sequence[str], b: Sequence[str]) -> tuple[int, int]:
    """How many are equal at the beginning and, of the rest, at the end."""
    shorter = min(len(a), len(b))
    first = 0
    while first < shorter and a[first] == b[first]:
        first += 1
    last = 0
    while last < shorter - first and a[-1 - last] == b[-1 - last]:
        last += 1
    return first, last


def _path(a: Sequence[str], b: Sequence[str], most: int) -> list[tuple[int, int]] | None:
    """The corners of the shortest way from (0, 0) to the end of both; None where it has more than ``most`` edits."""
    furthest = {1: 0}
    rows: list[dict[int, int]] = []
    for edits in range(min(most, len(a) + len(b)) + 1):
        rows.append(furthest)
        reached: dict[int, int] = {}
        for k in range(-edits, edits + 1, 2):
            x = _step(furthest, k, edits)
            y = x - k
            while x < len(a) and y < len(b) and a[x] == b[y]:
                x, y = x + 1, y + 1
            reached[k] = x
            if x >= len(a) and y >= len(b):
                return _back(rows, len(a), len(b))
        furthest = reached
    return None


def _step(furthest: dict[int, int], k: int, edits: int) -> int:
    """Down (something is added) or to the right (something is removed), whichever leads further."""
    if k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1]):
        return furthest[k + 1]
    return furthest[k - 1] + 1


def _back(rows: list[dict[int, int]], x: int, y: int) -> list[tuple[int, int]]:
    corners = [(x, y)]
    for edits in range(len(rows) - 1, 0, -1):
        furthest, k = rows[edits], x - y
        came = k + 1 if k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1]) else k - 1
        after = (furthest[came], furthest[came] - came)
        step = (after[0], after[1] + 1) if came == k + 1 else (after[0] + 1, after[1])
        corners += [step, after]
        x, y = after
    return [(0, 0), *reversed(corners)]


def _spans_along(path: list[tuple[int, int]], first: int) -> Iterator[Span]:
    """Moves that are no diagonal are changes; those that follow one another are one."""
    begun: tuple[int, int] | None = None
    for (x, y), (to_x, to_y) in zip(path, path[1:], strict=False):
        is_equal = to_x - x == to_y - y
        if is_equal and to_x > x and begun is not None:
            yield Span(begun[0] + first, x + first, begun[1] + first, y + first)
            begun = None
        elif not is_equal and begun is None:
            begun = (x, y)
    if begun is not None:
        end = path[-1]
        yield Span(begun[0] + first, end[0] + first, begun[1] + first, end[1] + first)
