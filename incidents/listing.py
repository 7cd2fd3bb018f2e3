"""The list of incidents: its tabs, its orders, its counts, and one page of it.

Every order is total and read from an index, so a page costs the same among a thousand incidents and among a million:

* ``id`` by the primary key, ``created`` by ``incidents_by_created``, ``title`` by ``incidents_by_title``
* ``severity`` and ``status`` by ``incidents_by_severity`` and ``incidents_by_status``: within equal ones the newest
  come first, where the worst severity or the first stage does
* ``duration`` as of a moment that the cursor keeps: what is over by ``incidents_by_duration``, merged with what still
  runs, which is read by ``incidents_open``
* ``assignee``, by the names that people see, person by person (incidents.by_assignee)

The tab "recent" is two lanes (core.pagination), what was created lately and what is older and still open. Its rows
are few beside all, but an index that has them last would be read from the wrong end; so in the orders where that could
happen they are sorted instead.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import User
from catalog.models import Service
from core import pagination
from core.counting import Count
from core.together import attach, attach_many, grouped, statement, together
from incidents import by_assignee
from incidents.models import AffectedService, Incident, SlaClock, Status
from incidents.querysets import OPEN_STATUSES, UNLISTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents.querysets import IncidentQuerySet

PAGE_SIZE = 50
MOST_COUNTED = 10_000
PERIODS = ("active", "recent", "all")
DEFAULT_SORT = "-created"
RECENT_DAYS = 14

# Descending; ascending turns every direction around.
_DESCENDING: dict[str, tuple[str, ...]] = {
    "id": ("-id",),
    "title": ("-title", "id"),
    "severity": ("severity_rank", "-created_at", "-id"),
    "status": ("-status_rank", "created_at", "id"),
    "duration": ("-ran_for", "-id"),
    "created": ("-created_at", "-id"),
}
_KEYS = (*_DESCENDING, "assignee")
SORTS = tuple(sorted([*_KEYS, *(f"-{key}" for key in _KEYS)]))


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows each tab has, none counted further than one more than is said, and what burns."""

    active: Count
    recent: Count
    all: Count
    waiting: Count
    oldest: datetime | None


def rows_of(period: str, rows: IncidentQuerySet, *, now: datetime) -> IncidentQuerySet:
    """The rows of a tab."""
    if period == "active":
        return rows.open()
    return rows.recent(now=now, days=RECENT_DAYS) if period == "recent" else rows


def order_of(sort: str) -> tuple[str, ...]:
    """The columns that a sort key of the address stands for; ``assignee`` is none."""
    down = _DESCENDING[sort.removeprefix("-")]
    return down if sort.startswith("-") else tuple(_turned(column) for column in down)


def _turned(column: str) -> str:
    return column.removeprefix("-") if column.startswith("-") else f"-{column}"


# ---- a page ------------------------------------------------------------------------------------------------------


def page(
    rows: IncidentQuerySet, *, sort: str, cursor: str | None, limit: int = PAGE_SIZE, now: datetime | None = None
) -> pagination.Page[Incident]:
    """One page in the order of ``sort``, its rows dressed. Raises BadCursor."""
    key = sort.removeprefix("-")
    if key == "assignee":
        found = by_assignee.page(rows, is_descending=sort.startswith("-"), cursor=cursor, limit=limit)
    elif key == "duration":
        found = _by_duration(rows, sort=sort, cursor=cursor, limit=limit, now=now or timezone.now())
    elif key in ("id", "title") and rows.lanes:
        lanes = [lane.annotate(**{f"by_{key}": Coalesce(key, key)}) for lane in _bare(rows)]
        order = tuple(column.replace(key, f"by_{key}", 1) for column in order_of(sort)[:1]) + order_of(sort)[-1:]
        found = pagination.page(lanes, sort=order, cursor=cursor, limit=limit)
    else:
        found = pagination.page(_bare(rows), sort=order_of(sort), cursor=cursor, limit=limit)
    dress(found.items)
    return found


def _bare(rows: IncidentQuerySet) -> list[IncidentQuerySet]:
    """The lanes of the rows, without what no list shows."""
    return [lane.defer(*UNLISTED) for lane in rows.lanes or (rows,)]


