"""Follow-ups as CSV, made as ``incidents.export`` makes its file, and as harmless to spreadsheets."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from followups import listing
from incidents.export import BYTE_ORDER_MARK, CHUNK, harmless, lines
from incidents.messages import absolute

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from accounts.models import User
    from incidents.models import ActionItem
    from incidents.models.communication import ActionItemQuerySet

COLUMNS = (
    "id", "url", "title", "kind", "state", "owner", "owner_name", "due_on", "incident", "severity", "incident_title",
    "affected_services", "created_at", "done_at", "done_by", "accepted_at", "accepted_by", "accepted_reason",
    "ticket", "ticket_state", "ticket_url",
)  # fmt: skip


def chunks(rows: ActionItemQuerySet, *, sort: str) -> Iterator[bytes]:
    """The file, ``CHUNK`` rows at a time, in the order of the list."""
    yield lines([COLUMNS], opening=BYTE_ORDER_MARK)
    cursor: str | None = None
    while True:
        page = listing.page(rows, sort=sort, cursor=cursor, limit=CHUNK)
        yield lines([_cells(item) for item in page.items])
        cursor = page.next
        if cursor is None:
            return


def _cells(item: ActionItem) -> list[str | int]:
    incident, ticket = item.incident, getattr(item, "ticket", None)
    return [
        item.pk,
        absolute(f"{incident.get_absolute_url()}#action-{item.pk}"),
        harmless(item.title),
        item.kind,
        item.state,
        _username(item.owner),
        harmless(str(item.owner)) if item.owner else "",
        item.due_on.isoformat() if item.due_on else "",
        incident.reference,
        incident.severity,
        harmless(incident.title),
        harmless(", ".join(service.slug for service in incident.affected_services.all())),
        _time(item.created_at),
        _time(item.done_at),
        _username(item.done_by),
        _time(item.accepted_at),
        _username(item.accepted_by),
        harmless(item.accepted_reason),
        *([harmless(ticket.key), ticket.state, harmless(ticket.url)] if ticket else ["", "", ""]),
    ]


def _username(user: User | None) -> str:
    return harmless(user.username) if user else ""


def _time(at: datetime | None) -> str:
    """2026-10-14T01:47:08Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""
