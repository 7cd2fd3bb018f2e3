"""The list of follow-ups: its tabs, its orders, and one page of it.

Every order is total and read from an index, so a page costs the same whatever was done long ago. What is open is read
from indexes that hold nothing else:

* ``due`` by ``incidents_actions_by_due``, ``age`` by ``incidents_actions_by_age``
* ``severity``, which belongs to the incident, in four lanes (core.pagination), the worst first, each of them along
  ``incidents_actions_by_due``

What is over, and everything together, goes along ``incidents_actions_all_due`` and ``incidents_actions_all_age``.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import F

from accounts.models import User
from catalog.models import Service
from core import pagination
from core.together import attach, attach_many, together
from core.versions import version_of
from followups.models import Ticket, Tracker
from incidents.models import ActionItem, AffectedService, Incident, Severity
from incidents.querysets import UNLISTED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from incidents.models.communication import ActionItemQuerySet

PAGE_SIZE = 50
DAY = timedelta(days=1)
LATELY = timedelta(days=30)

OPEN, OVERDUE, DONE, DONE_LATELY, ACCEPTED, ALL = "open", "overdue", "done", "done-lately", "accepted", "all"
STATES = (OPEN, OVERDUE, DONE, DONE_LATELY, ACCEPTED, ALL)

_ORDERS: dict[str, tuple[str, ...]] = {
    "due": ("due_on", "id"),
    "-due": ("-due_on", "-id"),
    "age": ("-created_at", "-id"),
    "-age": ("created_at", "id"),
    "severity": ("-rank", "due_on", "id"),
    "-severity": ("rank", "due_on", "id"),
}
SORTS = tuple(_ORDERS)

# From how many days on, and until when.
AGES: dict[str, tuple[str, int, int | None]] = {
    "week": ("Less than a week", 0, 7),
    "month": ("1 to 4 weeks", 7, 28),
    "quarter": ("4 to 12 weeks", 28, 84),
    "older": ("Older", 84, None),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One item of the list, and what stands beside it. ``version`` changes with anything that the row shows."""

    item: ActionItem
    ticket: Ticket | None
    services: list[Service]
    days: int
    version: str


def default_sort(state: str) -> str:
    """What is still to do by its day; the rest as it was written down, the newest first."""
    return "due" if state in (OPEN, OVERDUE) else "age"


def rows_of(state: str, rows: ActionItemQuerySet, *, now: datetime, today: date) -> ActionItemQuerySet:
    """The rows of a tab; ``today`` is the reader's."""
    if state == OPEN:
        return rows.undone()
    if state == OVERDUE:
        return rows.overdue(today)
    if state == DONE_LATELY:
        return done_lately(rows, now=now)
    return {DONE: rows.done, ACCEPTED: rows.accepted, ALL: rows.all}[state]()


def done_lately(rows: ActionItemQuerySet, *, now: datetime) -> ActionItemQuerySet:
    """Done in the last 30 days."""
    return rows.filter(done_at__gte=now - LATELY)


def created_within(age: str, *, now: datetime) -> dict[str, Any]:
    """When what is of an age was written down, as conditions."""
    _, least, most = AGES[age]
    found: dict[str, Any] = {"created_at__lte": now - least * DAY} if least else {}
    return found | ({"created_at__gt": now - most * DAY} if most else {})


def page(
    rows: ActionItemQuerySet, *, sort: str, cursor: str | None, limit: int = PAGE_SIZE
) -> pagination.Page[ActionItem]:
    """One page in the order of ``sort``, with what its rows show. Raises BadCursor."""
    lanes, order = in_order(rows, sort)
    found = pagination.page(lanes, sort=order, cursor=cursor, limit=limit)
    dress(found.items)
    return found


def in_order(rows: ActionItemQuerySet, sort: str) -> tuple[list[ActionItemQuerySet], tuple[str, ...]]:
    """The lanes (core.pagination) of an order, and the columns that make it."""
    if sort.removeprefix("-") != "severity":
        return [rows], _ORDERS[sort]
    ranked = rows.annotate(rank=F("incident__severity_rank"))
    return [ranked.filter(incident__severity_rank=rank) for rank in range(len(Severity.values))], _ORDERS[sort]


def dress(items: Sequence[ActionItem]) -> None:
    """Give items their incident with its services, their tickets, and the people that they name, in one statement."""
    if not items:
        return
    numbers = {item.incident_id for item in items}
    named = {pk for item in items for pk in (item.owner_id, item.done_by_id, item.accepted_by_id) if pk}
    links = AffectedService.objects.filter(incident__in=numbers)
    tickets = Ticket.objects.filter(action_item__in=[item.pk for item in items])
    found = together(
        tickets=tickets,
        trackers=Tracker.objects.filter(pk__in=tickets.values("tracker")).defer("secret"),
        incidents=Incident.objects.filter(pk__in=numbers).defer(*UNLISTED),
        people=User.objects.filter(pk__in=named).defer("password"),
        links=links.order_by("service__name", "service__slug"),
        services=Service.objects.filter(pk__in=links.values("service")).defer("description"),
    )
    incidents = {incident.pk: incident for incident in found["incidents"]}
    people = {person.pk: person for person in found["people"]}
    services = {service.pk: service for service in found["services"]}
    touched: dict[int, list[Service]] = defaultdict(list)
    for link in found.plain("links"):
        touched[link["incident_id"]].append(services[link["service_id"]])
    attach(items, "incident", incidents)
    for name in ("owner", "done_by", "accepted_by"):
        attach(items, name, people)
    attach_many(list(incidents.values()), "affected_services", touched)
    attach(found["tickets"], "tracker", {tracker.pk: tracker for tracker in found["trackers"]})
    by_item = {ticket.action_item_id: ticket for ticket in found["tickets"]}
    for item in items:
        ActionItem._meta.get_field("ticket").set_cached_value(item, by_item.get(item.pk))


def as_rows(items: Sequence[ActionItem], *, now: datetime) -> list[Row]:
    """Items that were dressed, as the list shows them."""
    return [_row(item, now=now) for item in items]


def _row(item: ActionItem, *, now: datetime) -> Row:
    services, days = list(item.incident.affected_services.all()), (now - item.created_at).days
    ticket: Ticket | None = getattr(item, "ticket", None)
    shown = (
        item.pk, item.title, item.kind, str(item.owner), item.due_on, days, item.done_at, item.accepted_at,
        item.accepted_reason, item.incident.title, item.incident.severity, item.incident.is_private,
        [service.name for service in services], ticket and (ticket.state, ticket.key, ticket.url, ticket.error),
        ticket and (str(ticket.tracker), ticket.tracker.is_active),
    )  # fmt: skip
    return Row(item=item, ticket=ticket, services=services, days=days, version=version_of(repr(shown)))
