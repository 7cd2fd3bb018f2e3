"""Where incidents come from, and what came of them: services, teams, causes, follow-up, reopenings, noise and cost."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.urls import reverse

from core.time_zones import zone
from core.together import attach
from metrics import charts, choosing, overdue, wording
from metrics.figures import parts_named
from metrics.links import Line, Num, Said
from metrics.measures import BY_KEY
from metrics.models import Cell
from metrics.reading import named
from metrics.samples import SECOND

if TYPE_CHECKING:
    from collections import Counter

    from metrics.charts import Meter
    from metrics.reading import Reading

Kind = Cell.Kind
MOST_ROWS = 8
REPEATED = 2
US_PER_HOUR = 3_600 * SECOND

# ---- services, teams, causes -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PartRow:
    """A service, a team or a cause."""

    name: str
    href: str
    beside: str
    count: Num
    down: Num
    bar: Meter


@dataclass(frozen=True, slots=True)
class Parts:
    """The most frequent first; ``others`` says how many more there are, and leads to all of them."""

    key: str
    title: str
    rows: list[PartRow]
    others: Said
    definition: str


def parts(reading: Reading, *, whole: str = "") -> list[Parts]:
    """All three; of the kind that is asked for ``whole`` there is every one."""
    given = (
        (Kind.SERVICE, "Services that repeat", "Two or more incidents."),
        (Kind.TEAM, "By team", "The team that owns a service today."),
        (
            Kind.FACTOR,
            "By cause",
            "The contributing factors of the postmortem; without one an incident is in no row.",
        ),
    )
    return [_all_parts(reading, *one) if one[0] == whole else _first_parts(reading, *one) for one in given]


_DOWN = "One of several counts for each. Time down: resolved_at − started_at of what is resolved, added up."
_QUERY = {Kind.SERVICE: ("service", "slug"), Kind.TEAM: ("team", "slug"), Kind.FACTOR: ("factor", "pk")}


ALL_SERVICES = "All services"


def _first_parts(reading: Reading, kind: Any, title: str, definition: str) -> Parts:
    found, order = _ordered(reading, kind)
    least = REPEATED if kind == Kind.SERVICE else 1
    shown = [ref for ref in order if found[ref]["incidents"] >= least]
    others: list[str] = []
    if len(shown) > MOST_ROWS:
        others.append(f"{len(shown) - MOST_ROWS} more")
    if len(order) > len(shown):
        others.append(f"{wording.plural(len(order) - len(shown), kind.label.lower())} with one incident")
    href = _of_page(reading, kind, str(kind))
    said: Said = (Num(" and ".join(others), href, "Show all of them"), ".") if others else ()
    rows = _part_rows(reading, kind, shown[:MOST_ROWS], found)
    return Parts(str(kind), title, rows, said, f"{definition} {_DOWN}")


def _all_parts(reading: Reading, kind: Any, title: str, definition: str) -> Parts:
    found, order = _ordered(reading, kind)
    said: Said = ("All are shown; ", Num("show the first", _of_page(reading, kind, "")), ".")
    if kind == Kind.SERVICE:
        title, definition = ALL_SERVICES, ""
    return Parts(str(kind), title, _part_rows(reading, kind, order, found), said, f"{definition} {_DOWN}".strip())


def _of_page(reading: Reading, kind: Any, whole: str) -> str:
    return f"{reading.question.address('metrics:overview', all=whole)}#by-{kind}"


def _ordered(reading: Reading, kind: Any) -> tuple[dict[int, Counter[str]], list[int]]:
    """Those that were hit, the most frequent first."""
    found = reading.figures.by_part(kind, "incidents", "impact_us")
    hit = [ref for ref in found if found[ref]["incidents"]]
    return found, sorted(hit, key=lambda ref: (-found[ref]["incidents"], -found[ref]["impact_us"], ref))


def _part_rows(reading: Reading, kind: Any, refs: list[int], found: dict[int, Counter[str]]) -> list[PartRow]:
    """Without those that are gone."""
    known = parts_named(kind, refs)
    if kind == Kind.SERVICE:
        owners = {service.team_id for service in known.values() if service.team_id}
        attach(known.values(), "team", parts_named(Kind.TEAM, owners) if owners else {})
    most = found[refs[0]]["incidents"] if refs else 0
    return [_part_row(reading, kind, known[ref], found[ref], most) for ref in refs if ref in known]


def _part_row(reading: Reading, kind: Any, part: Any, numbers: Counter[str], most: int) -> PartRow:
    name, key = _QUERY[kind]
    asked: dict[str, Any] = {name: str(getattr(part, key))}
    return PartRow(
        name=str(part),
        href=reading.question.address("metrics:overview", **asked),
        beside=str(part.team or "") if kind == Kind.SERVICE else "",
        count=reading.links.count(numbers["incidents"], "incidents", **asked),
        down=Num(wording.length(numbers["impact_us"]), reading.links.to("impact_us", **asked)),
        bar=charts.meter(numbers["incidents"], most),
    )


# ---- follow-up -------------------------------------------------------------------------------------------------------


def follow_up(reading: Reading) -> list[Line]:
    """Postmortems and action items of the period's incidents, and what is overdue now."""
    count, number = reading.links.count, reading.number
    on_time, late, missing = (number(key) for key in ("learned_on_time", "learned_late", "learning_overdue"))
    items, done, accepted = (number(key) for key in ("items", "items_done", "items_accepted"))
    due = on_time + late + missing
    return [
        Line(
            "Postmortems published on time",
            (count(on_time, "learned_on_time"), " of ", count(due, "learning_due"), " due"),
            _share_of(on_time, due),
        ),
        Line("Postmortems published late", (count(late, "learned_late"),)),
        Line("Postmortems overdue", (_red(count(missing, "learning_overdue"), missing),)),
        Line("Postmortems not due yet", (count(number("learning_waiting"), "learning_waiting"),)),
        Line(
            "Action items done",
            (count(done, "items_done"), " of ", count(items, "items")),
            _share_of(done, items),
        ),
        Line(
            "Done on time",
            (count(number("items_on_time"), "items_on_time"), " of ", count(done, "items_done")),
            _share_of(number("items_on_time"), done),
        ),
        Line("Risks accepted", (count(accepted, "items_accepted"),)),
        overdue.action_items(reading),
    ]


