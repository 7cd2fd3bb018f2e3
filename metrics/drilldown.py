"""What is behind a number: exactly the incidents that it counts, or whose amounts it adds up.

Both come from the number's own condition (``metrics.measures``), over the facts that the figures are made of.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from core import pagination
from core.together import attach
from incidents.models import Incident
from metrics.measures import BY_KEY, Measure
from metrics.models import WEEK_HOURS, Fact

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import date

    from django.db.models import QuerySet

    from accounts.models import User
    from core.pagination import Page
    from metrics.figures import Figures

OFF = "off"  # the hours outside working hours, as addresses name them

# Sums of lengths have no words of their own beside the figures, which are means of them.
_LENGTHS = {
    "acknowledge_us": ("Time to acknowledge, added up", "acknowledged_at − created_at of what was acknowledged"),
    "resolve_us": ("Time to resolve, added up", "resolved_at − created_at of what is resolved"),
    "impact_us": ("Time down, added up", "resolved_at − started_at of what is resolved; two at a time count twice"),
    "triggered_us": ("Time in triggered, added up", "Of resolved incidents whose timeline tells every move"),
    "acknowledged_us": ("Time in acknowledged, added up", "Of resolved incidents whose timeline tells every move"),
    "investigating_us": ("Time in investigating, added up", "Of resolved incidents whose timeline tells every move"),
    "mitigating_us": ("Time in mitigating, added up", "Of resolved incidents whose timeline tells every move"),
}


def rows(
    figures: Figures,
    measure: Measure | str,
    *,
    week: date | None = None,
    hour: int | None = None,
    hours: Collection[int] = range(WEEK_HOURS),
) -> QuerySet[Fact]:
    """The facts behind a number, in no order: of the whole period, of one week of the zone of the sums (by its
    Monday), of one hour of the week (0 to 167), or of some. Raises KeyError for a measure that there is not."""
    measure = named(measure)
    found = figures.behind().filter(measure.condition)
    if is_length(measure):
        found = found.filter(**{f"{measure.amount}__isnull": False})
    if week is not None:
        found = found.filter(week=week)
    if hour is not None:
        found = found.filter(hour_of_week=hour)
    if len(hours) < WEEK_HOURS:
        found = found.filter(hour_of_week__in=hours)
    return found


def total(rows: QuerySet[Fact], measure: Measure | str) -> int:
    """The number itself: how many incidents, or the sum of their amounts (lengths of time in microseconds)."""
    return totals(rows, measure)[1]


def totals(rows: QuerySet[Fact], measure: Measure | str) -> tuple[int, int]:
    """How many incidents, and the number: the same, or the sum of their amounts."""
    measure = named(measure)
    if not measure.amount:
        count = rows.count()
        return count, count
    found = rows.aggregate(count=Count("pk"), sum=Sum(measure.amount))
    return found["count"], int(found["sum"] or 0)


def named(measure: Measure | str) -> Measure:
    """A measure by its key. Raises KeyError."""
    return BY_KEY[measure] if isinstance(measure, str) else measure


def is_length(measure: Measure) -> bool:
    """Whether what is added up are lengths of time, in microseconds."""
    return measure.amount.endswith("_us")


def words(measure: Measure) -> tuple[str, str]:
    """What a number is called, and its definition."""
    return (measure.label, measure.definition) if measure.label else _LENGTHS[measure.key]


# ---- the list ------------------------------------------------------------------------------------------------

NEWEST = "newest"
SORTS = {
    NEWEST: "Newest",
    "acknowledge": "Slowest to acknowledge",
    "resolve": "Slowest to resolve",
    "amount": "Most",
}
_COLUMNS = {"acknowledge": "acknowledge_us", "resolve": "resolve_us"}


def sorts(measure: Measure) -> dict[str, str]:
    """The orders that a number's list has: by amount only where there are amounts."""
    return {key: label for key, label in SORTS.items() if key != "amount" or measure.amount}


def page(
    rows: QuerySet[Fact],
    measure: Measure,
    *,
    user: User,
    sort: str = NEWEST,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[Fact]:
    """A page of the facts with the incidents that ``user`` may see now. Raises BadCursor.

    The newest come by the index metrics_fact_created. The other orders have none: whatever they are narrowed to, the
    database reads the period's facts once, as it does to count them, and keeps the first of a page; an index on each
    length would be written with every change and still know no period. What has no such length comes last.
    """
    rows, order = in_order(rows, measure, sort)
    found: Page[Fact] = pagination.page(rows, sort=order, cursor=cursor, limit=limit)
    tie(found.items, user)
    return found


def in_chunks(rows: QuerySet[Fact], measure: Measure, *, user: User, sort: str, size: int) -> Iterator[list[Fact]]:
    """All facts in the order of their list with the incidents that ``user`` may see, ``size`` at a time.

    Most orders have no index, so they are made once: of the numbers alone, eight bytes each. A fact that is not behind
    the number any more when its turn comes is left out.
    """
    ordered, order = in_order(rows, measure, sort)
    keys = array("q", ordered.order_by(*order, "-pk").values_list("pk", flat=True).iterator())
    for start in range(0, len(keys), size):
        some = keys[start : start + size].tolist()
        found = {fact.pk: fact for fact in rows.filter(pk__in=some)}
        facts = [found[key] for key in some if key in found]
        tie(facts, user)
        yield facts


def in_order(rows: QuerySet[Fact], measure: Measure, sort: str) -> tuple[QuerySet[Fact], tuple[str, ...]]:
    """The facts with what one of ``SORTS`` needs, and that order."""
    column = measure.amount if sort == "amount" else _COLUMNS.get(sort, "")
    if not column:
        return rows, ("-created_at",)
    ranked: Any = rows.annotate(place=Coalesce(column, -1))
    return ranked, ("-place", "-created_at")


def tie(facts: Sequence[Fact], user: User) -> None:
    """Read the incidents of some facts, with who left them out. One that is gone by now, or that the person may not see
    any more, is left as it is: a fact may be some seconds older than its incident's being private."""
    wanted = Incident.objects.filter(pk__in=[fact.pk for fact in facts]).visible_to(user)
    kept = wanted.select_related("excluded_by").only(
        "title", "severity", "status", "is_private", "merged_into_id", "excluded_from_metrics", "excluded_reason",
        "excluded_at", "excluded_by__username", "excluded_by__name",
    )  # fmt: skip
    attach(facts, "incident", {incident.pk: incident for incident in kept})


def incident_of(fact: Fact) -> Incident | None:
    """The incident that ``tie`` has read."""
    found: Incident | None = fact._state.fields_cache.get("incident")
    return found
