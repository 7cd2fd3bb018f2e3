"""Figures as files: for each chart a table of raw values, and the incidents behind a number.

Lengths of time are seconds, weeks are ISO weeks of the zone that the header names, and a header says what its unit is.
Files are made as those of ``incidents.export`` are, and are as harmless to spreadsheets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from incidents.export import BYTE_ORDER_MARK, CHUNK, lines
from incidents.messages import absolute
from metrics import drilldown, load_files
from metrics.charts import DAY_NAMES
from metrics.figures import parts_named
from metrics.measures import BY_KEY, STAGES
from metrics.models import Cell
from metrics.reading import WORST_FIRST
from metrics.samples import SECOND
from metrics.tables import Table, Value, cell, moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

    from accounts.models import User
    from metrics.figures import Figures
    from metrics.measures import Measure
    from metrics.models import Fact
    from metrics.questions import Question
    from metrics.samples import Sample

Kind = Cell.Kind

Chart = Callable[["Question", "User"], Table]


def table(name: str, question: Question, user: User) -> bytes:
    """The file of a chart. Raises KeyError for one that there is not."""
    found = CHARTS[name](question, user)
    rows = [tuple(map(cell, row)) for row in found.rows]
    return lines([found.header, *rows], opening=BYTE_ORDER_MARK)


def file_name(name: str, question: Question) -> str:
    """What it is of, and of which days."""
    first, last = question.period.days
    return f"metrics-{name}-{first}-to-{last}.csv"


def seconds(microseconds: float | None) -> str | None:
    """A length with six decimals; whole seconds are written as such."""
    return None if microseconds is None else f"{microseconds / SECOND:.6f}".rstrip("0").rstrip(".")


def share(part: int, whole: int) -> str | None:
    """From 0 to 1."""
    return f"{part / whole:.6f}" if whole else None


# ---- charts --------------------------------------------------------------------------------------------------


def response_times(question: Question, user: User) -> Table:
    """Times to acknowledge and to resolve, by severity and of all."""
    figures = question.figures(user)
    header = ["severity"]
    for name in ("mtta", "mttr"):
        header += [f"{name}_{part}_seconds" for part in ("mean", "median", "p90")] + [f"{name}_n"]
    rows = [(_severity(severity), *_times(figures, severity)) for severity in _severities(question)]
    return Table(tuple(header), rows)


def _times(figures: Figures, severity: str) -> list[Value | None]:
    found: list[Value | None] = []
    for name in ("acknowledge", "resolve"):
        sample: Sample = figures.sample_of(name, severity=severity)
        found += [seconds(sample.mean), seconds(sample.median), seconds(sample.p90), sample.n]
    return found


def frequency(question: Question, user: User) -> Table:
    """Incidents by week and severity, every one of them, also where there were none."""
    figures = question.figures(user)
    cells = figures.by_cell
    zone = figures.zone
    chosen = [severity for severity in _severities(question) if severity]
    rows: list[tuple[Value | None, ...]] = [
        (f"{week:%G-W%V}", week.isoformat(), severity, cells[week, severity]["incidents"])
        for week in question.period.mondays()
        for severity in chosen
    ]
    return Table((f"iso_week ({zone})", "monday", "severity", "incidents"), rows)


def promises(question: Question, user: User) -> Table:
    """How the response and resolution clocks ended, by severity and of all."""
    figures = question.figures(user)
    states = ("met", "breached", "pending", "cancelled")
    header = ["severity"]
    for clock in ("response", "resolution"):
        header += [f"{clock}_{state}" for state in states] + [f"{clock}_compliance (met / (met + breached))"]
    rows = []
    for severity in _severities(question):
        row: list[Value | None] = [_severity(severity)]
        numbers = figures.by_severity[severity] if severity else figures.total
        for clock in ("response", "resolution"):
            met, breached = numbers[f"{clock}_met"], numbers[f"{clock}_breached"]
            row += [numbers[f"{clock}_{state}"] for state in states] + [share(met, met + breached)]
        rows.append(tuple(row))
    return Table(tuple(header), rows)


def stages(question: Question, user: User) -> Table:
    """Mean time in each stage, by severity and of all."""
    figures = question.figures(user)
    rows = []
    for severity in _severities(question):
        numbers = figures.by_severity[severity] if severity else figures.total
        n = numbers["staged"]
        means = [seconds(numbers[f"{stage}_us"] / n) if n else None for stage in STAGES]
        rows.append((_severity(severity), n, *means))
    return Table(("severity", "n (resolved, every move known)", *(f"{name}_mean_seconds" for name in STAGES)), rows)


_COUNTED = ("incidents", "resolved", "reopened", "response_met", "response_breached", "alerts")
_OF_PART = (*_COUNTED, "impact_us")


def _parts(kind: Kind, key: str) -> Chart:
    def chart(question: Question, user: User) -> Table:
        """Numbers by service, team or cause: an incident of two counts for both."""
        found = question.figures(user).by_part(kind, *_OF_PART)
        known = parts_named(kind, found)
        order = sorted(known, key=lambda ref: (-found[ref]["incidents"], str(known[ref]), ref))
        rows: list[tuple[Value | None, ...]] = [
            (
                str(getattr(known[ref], key)), str(known[ref]), *(found[ref][name] for name in _COUNTED),
                seconds(found[ref]["impact_us"]),
            )
            for ref in order
            if found[ref]["incidents"]
        ]  # fmt: skip
        return Table((f"{kind.value}_{'id' if key == 'pk' else key}", "name", *_COUNTED, "time_down_seconds"), rows)

    return chart


def hours(question: Question, user: User) -> Table:
    """Incidents by the hour of the week that they began in, on the site's clocks."""
    figures = question.figures(user)
    rows: list[tuple[Value | None, ...]] = [
        (hour, DAY_NAMES[hour // 24], f"{hour % 24:02}:00", count) for hour, count in enumerate(figures.by_hour)
    ]
    return Table(("hour_of_week", "day", f"from ({figures.zone})", "incidents"), rows)


def follow_up(question: Question, user: User) -> Table:
    """Action items and postmortems of the incidents."""
    return _numbers(question, user, [key for key in BY_KEY if key.startswith(("items", "learn"))])


def numbers(question: Question, user: User) -> Table:
    """Every number that is defined, with its definition."""
    return _numbers(question, user, list(BY_KEY))


def _numbers(question: Question, user: User, keys: list[str]) -> Table:
    total = question.figures(user).total
    rows: list[tuple[Value | None, ...]] = []
    for key in keys:
        measure = BY_KEY[key]
        label, definition = drilldown.words(measure)
        is_length = drilldown.is_length(measure)
        number = seconds(total[key]) if is_length else total[key]
        rows.append((key, label, number, "seconds" if is_length else measure.unit or "incidents", definition))
    return Table(("key", "label", "number", "unit", "definition"), rows)


def _severities(question: Question) -> list[str]:
    """The worst first, and all of them together as an empty one; only the one that is asked for."""
    chosen = question.narrowing.severity
    return [chosen] if chosen else [*WORST_FIRST, ""]


def _severity(severity: str) -> str:
    return severity or "all"


CHARTS: dict[str, Chart] = {
    "response-times": response_times,
    "frequency": frequency,
    "sla": promises,
    "stages": stages,
    "services": _parts(Kind.SERVICE, "slug"),
    "teams": _parts(Kind.TEAM, "slug"),
    "causes": _parts(Kind.FACTOR, "pk"),
    "hours": hours,
    "follow-up": follow_up,
    "numbers": numbers,
    "on-call-people": load_files.people,
    "on-call-teams": load_files.teams,
}

# ---- incidents -----------------------------------------------------------------------------------------------

INCIDENTS = "incidents"  # the name of the file of what is behind a number


def incident_chunks(rows: QuerySet[Fact], measure: Measure, *, user: User, sort: str, zone: str) -> Iterator[bytes]:
    """The incidents behind a number in the order of their list, ``CHUNK`` at a time: no transaction grows with them."""
    header = [
        "number", "url", "title", "severity", "created_at", f"iso_week ({zone})", f"hour_of_week ({zone})",
        "time_to_acknowledge_seconds", "time_to_resolve_seconds", "time_down_seconds",
        *(f"{stage}_seconds" for stage in STAGES),
        "response_clock", "resolution_clock", "postmortem", "reopenings", "alerts",
        "action_items", "action_items_done", "action_items_on_time", "risks_accepted",
        "is_open", "is_private", "standing", "merged_into", "left_out_reason", "left_out_by", "left_out_at",
    ]  # fmt: skip
    yield lines([header], opening=BYTE_ORDER_MARK)
    beside = absolute(reverse("incidents:list"))
    for facts in drilldown.in_chunks(rows, measure, user=user, sort=sort, size=CHUNK):
        yield lines([[cell(value) for value in _incident(fact, beside)] for fact in facts])


def _incident(fact: Fact, beside: str) -> list[Value | None]:
    incident: Any = drilldown.incident_of(fact)
    is_left_out = incident is not None and incident.excluded_from_metrics
    return [
        fact.pk,
        f"{beside}INC-{fact.pk}",
        incident.title if incident else None,
        fact.severity,
        moment(fact.created_at),
        f"{fact.week:%G-W%V}",
        fact.hour_of_week,
        *map(seconds, (fact.acknowledge_us, fact.resolve_us, fact.impact_us)),
        *(seconds(getattr(fact, f"{stage}_us")) for stage in STAGES),
        fact.response,
        fact.resolution,
        fact.postmortem,
        fact.reopenings,
        fact.alerts,
        fact.items,
        fact.items_done,
        fact.items_on_time,
        fact.items_accepted,
        _yes(fact.is_open),
        _yes(fact.is_private),
        fact.standing,
        f"INC-{incident.merged_into_id}" if incident and incident.merged_into_id else None,
        incident.excluded_reason if is_left_out else None,
        incident.excluded_by.username if is_left_out and incident.excluded_by else None,
        moment(incident.excluded_at) if is_left_out else None,
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"
