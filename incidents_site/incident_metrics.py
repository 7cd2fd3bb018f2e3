"""The incident figures for Prometheus: of all time, from the sums by week that the pages of metrics are made of.

None of them is a counter: an incident that is left out, merged or made less severe takes its part away again, and a
counter that falls reads as a restart. So they are of no type that promises to grow, and ``delta`` or the values
themselves are to be asked for, never ``rate``.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, Subquery
from prometheus_client.core import GaugeMetricFamily, UntypedMetricFamily

from incidents.models import Severity
from metrics.figures import Figures, Narrowing
from metrics.models import Fact, Interruption, Load, Progress, Stale
from metrics.periods import Period
from metrics.samples import SECOND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from django.db.models import QuerySet
    from prometheus_client import Metric

    from accounts.models import User
    from metrics.figures import Numbered

# From a Monday to a Sunday, so that the weeks of the sums are all there is to read.
FIRST, LAST = date(1970, 1, 5), date(2970, 1, 4)
MOST_WAITING = 100_000
STATES = [state for state in Fact.Promise.values if state]
CAN_FALL = "It can fall: an incident may be left out, merged or made less severe."
# The name, the number that counts them, and the one that adds them up.
LENGTHS = {
    "muster_incident_acknowledge_seconds": (
        "acknowledged",
        "acknowledge_us",
        "Seconds from creation to the answer",
    ),
    "muster_incident_resolve_seconds": ("resolved", "resolve_us", "Seconds from creation to the last resolution"),
}


def collect(user: User, *, now: datetime) -> Iterator[Metric]:
    """What one person may know: the sums of what is not private, and the private incidents that they may see."""
    state = _state(user)
    zone = state.zone if state else "UTC"
    figures = Figures(user, Period.of_days(FIRST, LAST, zone), Narrowing(), zone=zone)
    numbers = figures.by_severity
    yield _by_severity("muster_incidents_total", "Incidents that count.", numbers, "incidents")
    for name, (count, total, words) in LENGTHS.items():
        yield _by_severity(f"{name}_sum", f"{words}, added up.", numbers, total, per=SECOND)
        yield _by_severity(f"{name}_count", f"{words}: how many.", numbers, count)
    clocks = UntypedMetricFamily(
        "muster_incident_response_clock_total",
        f"Response clocks by how they ended. {CAN_FALL}",
        labels=("severity", "state"),
    )
    for severity in Severity.values:
        for ended in STATES:
            clocks.add_metric((severity, ended), numbers[severity][f"response_{ended}"])
    yield clocks
    yield UntypedMetricFamily(
        "muster_incidents_reopened_total",
        f"Incidents that were reopened at least once. {CAN_FALL}",
        value=figures.total["reopened"],
    )
    pages = state.pages + state.private_pages if state else 0
    yield UntypedMetricFamily("muster_pages_total", f"Pages that reached a person. {CAN_FALL}", value=pages)
    yield from _freshness(state, now)


def _by_severity(name: str, words: str, numbers: dict[str, Numbered], key: str, *, per: int = 0) -> UntypedMetricFamily:
    """``per`` is what the number is divided by."""
    family = UntypedMetricFamily(name, f"{words} {CAN_FALL}", labels=("severity",))
    for severity in Severity.values:
        value = numbers[severity][key]
        family.add_metric((severity,), value / per if per else value)
    return family


class _Over(Subquery):
    """One number over the rows of a query."""

    output_field = BigIntegerField()

    def __init__(self, rows: QuerySet[Any, Any], number: str) -> None:
        super().__init__(rows, template=f"(SELECT {number} FROM (%(subquery)s) AS rows)")  # noqa: S608 - a constant


def _state(user: User) -> Any:
    """How far the sums are, with the pages of those about what is not private, the others, and what waits: in one
    statement. None while there are no sums."""
    about = Fact.objects.filter(is_private=True).values("pk")  # few, and by an index of their own
    private: Any = Interruption.objects.filter(is_private=True, is_counted=True, incident__in=about)
    return (
        Progress.objects.filter(pk=1)
        .annotate(
            pages=_Over(Load.objects.values("pages"), "coalesce(sum(pages), 0)"),
            private_pages=_Over(private.visible_to(user).values("pk"), "count(*)"),
            waiting=_Over(Stale.objects.values("pk")[:MOST_WAITING], "count(*)"),
        )
        .first()
    )


def _freshness(state: Any, now: datetime) -> Iterator[Metric]:
    """Where nothing waits, everything up to now is in the figures."""
    yield GaugeMetricFamily(
        "muster_metrics_stale",
        "Changes that the incident figures do not have yet.",
        value=state.waiting if state else 0,
    )
    at = state.summed_at if state else None
    if at and not state.waiting:
        at = now
    yield GaugeMetricFamily(
        "muster_metrics_summed_timestamp_seconds",
        "Up to when everything is in the incident figures; 0 before there are any.",
        value=at.timestamp() if at else 0,
    )
