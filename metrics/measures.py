"""Each number there is: which facts are in it, what is counted or added up, and the words that define it.

A number is said once, here. Sums by week (``metrics.cells``), what is read beside them (``metrics.figures``), and the
list of the incidents behind a number (``metrics.drilldown``) all come from these conditions. A new one stands last, and
``metrics.facts.VERSION`` grows: sums of before are read by place until all are made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, Count, F, Func, Q, Sum, Value
from django.db.models.functions import Cast, Coalesce, Least

from metrics.models import Fact

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

Learning, Promise, Standing = Fact.Learning, Fact.Promise, Fact.Standing


@dataclass(frozen=True, slots=True)
class Measure:
    """One number. ``amount`` names what is added up, in ``unit``; without one, incidents are counted. ``definition``
    stands beside the figure; one without a ``label`` only serves others (a sum that a mean is made of)."""

    key: str
    label: str
    condition: Q
    definition: str = ""
    amount: str = ""
    unit: str = ""


_COUNTED = Q(standing=Standing.COUNTED)
_RESOLVED = _COUNTED & Q(resolve_us__isnull=False)
_DECIDED = (Promise.MET, Promise.BREACHED)
_STAGED = _RESOLVED & Q(triggered_us__isnull=False)
STAGES = ("triggered", "acknowledged", "investigating", "mitigating")


def _promises(field: str, word: str) -> list[Measure]:
    words = {
        Promise.MET: f"{word} clocks that were kept by their due time",
        Promise.BREACHED: f"{word} clocks that ran past their due time, answered later or not",
        Promise.PENDING: f"{word} clocks that still run and are not due yet",
        Promise.CANCELLED: f"{word} clocks that ended without counting, because a monitor took the incident back",
    }
    return [
        Measure(f"{field}_{state}", f"{word} {state}", _COUNTED & Q(**{field: state}), definition)
        for state, definition in words.items()
    ]


MEASURES = (
    Measure("incidents", "Incidents", _COUNTED, "Created in the period, without duplicates and what is left out"),
    Measure("merged", "Merged duplicates", Q(standing=Standing.MERGED), "Merged into another incident; not counted"),
    Measure("excluded", "Left out", Q(standing=Standing.EXCLUDED), "Left out by somebody, for the reason given"),
    Measure(
        "acknowledged",
        "Acknowledged",
        _COUNTED & Q(acknowledge_us__isnull=False),
        "acknowledged_at − created_at; after it was given back, the later answer",
    ),
    Measure(
        "unacknowledged",
        "Open, not acknowledged",
        _COUNTED & Q(acknowledge_us=None, is_open=True),
        "Still triggered; not part of the time to acknowledge",
    ),
    Measure(
        "never_acknowledged",
        "Resolved without an answer",
        _COUNTED & Q(acknowledge_us=None, is_open=False),
        "A monitor took them back before anybody answered; not part of the time to acknowledge",
    ),
    Measure(
        "resolved", "Resolved", _RESOLVED, "resolved_at − created_at; a reopened incident counts to its last resolution"
    ),
    Measure("open", "Open", _COUNTED & Q(is_open=True), "Not resolved yet; not part of the time to resolve"),
    Measure("was_resolved", "Resolved at least once", _COUNTED & Q(was_resolved=True), "Some are open again"),
    Measure("reopened", "Reopened", _COUNTED & Q(reopenings__gt=0), "Reopened at least once"),
    *_promises("response", "Response"),
    *_promises("resolution", "Resolution"),
    Measure("staged", "With known stages", _STAGED, "Resolved, and the timeline tells every move"),
    Measure("alerted", "Declared by alerts", _COUNTED & Q(alerts__gt=0), "At least one alert belongs to it"),
    Measure("alerts", "Alerts", _COUNTED & Q(alerts__gt=0), "Alerts that belong to the incidents", "alerts", "alerts"),
    Measure("learned_on_time", "Postmortem on time", _COUNTED & Q(postmortem=Learning.ON_TIME), "Published by its day"),
    Measure("learned_late", "Postmortem late", _COUNTED & Q(postmortem=Learning.LATE), "Published after its day"),
    Measure("learning_overdue", "Postmortem overdue", _COUNTED & Q(postmortem=Learning.OVERDUE), "Its day is past"),
    Measure("learning_waiting", "Postmortem to come", _COUNTED & Q(postmortem=Learning.WAITING), "Not due yet"),
    Measure(
        "items", "Action items", _COUNTED & Q(items__gt=0), "Action items of the incidents", "items", "action items"
    ),
    Measure("items_done", "Action items done", _COUNTED & Q(items_done__gt=0), "Done", "items_done", "action items"),
    Measure(
        "items_on_time",
        "Action items done on time",
        _COUNTED & Q(items_on_time__gt=0),
        "Done by their day on the site's clocks, or without a day",
        "items_on_time",
        "action items",
    ),
    Measure(
        "items_accepted",
        "Risks accepted",
        _COUNTED & Q(items_accepted__gt=0),
        "Left undone for a reason",
        "items_accepted",
        "action items",
    ),
    Measure("acknowledge_us", "", _COUNTED, amount="acknowledge_us"),
    Measure("resolve_us", "", _COUNTED, amount="resolve_us"),
    Measure("impact_us", "", _RESOLVED, amount="impact_us"),
    *(Measure(f"{stage}_us", "", _STAGED, amount=f"{stage}_us") for stage in STAGES),
    Measure(
        "response_decided",
        "Response met or breached",
        _COUNTED & Q(response__in=_DECIDED),
        "Response clocks that were met or breached: what the share of those met is of",
    ),
    Measure(
        "resolution_decided",
        "Resolution met or breached",
        _COUNTED & Q(resolution__in=_DECIDED),
        "Resolution clocks that were met or breached: what the share of those met is of",
    ),
    Measure(
        "clock_decided",
        "A clock met or breached",
        _COUNTED & (Q(response__in=_DECIDED) | Q(resolution__in=_DECIDED)),
        "Incidents with a response or a resolution clock that was met or breached; one with both counts once here",
    ),
    Measure(
        "learning_due",
        "Postmortem due",
        _COUNTED & Q(postmortem__in=(Learning.ON_TIME, Learning.LATE, Learning.OVERDUE)),
        "Published on time, published late, or overdue",
    ),
)
NAMES = tuple(measure.key for measure in MEASURES)
BY_KEY = {measure.key: measure for measure in MEASURES}

# Every value is kept, sorted: what is measured, and of which facts.
SAMPLES = {
    "acknowledge": ("acknowledge_us", BY_KEY["acknowledged"].condition),
    "resolve": ("resolve_us", BY_KEY["resolved"].condition),
    "hour": ("hour_of_week", BY_KEY["incidents"].condition),
}
# What a number can be at most. It is reached by five thousand incidents of a week whose impact is said to have begun in
# 1970: such a sum is wrong, but it stops no other.
MOST = 2**63 - 1
SIZES = {"hour": 2}  # bytes of a value, where it is not 8


def aggregate(measure: Measure) -> Combinable:
    """The number, over facts; never more than ``MOST``."""
    if not measure.amount:
        return Count("pk", filter=measure.condition)
    total = Coalesce(Sum(measure.amount, filter=measure.condition), Value(0))
    return Cast(Least(total, Value(MOST)), BigIntegerField())


class Numbers(Func):
    """All of them as one array, in the order of ``NAMES``."""

    template = "ARRAY[%(expressions)s]"

    def __init__(self) -> None:
        super().__init__(*map(aggregate, MEASURES), output_field=ArrayField(BigIntegerField()))


class Unnested(Func):
    """A row for each member of an array."""

    function = "unnest"
    output_field = BigIntegerField()
    set_returning = True

    def __init__(self, name: str, **extra: Any) -> None:
        super().__init__(F(name), **extra)
