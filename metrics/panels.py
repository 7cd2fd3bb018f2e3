"""What stands below the first numbers: by week, by severity, by stage and by hour of the week."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metrics import charts, wording
from metrics.charts import Part, Stack
from metrics.drilldown import OFF
from metrics.kpis import ACKNOWLEDGE, CLOCKS, RESOLVE, change_of_length, decided, kept
from metrics.links import Num, Said
from metrics.measures import BY_KEY, STAGES
from metrics.reading import named

if TYPE_CHECKING:
    from metrics.charts import Columns, Heat, Meter, Stretch
    from metrics.periods import Step
    from metrics.reading import Reading

PLOT = 230  # pixels: as high as the table beside it

# ---- by week ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StepRow:
    """A week, or several, in the table beside the columns and the lines."""

    name: str
    counts: list[Num]
    total: Num
    acknowledge: Num
    resolve: Num
    clocks: Num


@dataclass(frozen=True, slots=True)
class Frequency:
    """Incidents by week and severity; ``span`` is what a column stands for, a week or several. ``legend`` is the
    severities with their numbers, the lowest part first."""

    span: str
    drawing: Columns
    legend: list[tuple[str, Num]]
    severities: list[str]
    rows: list[StepRow]
    is_cut: bool


def frequency(reading: Reading, *, plot: int = PLOT) -> Frequency:
    """Every week of the period, those without an incident too; ``plot`` is the height of the tallest column."""
    stacks = [_stack(reading, step) for step in reading.steps]
    total = reading.number("incidents")
    words = ", ".join(
        f"{reading.figures.by_severity[severity]['incidents']} {named(severity).lower()}"
        for severity in reading.severities
    )
    busiest = max(stacks, key=lambda stack: stack.total)
    description = f"{words}. The most in one {reading.span}: {busiest.total}, in that of {busiest.name}."
    weeks = sum(len(step.mondays) for step in reading.steps)
    title = f"Incidents per {reading.span} by severity: {wording.number(total)} in {wording.plural(weeks, 'week')}"
    return Frequency(
        reading.span,
        charts.columns(stacks, title=title, description=description, plot=plot),
        [
            (
                severity,
                reading.links.count(reading.figures.by_severity[severity]["incidents"], "incidents", severity=severity),
            )
            for severity in reading.severities
        ],
        reading.severities,
        [_step_row(reading, step) for step in reading.steps],
        bool(reading.question.period.edges(reading.figures.zone)),
    )


def _stack(reading: Reading, step: Step) -> Stack:
    counts = _counts(reading, step)
    name, total = wording.day(step.first), sum(counts.values())
    words = wording.weeks(step)
    return Stack(
        name=name,
        words=f"{words}: {wording.plural(total, 'incident')}",
        parts=[
            Part(
                severity,
                count,
                f"{words}: {count} {named(severity).lower()}",
                reading.links.to("incidents", severity=severity, step=step) if count else "",
            )
            for severity, count in counts.items()
        ],
        href=reading.links.to("incidents", step=step) if total else "",
    )


def _counts(reading: Reading, step: Step) -> dict[str, int]:
    return {severity: reading.number_in(step, "incidents", severity=severity) for severity in reading.severities}


def _step_row(reading: Reading, step: Step) -> StepRow:
    links, counts = reading.links, _counts(reading, step)
    met, due = kept(lambda key: reading.number_in(step, key))
    clocks = links.to("clock_decided", step=step) if due else ""
    acknowledge, resolve = (
        Num(wording.length(sample.median), links.to(key, step=step) if sample.n else "")
        for name, key in (ACKNOWLEDGE, RESOLVE)
        for sample in [reading.figures.sample_over(name, step.mondays)]
    )
    return StepRow(
        wording.day(step.first, year=True),
        [links.shown(count, "incidents", severity=severity, step=step) for severity, count in counts.items()],
        links.shown(sum(counts.values()), "incidents", step=step),
        acknowledge,
        resolve,
        Num(f"{wording.percent(met, due)} of {due}" if due else wording.NONE, clocks),
    )


# ---- lengths by severity ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LengthRow:
    """One severity, or all of them where ``severity`` is empty. ``note`` says that they are few."""

    severity: str
    mean: Num
    median: Num
    p90: Num
    n: Num
    change: Said
    note: str


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long it takes to acknowledge, or to resolve."""

    title: str
    rows: list[LengthRow]
    definition: str


def lengths(reading: Reading) -> list[Lengths]:
    """Both."""
    titles = ((ACKNOWLEDGE, "Time to acknowledge (MTTA) by severity"), (RESOLVE, "Time to resolve (MTTR) by severity"))
    return [
        Lengths(
            title,
            [_length_row(reading, measured, severity) for severity in _with_all(reading)],
            BY_KEY[measured[1]].definition,
        )
        for measured, title in titles
    ]


def _with_all(reading: Reading) -> list[str]:
    """Each severity, and all of them where there are several."""
    return [*reading.severities, ""] if len(reading.severities) > 1 else reading.severities


