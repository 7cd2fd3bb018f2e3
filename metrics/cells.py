"""Sums of facts by week; what is private is in none of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Aggregate, BinaryField, QuerySet, Value

from core.together import statement
from metrics.measures import SAMPLES, SIZES, Numbers, Unnested
from metrics.models import Cell, Fact, Load, Series, Tally

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Cell.Kind
PARTS = {Kind.SERVICE: "service_ids", Kind.TEAM: "team_ids", Kind.FACTOR: "factor_ids"}
KEYS = ("kind", "ref", "week", "severity")
COLUMNS: dict[type[Cell], tuple[str, ...]] = {Tally: (*KEYS, "numbers"), Series: (*KEYS, "measure", "values")}


class Packed(Aggregate):
    """The values of one of ``metrics.measures.SAMPLES`` in their order, as big-endian integers of so many bytes."""

    function = "string_agg"
    template = "%(function)s(int%(size)ssend((%(expressions)s)::int%(size)s), ''::bytea ORDER BY %(expressions)s)"
    output_field = BinaryField()

    def __init__(self, name: str, **extra: Any) -> None:
        super().__init__(SAMPLES[name][0], **{"size": SIZES.get(name, 8), **extra})


def queries(facts: QuerySet[Fact]) -> Iterator[tuple[type[Cell], QuerySet[Any, Any]]]:
    """What some facts come to, as rows of ``COLUMNS``: once for all incidents, and by service, team and factor."""
    facts = facts.filter(is_private=False).order_by()
    kinds = [facts.annotate(kind=Value(Kind.ALL.value), ref=Value(0))]
    kinds += [facts.annotate(kind=Value(kind.value), ref=Unnested(name)) for kind, name in PARTS.items()]
    for rows in kinds:
        yield Tally, rows.values(*KEYS).annotate(numbers=Numbers()).values_list(*KEYS, "numbers")
        for name, (_, condition) in SAMPLES.items():
            values = rows.filter(condition).annotate(measure=Value(name)).values(*KEYS, "measure")
            yield Series, values.annotate(packed=Packed(name)).values_list(*KEYS, "measure", "packed")


def sum_everything() -> None:
    """Make all sums anew. Whoever reads meanwhile reads those that there were."""
    for sums in (Tally, Series, Load):
        sums.objects.all().delete()
    for model, rows in queries(Fact.objects.all()):
        _insert(model, rows)
    _load_everything()


def _insert(model: type[Cell], rows: QuerySet[Any, Any]) -> None:
    found = statement(rows)
    if found is None:
        return
    names = ", ".join(f'"{column}"' for column in COLUMNS[model])
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {model._meta.db_table} ({names}) {found[0]}", found[1])  # noqa: S608


# ---- pages to people ---------------------------------------------------------------------------------------------

EPOCH = date(1970, 1, 1)


def hours_of(first: date, last: date) -> dict[str, int]:
    """The local hours of some days, as a filter of interruptions; both days are in it."""
    start, end = ((day - EPOCH).days * 24 for day in (first, last + timedelta(days=1)))
    return {"local_hour__gte": start, "local_hour__lt": end}


def week_of(local_hour: int) -> date:
    """The Monday of the week of a local hour."""
    day = EPOCH + timedelta(days=local_hour // 24)
    return day - timedelta(days=day.weekday())


# Local hour 0 is the 72nd hour of its week: 1970 began on a Thursday.
_LOADS = """
    INSERT INTO metrics_load (user_id, week, pages, night_pages, interrupted_hours, hours)
    SELECT user_id, DATE '1969-12-29' + 7 * week, count(*), count(*) FILTER (WHERE is_night),
        count(DISTINCT local_hour), array_agg((local_hour + 72) %% 168 ORDER BY (local_hour + 72) %% 168)
    FROM (SELECT *, floor((local_hour + 72) / 168.0)::int AS week FROM metrics_interruption) AS page
    WHERE is_counted AND NOT is_private {narrowed}
    GROUP BY user_id, week
"""


def load_again(week: date, people: list[int]) -> None:
    """Make the sums of some people's week anew."""
    Load.objects.filter(week=week, user__in=people).delete()
    hours = hours_of(week, week + timedelta(days=6))
    narrowed = "AND user_id = ANY(%s::bigint[]) AND local_hour >= %s AND local_hour < %s"
    with connection.cursor() as cursor:
        cursor.execute(_LOADS.format(narrowed=narrowed), [people, *hours.values()])


def _load_everything() -> None:
    with connection.cursor() as cursor:
        cursor.execute(_LOADS.format(narrowed=""), [])
