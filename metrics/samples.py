"""Values by their order, without ever being put into one list: means, medians and percentiles."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Integers = array[int]
else:
    Integers = array  # takes no type before Python 3.12

SECOND = 1_000_000  # microseconds
MOST_SORTED = 2_000
TYPES = {8: "q", 2: "h"}  # of arrays, by the bytes of a value


class Run(Integers):
    """Sorted whole numbers."""

    @cached_property
    def total(self) -> int:
        """What they come to."""
        return sum(self)

    @cached_property
    def counts(self) -> Counter[int]:
        """How often each of them is there."""
        return Counter(self)


def unpacked(values: bytes | memoryview, size: int = 8) -> Run:
    """Sorted values as ``Series`` keeps them, of so many bytes each."""
    found = Run(TYPES[size])
    found.frombytes(values)
    if sys.byteorder == "little":
        found.byteswap()
    return found


def packed(values: Integers) -> bytes:
    """The other way round; the values themselves are lost."""
    if sys.byteorder == "little":
        values.byteswap()
    return values.tobytes()


@dataclass
class Sample:
    """Sorted runs of whole numbers, together one sample; what is asked of it is worked out once."""

    runs: list[Run] = field(default_factory=list)

    @cached_property
    def n(self) -> int:
        """How many values."""
        return sum(map(len, self.runs))

    @cached_property
    def mean(self) -> float | None:
        """None of nothing."""
        n = self.n
        return sum(run.total for run in self.runs) / n if n else None

    @cached_property
    def median(self) -> float | None:
        """The middle value; the mean of the two in the middle of an even number."""
        return self.quantile(1, 2)

    @cached_property
    def p90(self) -> float | None:
        """Nine tenths of the values are no greater."""
        return self.quantile(9, 10)

    def quantile(self, of: int, parts: int) -> float | None:
        """Between the two nearest values in proportion, as PostgreSQL's ``percentile_cont`` and NumPy's default do
        (Hyndman and Fan 1996, definition 7). None of nothing."""
        n = self.n
        if not n:
            return None
        place, rest = divmod((n - 1) * of, parts)
        low, high = self.ranked(place)
        return low + (high - low) * rest / parts if rest else float(low)

    def ranked(self, place: int) -> tuple[int, int]:
        """The value at a place of the order, the smallest at 0, and the next one; the last one is its own next."""
        runs = [run for run in self.runs if run]
        window = _Window(runs, place)
        while window.is_wide:
            window.narrow(place)
        near = window.values()
        found = near[place - window.below : place - window.below + 2]
        after = (run[j] for run, j in zip(runs, window.ends, strict=True) if j < len(run))
        return found[0], found[1] if len(found) > 1 else min(after, default=found[0])


class _Window:
    """The values from ``low`` to ``high``: in each run from its start to its end, in the whole order from ``below`` to
    ``above``. Runs of weeks are much alike: first it is cut at either side of the middle of what each run has at this
    place, then halved, or cut where the place would be if the values were spread evenly, by turns."""

    def __init__(self, runs: list[Run], place: int) -> None:
        self.runs = runs
        self.starts, self.ends = [0] * len(runs), [len(run) for run in runs]
        self.low, self.high = min(run[0] for run in runs), max(run[-1] for run in runs)
        self.below, self.above = 0, sum(self.ends)
        likely = sorted(run[len(run) * place // self.above] for run in runs)
        self.cuts = [likely[len(likely) * percent // 100] for percent in (55, 45)]
        self.turn = 0

    @property
    def is_wide(self) -> bool:
        """Too many different values to be sorted in no time."""
        return self.low < self.high and self.above - self.below > MOST_SORTED

    def values(self) -> list[int]:
        """What is in it, sorted."""
        if self.low == self.high:
            return [self.low] * (self.above - self.below)
        parts = zip(self.runs, self.starts, self.ends, strict=True)
        return sorted(chain.from_iterable(run[start:end] for run, start, end in parts))

    def narrow(self, place: int) -> None:
        """Leave out values on the side where the place is not."""
        middle = max(self.low, min(self._cut(place), self.high - 1))
        cuts = [bisect_right(run, middle, i, j) for run, i, j in zip(self.runs, self.starts, self.ends, strict=True)]
        count = sum(cuts)
        if count > place:
            self.high, self.ends, self.above = middle, cuts, count
        else:
            self.low, self.starts, self.below = middle + 1, cuts, count

    def _cut(self, place: int) -> int:
        if self.cuts:
            return self.cuts.pop()
        self.turn += 1
        share = (2 * (place - self.below) + 1, 2 * (self.above - self.below)) if self.turn % 2 else (1, 2)
        return self.low + (self.high - self.low) * share[0] // share[1]
