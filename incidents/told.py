"""Who was told of an incident, by which channel, with what result."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from incidents.models import TimelineEntry
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User

Kind = TimelineEntry.Kind


@dataclass(slots=True)
class Told:
    """One person or team, and everything that was sent to them about the incident, newest first."""

    name: str
    user: User | None
    rows: list[Notification] = field(default_factory=list)
    answered_at: datetime | None = None

    @property
    def first_paged_at(self) -> datetime | None:
        """When they were first asked to answer."""
        return min((row.created_at for row in self.rows if row.purpose == Notification.Purpose.PAGE), default=None)

    @property
    def verdict(self) -> str:
        """``answered``, ``failed``, ``sending``, ``told``, or ``cancelled`` when nothing ever left."""
        if self.answered_at:
            return "answered"
        states = {row.state for row in self.rows}
        for state, verdict in (("sent", "told"), ("kept", "told"), ("pending", "sending"), ("failed", "failed")):
            if state in states:
                return verdict
        return "cancelled"


def by_recipient(notifications: Iterable[Notification], moves: Iterable[TimelineEntry]) -> list[Told]:
    """Notifications by recipient, whoever was told first coming first; people who were paged before all others."""
    answers: dict[Any, list[datetime]] = defaultdict(list)
    for entry in moves:
        if entry.by_id and entry.kind in (Kind.ACKNOWLEDGED, Kind.MOVED):
            answers[entry.by_id].append(entry.at)
    found: dict[tuple[str, Any], Told] = {}
    for row in notifications:
        key = ("user", row.user_id) if row.user_id else ("team", row.team_id or row.recipient)
        told = found.setdefault(key, Told(str(row.user or row.team or row.recipient), row.user))
        told.rows.append(row)
    for told in found.values():
        first, own = told.first_paged_at, answers[told.user.pk] if told.user else []
        told.answered_at = min((at for at in own if first and at >= first), default=None)
    return sorted(found.values(), key=lambda told: (told.first_paged_at is None, told.rows[-1].pk))
