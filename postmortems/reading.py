"""A postmortem as it is read: its sections with their live lists in place, for the page, the API and files alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from accounts.models import User
from catalog.models import Service
from core.together import attach, together
from postmortems import outline, places
from postmortems.chart import MOVES
from postmortems.models import KeyEvent, Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incidents.models import ActionItem, TimelineEntry
    from postmortems.models import Postmortem


@dataclass(frozen=True, slots=True)
class Part:
    """One section to be read. ``text`` is its whole Markdown; ``before`` and ``after`` stand around its ``place``, the
    live list that a page shows better than Markdown can, if it has one."""

    section: Section
    text: str
    before: str
    place: str
    after: str

    @property
    def is_unwritten(self) -> bool:
        """Whether a person still has to write something."""
        return outline.is_unwritten(self.text)


@dataclass(frozen=True, slots=True)
class Reading:
    """A postmortem with its parts and the events that it tells; of its incident the action items, what changed its
    status (for ``postmortems.chart``), and the services that it touched."""

    postmortem: Postmortem
    parts: list[Part]
    events: list[KeyEvent]
    action_items: list[ActionItem]
    moves: list[TimelineEntry]
    services: list[Service]

    @property
    def unwritten(self) -> list[Part]:
        """The required parts that still keep it from being published."""
        return [part for part in self.parts if part.section.is_required and part.is_unwritten]


def read(postmortem: Postmortem) -> Reading:
    """Everything that is read of it; one query besides its sections."""
    incident = postmortem.incident
    events, items = postmortem.events.filter(is_kept=True), incident.action_items.all()
    named = Q(pk__in=events.order_by().values("changed_by")) | Q(pk__in=items.order_by().values("owner"))
    rows = together(
        events=events,
        items=items,
        people=User.objects.filter(named).only("username", "name"),
        moves=incident.timeline.filter(kind__in=MOVES).order_by("at", "id").defer("text"),
        services=Service.objects.filter(incidents=incident).order_by("name", "pk").only("slug", "name"),
    )
    people = {person.pk: person for person in rows["people"]}
    attach(rows["events"], "changed_by", people)
    attach(rows["items"], "owner", people)
    parts = parts_of(postmortem.sections.all(), rows["events"], rows["items"])
    return Reading(postmortem, parts, rows["events"], rows["items"], rows["moves"], rows["services"])


def parts_of(sections: Iterable[Section], events: list[KeyEvent], items: list[ActionItem]) -> list[Part]:
    """Sections as they are read."""
    lists = places.lists_of(events, items)
    found = []
    for section in sections:
        before, place, after = places.parted(section.body)
        filled = (places.filled(text, lists) for text in (section.body, before, after))
        whole, before, after = filled
        found.append(Part(section, whole, before, place, after))
    return found
