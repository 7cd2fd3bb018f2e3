"""What one change brings about, gathered in memory and written with one statement a table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from core import live
from incidents.models import TimelineEntry
from notifications import outbox

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from incidents.models import Incident
    from notifications.models import Notification

Kind = TimelineEntry.Kind


@dataclass
class Consequences:
    """Timeline entries and notifications to be written inside the caller's transaction."""

    now: datetime
    entries: list[TimelineEntry] = field(default_factory=list)
    notifications: list[Notification] = field(default_factory=list)

    def record(
        self,
        incident: Incident,
        kind: str,
        /,
        *,
        by: User | None = None,
        source: str = "",
        text: str = "",
        **data: Any,
    ) -> TimelineEntry:
        """Something that happened now; ``data`` holds its facts."""
        entry = TimelineEntry(
            incident=incident, kind=kind, at=self.now, by=by, source=source[:120], text=text, data=data
        )
        self.entries.append(entry)
        return entry

    def notify(self, rows: list[Notification]) -> None:
        """Obligations to tell someone."""
        self.notifications.extend(rows)

    def write(self) -> None:
        """Put everything into the database; after the commit workers are nudged, and open pages look again."""
        TimelineEntry.objects.bulk_create(self.entries)
        topics = {entry.incident.topic for entry in self.entries}
        if topics:
            live.changed("incidents", *topics)
        outbox.enqueue(self.notifications)
        self.entries, self.notifications = [], []
