"""The rows of the list as they are shown, and how a page knows that none of them has changed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from incidents import listing
from incidents.models import Incident, SlaClock, Status
from incidents.querysets import UNLISTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User
    from catalog.models import Service
    from incidents.querysets import IncidentQuerySet

MOST_ASKED = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One incident of the list. ``version`` is another one as soon as anything that the row shows is."""

    incident: Incident
    clock: SlaClock | None
    service: Service | None
    others: list[Service]
    version: str

    @property
    def is_quiet(self) -> bool:
        """Whether nobody works on it: it is over, or worked on as another one."""
        return not self.incident.is_open or self.incident.merged_into_id is not None


def of(incidents: Iterable[Incident]) -> list[Row]:
    """Rows for incidents that ``listing`` has dressed."""
    return [_row(incident) for incident in incidents]


def of_numbers(numbers: Iterable[int], *, user: User) -> list[Row]:
    """Rows of incidents by their numbers, of those that the user may see."""
    incidents = list(Incident.objects.visible_to(user).filter(pk__in=numbers).defer(*UNLISTED))
    listing.dress(incidents)
    return of(incidents)


def _row(incident: Incident) -> Row:
    clock = listing.urgent_clock(incident)
    services = list(incident.affected_services.all())
    shown = (
        incident.title,
        incident.severity,
        incident.status,
        incident.is_unanswered,
        incident.snoozed_until,
        incident.is_private,
        incident.merged_into_id,
        incident.assignee_id,
        str(incident.assignee),
        incident.resolved_at,
        clock and (clock.kind, clock.due_at, clock.warn_at),
        [service.name for service in services],
    )
    return Row(incident, clock, services[0] if services else None, services[1:], digest(shown))


def first_due(rows: Iterable[Row], matching: IncidentQuerySet, *, waiting: int) -> SlaClock | None:
    """The response clock that is due first, or has been overdue for longest, of the ``waiting`` incidents that fit the
    filters. The database is asked only for those that are not among the rows, and for the oldest ``MOST_ASKED``."""
    triggered = [row for row in rows if row.incident.status == Status.TRIGGERED and not row.is_quiet]
    clocks = [row.clock for row in triggered if row.clock]
    if len(triggered) < waiting:
        oldest = matching.open().filter(status=Status.TRIGGERED).order_by("id").values("pk")[:MOST_ASKED]
        running = SlaClock.objects.filter(kind=SlaClock.Kind.RESPONSE, met_at=None, cancelled_at=None)
        clocks += running.filter(incident__in=oldest).order_by("due_at")[:1]
    return min(clocks, key=lambda clock: clock.due_at, default=None)


def digest(*shown: Any) -> str:
    """A short text that is equal for equal things, in every process."""
    return blake2b(repr(shown).encode(), digest_size=8).hexdigest()
