"""What leadership asks, on one screen: are we better, which promise was broken, what cost us, what is overdue?

The page, its PDF and the reports by e-mail say the same; each number leads to what is behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from metrics import charts, kpis, overdue, panels, parts, reading, wording
from metrics.figures import Kind, parts_named
from metrics.links import Line, Num
from metrics.periods import WEEK, Period

if TYPE_CHECKING:
    from collections import Counter
    from datetime import datetime

    from accounts.models import User
    from metrics.charts import Meter
    from metrics.kpis import Kpi
    from metrics.links import Said
    from metrics.panels import Frequency, Hours, Promises
    from metrics.questions import Question
    from metrics.reading import Reading

FEWEST_WEEKS, TREND_WEEKS = 6, 13
PLOT = 175  # pixels: lower than elsewhere, so that all of it fits one screen
MOST_SERVICES = 5
FOLLOWED = ("Postmortems published on time", "Done on time")
COSTS = ("Time down", "Cost", "Reopened", "Alerts per incident")


@dataclass(frozen=True, slots=True)
class Costly:
    """A service, how often it was hit, and how long it was down; ``bar`` is against the longest."""

    name: str
    count: int
    incidents: Num
    down: Num
    bar: Meter


@dataclass(frozen=True, slots=True)
class Leadership:
    """The whole. ``frequency`` is of the period's weeks, or of 13 weeks where it has but a few: ``trend`` says which.
    ``costs`` and ``overdue`` are lines of figures."""

    reading: Reading
    cards: list[Kpi]
    frequency: Frequency
    trend: str
    promises: Promises
    broken: Said
    services: list[Costly]
    more_services: int
    hours: Hours
    peak: Said
    costs: list[Line]
    overdue: list[Line]

    @property
    def is_empty(self) -> bool:
        """Whether no incident was counted."""
        return not self.reading.number("incidents")


def read(question: Question, user: User | None, *, now: datetime) -> Leadership:
    """What a person may know; without one, what is not private."""
    found = reading.read(question, user, now=now)
    trend = _trend(found)
    services, more = _services(found)
    besides = {line.label: line for line in parts.besides(found)}
    return Leadership(
        reading=found,
        cards=_cards(found, trend),
        frequency=panels.frequency(trend, plot=PLOT),
        trend=wording.days(trend.question.period),
        promises=panels.promises(found),
        broken=_broken(found),
        services=services,
        more_services=more,
        hours=panels.hours(found),
        peak=_peak(found),
        costs=[besides[label] for label in COSTS if label in besides],
        overdue=[*_overdue(found), besides["Open"]],
    )


def _trend(found: Reading) -> Reading:
    """The period, or the 13 weeks up to its end where it has too few weeks for a trend."""
    period, mondays = found.question.period, found.question.period.mondays()
    if len(mondays) >= FEWEST_WEEKS:
        return found
    longer = Period.of_days(mondays[-1] - WEEK * (TREND_WEEKS - 1), period.days[1], period.zone)
    return reading.read(replace(found.question, period=longer, against=None), found.user, now=found.now)


def _cards(found: Reading, trend: Reading) -> list[Kpi]:
    """The first numbers, each with the line of the trend: a week alone draws none."""
    cards = kpis.cards(found)
    if trend is found:
        return cards
    return [replace(card, spark=longer.spark) for card, longer in zip(cards, kpis.cards(trend), strict=True)]


# ---- what cost us ----------------------------------------------------------------------------------------------------


def _broken(found: Reading) -> Said:
    """How many promises were not kept, in a sentence."""
    if late := kpis.late_clocks(found):
        return ("Late: ", *late)
    is_due = any(found.number(f"{clock}_met") for clock in kpis.CLOCKS)
    return ("Every promise was kept",) if is_due else ("No promise was due",)


def _services(found: Reading) -> tuple[list[Costly], int]:
    """Those that were down longest, and how many more there are."""
    numbers = found.figures.by_part(Kind.SERVICE, "incidents", "resolved", "impact_us")
    hit = [ref for ref, row in numbers.items() if row["incidents"]]
    hit.sort(key=lambda ref: (-numbers[ref]["impact_us"], -numbers[ref]["incidents"], ref))
    named = parts_named(Kind.SERVICE, hit[:MOST_SERVICES])
    longest = numbers[hit[0]]["impact_us"] if hit else 0
    shown = [_service(found, named[ref], numbers[ref], longest) for ref in hit[:MOST_SERVICES] if ref in named]
    return shown, max(0, len(hit) - MOST_SERVICES)


def _service(found: Reading, service: Any, numbers: Counter[str], longest: int) -> Costly:
    return Costly(
        service.name,
        numbers["incidents"],
        found.links.count(numbers["incidents"], "incidents", service=service.slug),
        _down(found, service.slug, numbers),
        charts.meter(numbers["impact_us"], longest),
    )


def _down(found: Reading, slug: str, numbers: Counter[str]) -> Num:
    """How long it was down; a dash where nothing is resolved yet."""
    if not numbers["resolved"]:
        return Num(wording.NONE)
    return Num(wording.length(numbers["impact_us"]), found.links.to("impact_us", service=slug))


def _peak(found: Reading) -> Said:
    """The hour of the week in which most began, if one stands out."""
    counts = found.figures.by_hour
    most = max(counts)
    if most < parts.REPEATED or counts.count(most) > 1:
        return ()
    hour = counts.index(most)
    number = Num(str(most), found.links.to("incidents", hour=hour))
    return (f"Most in one hour: {charts.DAYS[hour // 24]} {hour % 24:02}:00, ", number)


# ---- what is overdue -------------------------------------------------------------------------------------------------


def _overdue(found: Reading) -> list[Line]:
    follow_up = {line.label: line for line in parts.follow_up(found)}
    return [
        follow_up[overdue.LABEL],
        follow_up["Postmortems overdue"],
        *(_noted(follow_up[label]) for label in FOLLOWED),
    ]


def _noted(line: Line) -> Line:
    label = "Action items done on time" if line.label == "Done on time" else line.label
    return Line(label, (*line.said, f" ({line.note})") if line.note else line.said)
