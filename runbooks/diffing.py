"""What differs between two texts, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTEXT = 3


@dataclass(frozen=True, slots=True)
class Line:
    """``kind`` is same, added, removed, or gap for lines that are left out; the numbers count from 1."""

    kind: str
    text: str = ""
    old: int | None = None
    new: int | None = None


def lines(old: str, new: str, *, context: int = CONTEXT) -> list[Line]:
    """The lines that differ, with some around them; nothing where the texts are equal."""
    before, after = old.splitlines(), new.splitlines()
    found: list[Line] = []
    for group in SequenceMatcher(None, before, after, autojunk=False).get_grouped_opcodes(context):
        if found or group[0][1] > 0:
            found.append(Line("gap"))
        for tag, start, end, new_start, new_end in group:
            if tag == "equal":
                pairs = zip(range(start, end), range(new_start, new_end), strict=True)
                found += [Line("same", before[i], i + 1, j + 1) for i, j in pairs]
            else:
                found += _changed(before, after, (start, end, new_start, new_end))
    return found


def _changed(before: list[str], after: list[str], span: tuple[int, int, int, int]) -> Iterator[Line]:
    start, end, new_start, new_end = span
    for number in range(start, end):
        yield Line("removed", before[number], old=number + 1)
    for number in range(new_start, new_end):
        yield Line("added", after[number], new=number + 1)
