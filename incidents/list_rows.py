"""The rows of the list as they are shown, and how a page knows that none of them has changed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from incidents import listing
from incidents.models import Incident
from incidents.querysets import UNLISTED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User
    from catalog.models import Service
    from incidents.models import SlaClock


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
        incident.is_private,
        incident.merged_into_id,
        incident.assignee_id,
        str(incident.assignee),
        incident.resolved_at,
        clock and (clock.kind, clock.due_at, clock.warn_at),
        [service.name for service in services],
    )
    return Row(incident, clock, services[0] if services else None, services[1:], digest(shown))


def digest(*shown: Any) -> str:
    """A short text that is equal for equal things, in every process."""
    return blake2b(repr(shown).encode(), digest_size=8).hexdigest()
