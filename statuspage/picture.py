"""What one page tells at one moment, ready to be drawn: every document of a page is made of this, and of nothing else.

No row of an incident comes this far. What is here is public: words of external updates and of announced maintenance,
names of components, and times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime

    from statuspage.models import StatusPage

DAYS = 90


@dataclass(frozen=True, slots=True)
class Said:
    """One external update. ``message`` is Markdown; ``changes`` are (component, health before, health after)."""

    public_id: str
    status: str
    message: str
    at: datetime
    edited_at: datetime | None
    next_at: datetime | None
    changes: tuple[tuple[Part, str, str], ...]


@dataclass(frozen=True, slots=True)
class Told:
    """An incident as the page tells it, the newest update first. ``part_of`` is the public id of the incident that it
    was merged into, where the page tells that one. ``impact`` is ``none``, ``minor``, ``major`` or
    ``critical``: the worst that it did to a component so far. ``parts`` are the components it concerns, each with its
    health by this incident now."""

    public_id: str
    name: str
    status: str
    impact: str
    started_at: datetime
    created_at: datetime
    updated_at: datetime
    monitoring_at: datetime | None
    resolved_at: datetime | None
    parts: tuple[tuple[Part, str], ...]
    said: tuple[Said, ...]
    is_merged: bool = False
    part_of: str = ""

    @property
    def is_open(self) -> bool:
        """Not resolved yet."""
        return self.resolved_at is None


@dataclass(frozen=True, slots=True)
class Works:
    """Announced maintenance. ``state`` is ``scheduled``, ``in_progress``, ``completed`` or ``cancelled``."""

    public_id: str
    title: str
    description: str
    state: str
    starts_at: datetime
    ends_at: datetime
    created_at: datetime
    updated_at: datetime
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A component's day on the page's clocks: its worst health, its seconds down (partial or major outage) and
    degraded, and the incidents that did it. ``is_known`` is False before the component's first day."""

    on: date
    health: str
    down_seconds: int
    degraded_seconds: int
    maintenance_seconds: int
    reports: tuple[str, ...]
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Part:
    """A component now. ``uptime`` is the share of its known time in the last ``DAYS`` days that it was not down,
    between 0 and 1; None where none is known."""

    public_id: str
    name: str
    description: str
    health: str
    group_id: str
    position: int
    since: date
    created_at: datetime
    updated_at: datetime
    uptime: float | None
    days: tuple[Day, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A group of components; those without one stand in a section without name and id."""

    public_id: str
    name: str
    health: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything. ``indicator`` is ``none``, ``minor``, ``major``, ``critical`` or ``maintenance``; ``told`` are the
    incidents of the last ``DAYS`` days and all that are open, the newest first; ``merged`` those of that time that are
    part of others by now, which nothing but their own pages tells of; ``works`` those to come, under way, and
    of the last ``DAYS`` days, in the order of their beginning. ``changes_at`` is when time alone changes it."""

    page: StatusPage
    at: datetime
    indicator: str
    sections: tuple[Section, ...]
    told: tuple[Told, ...]
    works: tuple[Works, ...]
    updated_at: datetime
    changes_at: datetime
    merged: tuple[Told, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """All components, in their order."""
        return tuple(part for section in self.sections for part in section.parts)

    @property
    def open(self) -> tuple[Told, ...]:
        """Incidents that are not resolved."""
        return tuple(told for told in self.told if told.is_open)
