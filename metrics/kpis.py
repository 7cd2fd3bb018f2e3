"""The few numbers that stand first, each with its change, its line by week, its definition, and what is not in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics import charts, wording
from metrics.links import Num, Said
from metrics.measures import BY_KEY
from metrics.reading import named

if TYPE_CHECKING:
    from collections.abc import Callable

    from metrics.charts import Spark
    from metrics.figures import Numbered
    from metrics.periods import Step
    from metrics.reading import Reading
    from metrics.samples import Sample

# What is measured: the key of the sample, and of the measure that counts its incidents.
ACKNOWLEDGE, RESOLVE = ("acknowledge", "acknowledged"), ("resolve", "resolved")


@dataclass(frozen=True, slots=True)
class Kpi:
    """A card: ``said`` are sentences, ``left_out`` what the number is not made of."""

    key: str
    title: str
    main: Num
    beside: Said
    change: Said
    spark: Spark
    definition: Said
    left_out: Said


def cards(reading: Reading) -> list[Kpi]:
    """All four."""
    return [
        _length(reading, ACKNOWLEDGE, "Time to acknowledge (MTTA)", _unanswered(reading)),
        _length(reading, RESOLVE, "Time to resolve (MTTR)", _unresolved(reading)),
        _incidents(reading),
        _clocks(reading),
    ]


# ---- lengths ---------------------------------------------------------------------------------------------------------


def _length(reading: Reading, measured: tuple[str, str], title: str, left_out: Said) -> Kpi:
    sample, key = reading.figures.sample_of(measured[0]), measured[1]
    href = reading.links.to(key)
    return Kpi(
        key=key,
        title=title,
        main=Num(wording.length(sample.median), href, "Median"),
        beside=(
            "median; mean ",
            Num(wording.length(sample.mean), href, "Mean"),
            ", p90 ",
            Num(wording.length(sample.p90), href, "90th percentile: nine of ten took no longer"),
        ),
        change=change_of_length(reading, measured, sample),
        spark=_by_step(
            reading,
            f"{title}, median by {reading.span}",
            lambda step: reading.figures.sample_over(measured[0], step.mondays).median,
            wording.length,
        ),
        definition=(*_definition(key), *_n(reading, sample.n, key)),
        left_out=left_out,
    )


def change_of_length(
    reading: Reading, measured: tuple[str, str], sample: Sample, severity: str = "", *, is_short: bool = False
) -> Said:
    """How much shorter or longer the median is than before, and what it was."""
    if reading.before is None or reading.links_before is None:
        return ("not compared",)
    before = reading.before.sample_of(measured[0], severity=severity)
    words = wording.faster(sample.median, before.median, n=sample.n, n_before=before.n)
    if is_short or before.median is None:
        return (words,)
    was = Num(wording.length(before.median), reading.links_before.to(measured[1], severity=severity), "Median before")
    return (words, ", was ", was)


def _definition(key: str) -> Said:
    return (f"{BY_KEY[key].definition}. ",)


def _n(reading: Reading, n: int, key: str) -> Said:
    """The n of it, and that it is few."""
    few = f" (p90 {wording.of_few(n)})" if wording.of_few(n) else ""
    return ("n = ", reading.links.count(n, key), f"{few}.")


def _unanswered(reading: Reading) -> Said:
    waiting, never = reading.number("unacknowledged"), reading.number("never_acknowledged")
    if not waiting and not never:
        return ("Nothing is left out.",)
    return (
        "Left out: ",
        reading.links.count(waiting, "unacknowledged"),
        " not acknowledged yet, ",
        reading.links.count(never, "never_acknowledged"),
        " resolved without an answer.",
    )


def _unresolved(reading: Reading) -> Said:
    still = reading.number("open")
    if not still:
        return ("Nothing is left out: none is open.",)
    return ("Left out: ", reading.links.count(still, "open"), " still open.")


# ---- counts ----------------------------------------------------------------------------------------------------------


def _incidents(reading: Reading) -> Kpi:
    count = reading.number("incidents")
    critical = reading.figures.by_severity["critical"]["incidents"] if "critical" in reading.severities else None
    beside: Said = (f"all {named(reading.severities[0]).lower()}",)
    if critical is not None and len(reading.severities) > 1:
        beside = (reading.links.count(critical, "incidents", severity="critical"), " critical")
    change: Said = ("not compared",)
    if reading.links_before:
        before = reading.number_before("incidents")
        change = (wording.more(count, before), ", was ", reading.links_before.count(before, "incidents"))
    return Kpi(
        key="incidents",
        title="Incidents",
        main=reading.links.count(count, "incidents"),
        beside=beside,
        change=change,
        spark=_by_step(
            reading,
            f"Incidents by {reading.span}",
            lambda step: reading.number_in(step, "incidents"),
            lambda value: wording.number(int(value or 0)),
        ),
        definition=("Created in the period.",),
        left_out=not_counted(reading),
    )


def not_counted(reading: Reading) -> Said:
    """Duplicates, and what somebody has left out."""
    merged, excluded = reading.number("merged"), reading.number("excluded")
    if not merged and not excluded:
        return ("Nothing is left out.",)
    return (
        "Not counted: ",
        reading.links.count(merged, "merged"),
        " merged into others, ",
        reading.links.count(excluded, "excluded"),
        " left out with a reason.",
    )


# ---- promises --------------------------------------------------------------------------------------------------------


def _clocks(reading: Reading) -> Kpi:
    target = reading.settings.target_percent
    now, before = kept(reading.number), kept(reading.number_before)
    late = late_clocks(reading)
    change: Said = ("not compared",)
    if reading.before is not None:
        change = (wording.points(*now, *before),)
    return Kpi(
        key="clocks",
        title="Clocks met",
        main=Num(
            wording.percent(*now),
            reading.links.to("clock_decided"),
            "Of both kinds of clock",
            is_missed=_is_missed(*now, target),
        ),
        beside=_by_clock(reading, target),
        change=(f"target {target} %; ", *change),
        spark=_by_step(
            reading,
            f"Clocks met by {reading.span}, in per cent",
            lambda step: _share_in(reading, step),
            lambda value: f"{int(value or 0)} %",
            limit=float(target),
            floor=min(50, target),
        ),
        definition=("Met / (met + breached). n = ", *_decided(reading), *(("; late: ", *late) if late else ()), "."),
        left_out=("Pending and cancelled clocks are left out.",),
    )


CLOCKS = ("response", "resolution")


def _by_clock(reading: Reading, target: int) -> Said:
    """The share of each kind of clock that came to an end."""
    said: list[str | Num] = []
    for clock in CLOCKS:
        if decided(reading.figures.total, clock):
            said += [", " if said else "", f"{clock} ", _share(reading, clock, target)]
    return tuple(said) or ("none was due",)


def _decided(reading: Reading) -> Said:
    """6 response and 4 resolution."""
    said: list[str | Num] = []
    for clock in CLOCKS:
        if due := decided(reading.figures.total, clock):
            said += [" and " if said else "", reading.links.count(due, f"{clock}_decided"), f" {clock}"]
    return tuple(said) or ("0",)


def decided(numbers: Numbered, *clocks: str) -> int:
    """How many of some kinds of clock were met or breached."""
    return sum(numbers[f"{clock}_{state}"] for clock in clocks for state in ("met", "breached"))


def late_clocks(reading: Reading) -> Said:
    """4 responses and 1 resolution; nothing where every one was met."""
    said: list[str | Num] = []
    for clock in CLOCKS:
        if late := reading.number(f"{clock}_breached"):
            said += [" and " if said else "", reading.links.count(late, f"{clock}_breached")]
            said.append(f" {clock}{'' if late == 1 else 's'}")
    return tuple(said)


def kept(number: Callable[[str], int]) -> tuple[int, int]:
    """How many clocks of both kinds were met, and how many were decided."""
    met = sum(number(f"{clock}_met") for clock in CLOCKS)
    return met, met + sum(number(f"{clock}_breached") for clock in CLOCKS)


def _is_missed(met: int, due: int, target: int) -> bool:
    return bool(due) and met * 100 < target * due


def _share(reading: Reading, clock: str, target: int) -> Num:
    met = reading.number(f"{clock}_met")
    due = decided(reading.figures.total, clock)
    return Num(
        wording.percent(met, due), reading.links.to(f"{clock}_met"), f"{met} of {due}", _is_missed(met, due, target)
    )


def _share_in(reading: Reading, step: Step) -> float | None:
    met, due = kept(lambda key: reading.number_in(step, key))
    return 100 * met / due if due else None


def _by_step(
    reading: Reading,
    title: str,
    value: Callable[[Step], float | None],
    words: Callable[[float | None], str],
    *,
    limit: float | None = None,
    floor: int = 0,
) -> Spark:
    values = [value(step) for step in reading.steps]
    known = [(found, step.first) for found, step in zip(values, reading.steps, strict=True) if found is not None]
    description = "No week has a value."
    if known:
        low, high = min(known), max(known)
        description = (
            f"From {wording.day(reading.steps[0].first)} on, by {reading.span}. "
            f"Least {words(low[0])} in the {reading.span} of {wording.day(low[1])}, "
            f"most {words(high[0])} in the {reading.span} of {wording.day(high[1])}, last {words(known[-1][0])}."
        )
    return charts.spark(values, title=title, description=description, limit=limit, floor=floor)
