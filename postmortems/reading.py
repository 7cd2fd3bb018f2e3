"""A postmortem as it is read: its sections with their live lists in place, for the page, the API and files alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from postmortems import outline, places
from postmortems.models import KeyEvent, Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incidents.models import ActionItem
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
    """A postmortem with its parts, the events that it tells, and the action items of its incident."""

    postmortem: Postmortem
    parts: list[Part]
    events: list[KeyEvent]
    action_items: list[ActionItem]

    @property
    def unwritten(self) -> list[Part]:
        """The required parts that still keep it from being published."""
        return [part for part in self.parts if part.section.is_required and part.is_unwritten]


def read(postmortem: Postmortem) -> Reading:
    """Everything that is read of it; two queries besides its sections."""
    events = list(postmortem.events.filter(is_kept=True).select_related("changed_by"))
    items = list(postmortem.incident.action_items.select_related("owner"))
    return Reading(postmortem, parts_of(postmortem.sections.all(), events, items), events, items)


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