def _length_row(reading: Reading, measured: tuple[str, str], severity: str) -> LengthRow:
    sample, key = reading.figures.sample_of(measured[0], severity=severity), measured[1]
    href = reading.links.to(key, severity=severity) if sample.n else ""
    return LengthRow(
        severity,
        Num(wording.length(sample.mean), href),
        Num(wording.length(sample.median), href),
        Num(wording.length(sample.p90), href),
        Num(wording.number(sample.n), href),
        change_of_length(reading, measured, sample, severity, is_short=True),
        wording.few(sample.n),
    )


# ---- promises by severity --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """How a promise was kept: ``met`` of ``decided``, which are ``due``. ``states`` are met, breached, pending and
    cancelled."""

    share: Num
    meter: Meter
    met: Num
    due: int
    decided: Num
    states: list[tuple[str, Num]]
    words: str


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One severity, or all; a kind of clock that was never started is left out."""

    severity: str
    clocks: list[Kept]


@dataclass(frozen=True, slots=True)
class Promises:
    """Response and resolution by severity, against a target in per cent."""

    target: int
    rows: list[PromiseRow]
    hours: str
    names: list[str]
    unpromised: list[str]


def promises(reading: Reading) -> Promises:
    """Of both kinds of clock."""
    promised = [clock for clock in CLOCKS if any(reading.number(f"{clock}_{state}") for state in STATES)]
    rows = [
        PromiseRow(severity, [_kept(reading, clock, severity) for clock in promised]) for severity in _with_all(reading)
    ]
    names = [clock.capitalize() for clock in promised]
    unpromised = [clock for clock in CLOCKS if clock not in promised]
    return Promises(reading.settings.target_percent, rows, working_hours(reading), names, unpromised)


STATES = ("met", "breached", "pending", "cancelled")


def _kept(reading: Reading, clock: str, severity: str) -> Kept:
    numbers = reading.figures.by_severity[severity] if severity else reading.figures.total
    met, due, target = numbers[f"{clock}_met"], decided(numbers, clock), reading.settings.target_percent
    meter = charts.meter(met, due, target=target)
    states = [
        (state, reading.links.shown(numbers[f"{clock}_{state}"], f"{clock}_{state}", severity=severity))
        for state in STATES
    ]
    share = wording.percent(met, due)
    href = reading.links.to(f"{clock}_met", severity=severity) if due else ""
    words = f"{clock.capitalize()}: {share}, target {target} %" if due else f"{clock.capitalize()}: none due"
    of = reading.links.shown(due, f"{clock}_decided", severity=severity)
    return Kept(Num(share, href, is_missed=meter.is_missed), meter, states[0][1], due, of, states, words)


def working_hours(reading: Reading) -> str:
    """Mon to Fri, 09:00 to 17:00, Europe/Berlin."""
    site = reading.site
    return f"{wording.working_hours(site.weekdays, site.opens_at, site.closes_at)}, {site.time_zone}"


# ---- stages ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StageRow:
    """One severity, or all: the mean time in each stage."""

    severity: str
    means: list[Num]
    n: Num
    bar: list[Stretch]

    @property
    def by_stage(self) -> list[tuple[str, Num]]:
        """Each mean with the name of its stage."""
        return list(zip(map(str.capitalize, STAGES), self.means, strict=True))


@dataclass(frozen=True, slots=True)
class Stages:
    """Where the time goes."""

    names: list[str]
    rows: list[StageRow]
    left_out: int


def stages(reading: Reading) -> Stages:
    """The mean of each stage; all means together are the mean time that was worked."""
    return Stages(
        [stage.capitalize() for stage in STAGES],
        [_stage_row(reading, severity) for severity in _with_all(reading)],
        reading.number("resolved") - reading.number("staged"),
    )


def _stage_row(reading: Reading, severity: str) -> StageRow:
    numbers = reading.figures.by_severity[severity] if severity else reading.figures.total
    n = numbers["staged"]
    means = [numbers[f"{stage}_us"] / n if n else None for stage in STAGES]
    href = reading.links.to("staged", severity=severity) if n else ""
    bar = charts.strip(
        (stage, mean or 0, f"{stage.capitalize()}: {wording.length(mean)}")
        for stage, mean in zip(STAGES, means, strict=True)
    )
    return StageRow(severity, [Num(wording.length(mean), href) for mean in means], Num(wording.number(n), href), bar)


# ---- hours of the week -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hours:
    """When incidents begin, on the site's clocks."""

    drawing: Heat
    outside: Num
    total: Num
    hours: str


def hours(reading: Reading) -> Hours:
    """By the hour of the week in which each was created."""
    counts, site = reading.figures.by_hour, reading.site
    off = charts.off_hours(site.weekdays, site.opens_at, site.closes_at)
    hrefs = [reading.links.to("incidents", hour=hour) if count else "" for hour, count in enumerate(counts)]
    drawing = charts.heat(counts, unit=("incident", "incidents"), off=off, hrefs=hrefs)
    outside = reading.links.count(sum(counts[hour] for hour in off), "incidents", hours=OFF)
    return Hours(drawing, outside, reading.links.count(sum(counts), "incidents"), working_hours(reading))
