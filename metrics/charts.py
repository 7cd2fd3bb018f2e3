"""Drawings of figures as places and sizes: columns by week, a spark line, a heat map of the hours of the week, bars.

Across, places are per cent of the width, so that text never scales; down, they are pixels. Nothing here knows colours:
a part has a ``kind``, and style sheets (of pages, of the PDF) say what it looks like. Each drawing says in words what
it shows; the same numbers stand in a table beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PLOT_HEIGHT, ABOVE, BELOW = 166, 14, 24  # pixels: of the tallest column, for the total on it, for the names under it
COLUMN_SHARE = 0.7  # of the room that a column has
GAP = 1  # pixels between the parts of a column
MOST_NAMES = 13
MOST_STOPS = 26  # more columns than these are not stepped through by keyboard; the table beside them is
SPARK_WIDTH, SPARK_HEIGHT, SPARK_MARGIN = 100, 28, 3
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
DARKEST = 4


def per_cent(value: float) -> str:
    """As an SVG attribute."""
    return f"{value:.2f}%"


def share(part: float, whole: float) -> float:
    """Per cent, between 0 and 100; 0 of nothing."""
    return min(100.0, max(0.0, 100 * part / whole)) if whole else 0.0


# ---- columns, stacked ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """What is to be drawn of a column: how many of a kind, in words, and where they are listed."""

    kind: str
    count: int
    words: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Stack:
    """A column to be drawn, from its lowest part up."""

    name: str
    words: str
    parts: Sequence[Part]
    href: str = ""

    @property
    def total(self) -> int:
        """Of all parts."""
        return sum(part.count for part in self.parts)


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a column as it is drawn."""

    kind: str
    words: str
    href: str
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column as it is drawn; ``is_named`` where its name has room, ``is_named_narrow`` where it has on a phone."""

    name: str
    words: str
    href: str
    total: int
    x: str
    width: str
    middle: str
    top: str
    segments: list[Segment]
    is_named: bool
    is_named_narrow: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across, and its number."""

    label: str
    y: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The whole drawing, ``height`` pixels high; the columns stand on ``base``."""

    title: str
    description: str
    columns: list[Column]
    ticks: list[Tick]
    is_stepped: bool
    has_totals: bool
    plot: int = PLOT_HEIGHT

    @property
    def base(self) -> int:
        """Pixels from the top."""
        return ABOVE + self.plot

    @property
    def height(self) -> int:
        """Pixels."""
        return self.base + BELOW

    @property
    def names_y(self) -> int:
        """The line on which the names stand."""
        return self.base + 18


def steps(highest: int) -> list[int]:
    """Whole numbers for the axis, from 0 to one that is no smaller: at most six of them, and at least two."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            step = factor * size
            if highest <= step * 5:
                return [step * n for n in range(max(1, -(-highest // step)) + 1)]
        size *= 10


def columns(stacks: Sequence[Stack], *, title: str, description: str, plot: int = PLOT_HEIGHT) -> Columns:
    """Columns in their order, each of its parts; ``plot`` is the height of the tallest that the axis has room for."""
    marks = steps(max((stack.total for stack in stacks), default=0))
    room = 100 / max(1, len(stacks))
    every = -(-len(stacks) // MOST_NAMES) or 1
    last = len(stacks) - 1
    drawn = [
        _column(stack, place=place, room=room, axis=_Axis(marks[-1], plot), from_last=last - place, every=every)
        for place, stack in enumerate(stacks)
    ]
    ticks = [Tick(str(mark), f"{_Axis(marks[-1], plot).y(mark):.1f}") for mark in marks]
    return Columns(title, description, drawn, ticks, len(stacks) <= MOST_STOPS, len(stacks) <= 2 * MOST_NAMES, plot)


@dataclass(frozen=True, slots=True)
class _Axis:
    highest: int
    plot: int

    def y(self, count: int) -> float:
        return ABOVE + self.plot * (1 - count / self.highest)


def _column(stack: Stack, *, place: int, room: float, axis: _Axis, from_last: int, every: int) -> Column:
    width = room * COLUMN_SHARE
    x = place * room + (room - width) / 2
    drawn, below = [], 0
    for part in stack.parts:
        if part.count:
            y, foot = axis.y(below + part.count), axis.y(below)
            height = max(GAP, foot - y - GAP)
            drawn.append(Segment(part.kind, part.words, part.href, f"{min(y, foot - height):.1f}", f"{height:.1f}"))
            below += part.count
    return Column(
        stack.name,
        stack.words,
        stack.href,
        stack.total,
        per_cent(x),
        per_cent(width),
        per_cent(x + width / 2),
        f"{axis.y(stack.total) - 4:.1f}",
        drawn,
        from_last % every == 0,
        from_last % (3 * every) == 0,
    )


# ---- a spark line ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spark:
    """A line without axes in a box of ``SPARK_WIDTH`` by ``SPARK_HEIGHT``. ``path`` is empty where
    there is nothing to draw, ``limit_y`` where there is no target; ``dots`` are the values without neighbours."""

    title: str
    description: str
    path: str
    limit_y: str = ""
    dots: str = ""


def spark(
    values: Sequence[float | None],
    *,
    title: str,
    description: str,
    limit: float | None = None,
    floor: float = 0,
) -> Spark:
    """A value for each place, in order; nothing is drawn where there is none, and a lone one is a dot. ``floor`` is the
    lower edge; what is less stands on it."""
    known = [value for value in values if value is not None]
    top = max([*known, limit or 0, floor + 1])
    apart = SPARK_WIDTH / max(1, len(values) - 1)

    def y(value: float) -> str:
        room = SPARK_HEIGHT - 2 * SPARK_MARGIN
        return f"{SPARK_HEIGHT - SPARK_MARGIN - room * share(value - floor, top - floor) / 100:.1f}"

    path, dots = [], []
    around = [None, *values, None]
    for place, (before, value, after) in enumerate(zip(around, values, around[2:], strict=False)):
        if value is None:
            continue
        at = f"{place * apart:.1f} {y(value)}"
        if before is None and after is None:
            dots.append(f"M{at}h0")
        else:
            path.append(f"M{at}" if before is None else f"L{at}")
    return Spark(title, description, " ".join(path), y(limit) if limit is not None else "", " ".join(dots))


# ---- hours of the week -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HeatCell:
    """An hour: ``level`` is 0 for none and up to ``DARKEST``."""

    hour: int
    count: int
    level: int
    is_off: bool
    words: str
    href: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A day."""

    name: str
    cells: list[HeatCell]


@dataclass(frozen=True, slots=True)
class Scale:
    """What a level stands for."""

    level: int
    words: str


@dataclass(frozen=True, slots=True)
class Heat:
    """Seven days of 24 hours, a table and a drawing at once."""

    rows: list[HeatRow]
    scale: list[Scale]
    hours: range = field(default=range(24))


def heat(counts: Sequence[int], *, unit: tuple[str, str], off: Iterable[int], hrefs: Sequence[str] = ()) -> Heat:
    """``counts``, Monday 00:00 first; ``unit`` is one of it and several; ``off`` are the hours outside working time."""
    step = max(1, -(-max(counts, default=0) // DARKEST))
    outside = set(off)

    def cell(hour: int) -> HeatCell:
        count = counts[hour]
        words = f"{DAY_NAMES[hour // 24]} {hour % 24:02}:00: {count or 'no'} {unit[0] if count == 1 else unit[1]}"
        href = hrefs[hour] if count and hrefs else ""
        return HeatCell(hour % 24, count, -(-count // step), hour in outside, words, href)

    rows = [HeatRow(name, [cell(day * 24 + hour) for hour in range(24)]) for day, name in enumerate(DAYS)]
    levels = [Scale(level, _span(level, step)) for level in range(1, DARKEST + 1)]
    return Heat(rows, [Scale(0, "0"), *levels])


def _span(level: int, step: int) -> str:
    first, last = (level - 1) * step + 1, level * step
    return str(last) if step == 1 else f"{first} to {last}"


def off_hours(weekdays: Iterable[int], opens: time, closes: time) -> list[int]:
    """Hours of the week that are not within working time, weekdays counted from 1 for Monday; an hour that is partly
    within it counts as working time."""
    working = set(weekdays)
    first, last = opens.hour, closes.hour - (closes.replace(second=0, microsecond=0) == time(closes.hour))
    return [hour for hour in range(168) if hour // 24 + 1 not in working or not first <= hour % 24 <= last]


# ---- bars ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Meter:
    """A share of the whole width; ``notch`` is where the target is."""

    width: str
    notch: str = ""
    is_missed: bool = False


def meter(part: float, whole: float, *, target: int | None = None) -> Meter:
    """``target`` in per cent: it is missed where the share is smaller."""
    found = share(part, whole)
    if target is None:
        return Meter(per_cent(found))
    return Meter(per_cent(found), per_cent(target), bool(whole) and part * 100 < target * whole)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a bar."""

    kind: str
    words: str
    x: str
    width: str


def strip(parts: Iterable[tuple[str, float, str]]) -> list[Stretch]:
    """One bar of several parts, each its kind, its amount and its words; together they are as wide as it is."""
    given = [part for part in parts if part[1] > 0]
    whole = sum(amount for _, amount, _ in given)
    found, x = [], 0.0
    for kind, amount, words in given:
        width = share(amount, whole)
        found.append(Stretch(kind, words, per_cent(x), per_cent(width)))
        x += width
    return found
