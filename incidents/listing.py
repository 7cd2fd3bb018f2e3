"""The list of incidents: its tabs, its orders, its counts, and one page of it.

Every order ends in the id and is served by an index of ``Incident`` read in either direction:

* ``id`` by the primary key, ``created`` by ``incidents_by_created``, ``title`` by ``incidents_by_title``
* ``severity`` by ``incidents_by_severity`` (descending is worst first), ``status`` by ``incidents_by_status``
* ``duration`` by ``incidents_by_duration``: what still runs counts as the longest, the oldest of it first

``assignee`` is the exception: people want names in order, which no index of ``Incident`` knows, so PostgreSQL keeps
the best fifty of all rows of the tab (0.2 to 0.4 s for 300,000).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import IntegerField, Subquery, Value
from django.db.models.functions import Coalesce, Lower, NullIf

from accounts.models import User
from core import pagination
from incidents.models import Incident, SlaClock, Status

if TYPE_CHECKING:
    from datetime import datetime

    from incidents.querysets import IncidentQuerySet

PAGE_SIZE = 50
MOST_COUNTED = 10_000
PERIODS = ("active", "recent", "all")
DEFAULT_SORT = "-created"

# Descending; ascending turns every direction around.
_DESCENDING: dict[str, tuple[str, ...]] = {
    "id": ("-id",),
    "title": ("-title", "-id"),
    "severity": ("severity_rank", "id"),
    "status": ("-status_rank", "-id"),
    "assignee": ("-assignee_name", "-assignee_id", "-id"),
    "duration": ("-ended_after", "created_at", "id"),
    "created": ("-created_at", "-id"),
}
SORTS = tuple(sorted([*_DESCENDING, *(f"-{key}" for key in _DESCENDING)]))


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows each tab has, at most ``MOST_COUNTED`` + 1 each, and what burns."""

    active: int
    recent: int
    all: int
    waiting: int
    oldest: datetime | None


def rows_of(period: str, rows: IncidentQuerySet, *, now: datetime) -> IncidentQuerySet:
    """The rows of a tab."""
    if period == "active":
        return rows.open()
    return rows.recent(now=now) if period == "recent" else rows


def order_of(sort: str) -> tuple[str, ...]:
    """The columns that a sort key of the address stands for."""
    down = _DESCENDING[sort.removeprefix("-")]
    return down if sort.startswith("-") else tuple(_turned(column) for column in down)


def _turned(column: str) -> str:
    return column.removeprefix("-") if column.startswith("-") else f"-{column}"


def page(rows: IncidentQuerySet, *, sort: str, cursor: str | None) -> pagination.Page[Incident]:
    """One page in the order of ``sort``. Raises BadCursor."""
    if sort.removeprefix("-") == "assignee":
        name = Lower(Coalesce(NullIf("assignee__name", Value("")), "assignee__username"))
        rows = rows.annotate(assignee_name=name)
    return pagination.page(rows.for_list(), sort=order_of(sort), cursor=cursor, limit=PAGE_SIZE)


class _BoundedCount(Subquery):
    """How many rows a limited queryset has; the limit is what bounds the cost."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS bounded)"
    output_field = IntegerField()


def counts(rows: IncidentQuerySet, *, user: User, now: datetime) -> Counts:
    """All of the list's figures in one query."""
    active = rows_of("active", rows, now=now).order_by()
    waiting = active.filter(status=Status.TRIGGERED)
    oldest = active.order_by("created_at").values("created_at")[:1]
    bounded: dict[str, Any] = {
        "active": active,
        "recent": rows_of("recent", rows, now=now).order_by(),
        "all": rows.order_by(),
        "waiting": waiting,
    }
    found = (
        User.objects.filter(pk=user.pk)
        .annotate(
            **{f"n_{name}": _BoundedCount(some.values("pk")[: MOST_COUNTED + 1]) for name, some in bounded.items()},
            oldest=Subquery(oldest),
        )
        .values("oldest", *(f"n_{name}" for name in bounded))
        .get()
    )
    return Counts(**{name: found[f"n_{name}"] for name in bounded}, oldest=found["oldest"])


def urgent_clock(incident: Incident) -> SlaClock | None:
    """The clock that a row of the list shows: an unkept response, else a resolution that is late."""
    if not incident.is_open:
        return None
    latest = {clock.kind: clock for clock in incident.clocks.all()}
    response, resolution = latest.get(SlaClock.Kind.RESPONSE), latest.get(SlaClock.Kind.RESOLUTION)
    if response and incident.status == Status.TRIGGERED and response.met_at is None:
        return response
    is_late = resolution and resolution.state == SlaClock.State.BREACHED and resolution.met_at is None
    return resolution if is_late else None
