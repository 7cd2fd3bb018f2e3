"""Figures in words: lengths, shares, changes, and what is said of few. Lengths are microseconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import dateformat

from core import durations
from metrics.charts import DAYS
from metrics.samples import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, time

    from metrics.periods import Period, Step

FEW = 5  # fewer have no change in per cent: one more or less would be a fifth of them
FEW_TENTHS = 10  # the 90th percentile of fewer lies beside the greatest, or between it and the next one
NONE = "–"


def plural(count: int, one: str, several: str = "") -> str:
    """1 incident, 2 incidents."""
    return f"{number(count)} {one if count == 1 else several or one + 's'}"


def weeks(step: Step) -> str:
    """Week of 3 Aug, 4 weeks from 3 Aug."""
    several = len(step.mondays)
    return f"Week of {day(step.first)}" if several == 1 else f"{several} weeks from {day(step.first)}"


def number(count: int) -> str:
    """12,345, as lists write it."""
    return f"{count:,}"


def length(microseconds: float | None) -> str:
    """The two largest units: 4.2 s, 45 s, 2 min 14 s, 41 min, 1 h 31 min, 2 d 4 h; a dash for none."""
    if microseconds is None:
        return NONE
    seconds = microseconds / SECOND
    if 0 < seconds < 10:
        return durations.measured(seconds)
    if durations.MINUTE <= seconds < 10 * durations.MINUTE:
        minutes, rest = divmod(int(seconds), durations.MINUTE)
        return f"{minutes} min {rest:02} s" if rest else f"{minutes} min"
    return durations.words(seconds)


def percent(part: float, whole: float) -> str:
    """A share, rounded down, so that 100 % is all of them and a target that is missed by little is not shown as
    reached; a dash of nothing."""
    if not whole:
        return NONE
    found = int(part * 100 // whole)
    return "under 1 %" if found == 0 and part > 0 else f"{found} %"


def ratio(part: float, whole: float) -> str:
    """How many there are of the one for each of the other: 3.4."""
    return f"{part / whole:.1f}" if whole else NONE


def faster(value: float | None, before: float | None, *, n: int, n_before: int) -> str:
    """How much shorter or longer a length is than before, if there are enough to say so."""
    if value is None:
        return "nothing to compare"
    if before is None:
        return "none before"
    few = min(n, n_before)
    if few < FEW:
        return f"too few to compare: {n} now, {n_before} before"
    if not before:
        return "slower, was none" if value else "no change"
    change = round(100 * (value - before) / before)
    if change >= 100:
        return f"{value / before:.1f} times as long"
    return f"{abs(change)} % {'slower' if change > 0 else 'faster'}" if change else "no change"


def more(count: int, before: int) -> str:
    """How many more or fewer than before."""
    if count == before:
        return "as many as before"
    return f"{number(abs(count - before))} {'more' if count > before else 'fewer'} than before"


def points(part: int, whole: int, part_before: int, whole_before: int) -> str:
    """The change of a share, in percentage points of what is shown, if there are enough to say so."""
    if not whole:
        return "nothing to compare"
    if not whole_before:
        return "none before"
    if min(whole, whole_before) < FEW:
        return f"too few to compare: {whole} now, {whole_before} before"
    now, before = part * 100 // whole, part_before * 100 // whole_before
    return "no change" if now == before else f"was {percent(part_before, whole_before)}"


def few(n: int) -> str:
    """What is said beside a figure of few."""
    if not n:
        return "none"
    return f"only {n}" if n < FEW else ""


def of_few(n: int) -> str:
    """What is said beside a 90th percentile of few."""
    return f"of {n}: close to the longest" if 0 < n < FEW_TENTHS else ""


def day(at: date, *, year: bool = False) -> str:
    """20 Jul, or 20 Jul 2026."""
    return dateformat.format(at, "j M Y" if year else "j M")


def days(period: Period) -> str:
    """20 Jul to 14 Oct 2026; one day alone; both years where they differ."""
    first, last = period.days
    if first == last:
        return day(first, year=True)
    return f"{day(first, year=first.year != last.year)} to {day(last, year=True)}"


def working_hours(weekdays: Iterable[int], opens: time, closes: time) -> str:
    """Mon to Fri, 09:00 to 17:00; weekdays counted from 1 for Monday."""
    chosen = sorted(set(weekdays))
    names = [DAYS[number - 1] for number in chosen]
    is_run = len(chosen) > 2 and chosen == list(range(chosen[0], chosen[-1] + 1))
    said = f"{names[0]} to {names[-1]}" if is_run else ", ".join(names) or "no day"
    return f"{said}, {opens:%H:%M} to {closes:%H:%M}"