def _by_duration(
    rows: IncidentQuerySet, *, sort: str, cursor: str | None, limit: int, now: datetime
) -> pagination.Page[Incident]:
    """By how long each took, or has been running. The cursor keeps the moment, or every row would move meanwhile."""
    if cursor is not None:
        match pagination.decode(cursor):
            case [datetime() as now, str() as cursor]:
                pass
            case _:
                raise pagination.BadCursor("the cursor belongs to another order of the list")
    so_far = ExpressionWrapper(Value(now, DateTimeField()) - F("created_at"), DurationField())
    taken = Coalesce("ended_after", "ended_after") if rows.lanes else F("ended_after")
    lanes = []
    for lane in _bare(rows):
        lanes.append(lane.filter(status__in=OPEN_STATUSES).annotate(ran_for=so_far))
        lanes.append(lane.filter(ended_after__isnull=False).annotate(ran_for=taken))
    found = pagination.page(lanes, sort=order_of(sort), cursor=cursor, limit=limit)
    on, back = (edge and pagination.encode([now, edge]) for edge in (found.next, found.previous))
    return pagination.Page(found.items, on, back)


def dress(incidents: Sequence[Incident]) -> None:
    """Give incidents what their rows show: assignee, affected services and clocks, in one statement."""
    numbers = [incident.pk for incident in incidents]
    if not numbers:
        return
    links = AffectedService.objects.filter(incident__in=numbers)
    found = together(
        people=User.objects.filter(pk__in={incident.assignee_id for incident in incidents}).defer("password"),
        links=links.order_by("service__name", "service__slug"),
        services=Service.objects.filter(pk__in=links.values("service")).defer("description"),
        clocks=SlaClock.objects.filter(incident__in=numbers).order_by("incident_id", "id"),
    )
    services = {service.pk: service for service in found["services"]}
    touched: dict[int, list[Service]] = defaultdict(list)
    for link in found.plain("links"):
        touched[link["incident_id"]].append(services[link["service_id"]])
    attach(incidents, "assignee", {person.pk: person for person in found["people"]})
    attach_many(incidents, "affected_services", touched)
    attach_many(incidents, "clocks", grouped(found["clocks"], "incident_id"))


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


# ---- counts ------------------------------------------------------------------------------------------------------

# Everything is counted only as far as it is said. What "recent" has already too many of need not be counted for "all".
# The tabs are those of IncidentQuerySet; saying here what each adds spares PostgreSQL and us four copies of the rest.
_IS_OPEN = f"status IN ({', '.join(map(repr, OPEN_STATUSES))})"
_COUNT = f"""
    WITH found AS NOT MATERIALIZED (SELECT * FROM ({{rows}}) AS rows (id, status, merged_into_id, created_at)),
    active AS (SELECT count(*) AS number, count(*) FILTER (WHERE status = 'triggered') AS waiting,
        min(created_at) AS oldest FROM (
            SELECT * FROM found WHERE {_IS_OPEN} AND merged_into_id IS NULL ORDER BY created_at LIMIT {{more}}) AS few),
    young AS (SELECT count(*) AS number FROM (
        SELECT FROM found WHERE created_at >= %s LIMIT {{more}}) AS few),
    older AS (SELECT count(*) AS number FROM (
        SELECT FROM found WHERE {_IS_OPEN} AND created_at < %s LIMIT {{more}}) AS few)
    SELECT active.number, active.waiting, active.oldest, young.number + older.number,
        CASE WHEN young.number + older.number >= {{more}} THEN {{more}}
            ELSE (SELECT count(*) FROM (SELECT FROM found LIMIT {{more}}) AS few) END
    FROM active, young, older
"""  # noqa: S608 - constants


def counts(rows: IncidentQuerySet, *, now: datetime) -> Counts:
    """All of the list's figures in one query; ``rows`` are everything that the filters let through."""
    most = min(MOST_COUNTED, rows.most_counted or MOST_COUNTED)
    found = statement(rows.order_by().values_list("pk", "status", "merged_into_id", "created_at"))
    if found is None:
        nothing = Count(0, most)
        return Counts(nothing, nothing, nothing, nothing, None)
    since = now - timedelta(days=RECENT_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT.format(rows=found[0], more=most + 1), [*found[1], since, since])
        active, waiting, oldest, recent, everything = cursor.fetchone()
    return Counts(Count(active, most), Count(recent, most), Count(everything, most), Count(waiting, most), oldest)
