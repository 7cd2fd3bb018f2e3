"""What differs between two texts."""

from __future__ import annotations

from core import diffing
from core.diffing import Line


def test_a_difference_is_shown_by_lines_with_some_around_it():
    old = "\n".join("abcdefghij")
    new = old.replace("f", "F")
    assert diffing.lines(old, new, context=1) == [
        Line("gap"),
        Line("same", "e", 5, 5),
        Line("removed", "f", old=6),
        Line("added", "F", new=6),
        Line("same", "g", 7, 7),
    ]
    assert diffing.lines(old, old) == []
    assert diffing.lines("", "x") == [Line("added", "x", new=1)]