def _red(num: Num, count: int) -> Num:
    return Num(num.text, num.href, num.title, is_missed=count > 0)


def _share_of(part: int, whole: int) -> str:
    return wording.percent(part, whole) if whole >= wording.FEW else ""


# ---- reopenings, noise, what is open, cost ---------------------------------------------------------------------------


def besides(reading: Reading) -> list[Line]:
    """The rest: each a line with its definition."""
    count, number = reading.links.count, reading.number
    reopened, resolved = number("reopened"), number("was_resolved")
    alerts, alerted = number("alerts"), number("alerted")
    return [
        Line(
            "Reopened",
            (
                count(reopened, "reopened"),
                " of ",
                count(resolved, "was_resolved"),
                f" ({wording.percent(reopened, resolved)})" if resolved >= wording.FEW else "",
            ),
            "Of those that were resolved at least once.",
        ),
        Line(
            "Alerts per incident",
            (f"{wording.ratio(alerts, alerted)} (", count(alerts, "alerts"), " of ", count(alerted, "alerted"), ")"),
            "Noise: alerts, of the incidents that at least one belongs to.",
        ),
        Line(
            "Time down",
            (Num(wording.length(number("impact_us")), reading.links.to("impact_us")),),
            "resolved_at − started_at of what is resolved, added up.",
        ),
        *_cost(reading),
        *_open(reading),
    ]


def _cost(reading: Reading) -> list[Line]:
    rates = choosing.rates_of(reading.settings)
    if not rates:
        return []
    spent = [
        Decimal(reading.figures.by_severity[severity]["impact_us"]) / US_PER_HOUR * rates[severity]
        for severity in reading.severities
        if severity in rates
    ]
    said = ", ".join(f"{named(severity).lower()} {rate:,.0f}" for severity, rate in rates.items())
    missing = [named(severity).lower() for severity in reading.severities if severity not in rates]
    without = f"; none set for {' and '.join(missing)}" if missing else ""
    currency = reading.settings.currency
    return [
        Line(
            "Cost",
            (Num(f"{currency} {sum(spent, Decimal(0)):,.0f}", reading.links.to("impact_us")),),
            f"Time down × rate an hour in {currency} ({said}{without}).",
        )
    ]


def _open(reading: Reading) -> list[Line]:
    still = reading.number("open")
    said: Said = (reading.links.count(still, "open"),)
    if still:
        rows = reading.figures.behind().filter(BY_KEY["open"].condition, incident__resolved_at=None)
        oldest = rows.order_by("created_at").values_list("pk", "created_at").first()
        if oldest:
            number, at = oldest
            href = reverse("incidents:detail", args=[f"INC-{number}"])
            day = at.astimezone(zone(reading.figures.zone)).date()
            said = (*said, ", the oldest ", Num(f"INC-{number}", href), f" since {wording.day(day, year=True)}")
    return [Line("Open", said, "Created in the period and not resolved yet; in no time to resolve, no time down.")]
