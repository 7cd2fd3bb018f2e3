"""A postmortem as it is written: each section with its field, how it reads, and what is to be said about it."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from accounts.models import User
from core import diffing
from core.versions import version_of
from postmortems import hints, merging, reading
from postmortems.editing import BODY_LIMIT
from postmortems.places import ACTION_ITEMS, EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.diffing import Line
    from incidents.models import Incident
    from postmortems.hints import Hint
    from postmortems.models import Postmortem, Section
    from postmortems.reading import Part


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else has changed the same words: what they wrote, and what differs between that and one's own."""

    said: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody has in the field of a section: ``text``, written from ``base``. ``note`` says what became of it,
    ``wrong`` why it could not be saved; ``sent`` is what the browser has where it was saved merged with other words."""

    text: str
    base: str
    note: str = ""
    sent: str | None = None
    wrong: str = ""
    conflict: Conflict | None = None
    is_preview: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """One section to write: how it stands, what is in its field, and how that reads."""

    section: Section
    typed: Typed
    part: Part
    hints: list[Hint]
    is_unwritten: bool

    @property
    def version(self) -> str:
        """The same while the section looks the same to somebody who has typed nothing."""
        section = self.section
        shown = (section.number, section.title, section.prompt, section.is_required, section.edited_at)
        return version_of((shown, self.part.text, self.is_unwritten, self.hints))

    @property
    def has_events(self) -> bool:
        """Whether the list of events belongs here."""
        return self.section.key == "timeline" or EVENTS in self.typed.text

    @property
    def has_action_items(self) -> bool:
        """Whether the list of action items belongs here."""
        return self.section.key == "action_items" or ACTION_ITEMS in self.typed.text

    @property
    def changes(self) -> str:
        """What was merged into the text that was sent: ``[[start, end, text], …]`` as JSON, in the units that a
        browser counts characters in."""
        sent = self.typed.text if self.typed.sent is None else self.typed.sent
        found = merging.changes(sent, self.typed.text)
        places = [(_units(sent, one.start), _units(sent, one.end), one.text) for one in found]
        return json.dumps(places, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything that the editor shows."""

    postmortem: Postmortem
    places: list[Place]

    @property
    def required(self) -> list[Place]:
        """What must be written before it is published."""
        return [place for place in self.places if place.section.is_required]

    @property
    def gaps(self) -> list[Place]:
        """What of it is not."""
        return [place for place in self.required if place.is_unwritten]

    @property
    def written(self) -> int:
        """How many of the required sections are."""
        return len(self.required) - len(self.gaps)

    @property
    def version(self) -> str:
        """Of the head of the page."""
        return version_of((self.postmortem.state, [place.section.title for place in self.gaps], len(self.required)))

    @property
    def versions(self) -> dict[str, str]:
        """Of every part of the page, by its id."""
        return {"desk-head": self.version} | {f"edit-{place.section.key}": place.version for place in self.places}


def of(postmortem: Postmortem, typed: Mapping[str, Typed] | None = None) -> Desk:
    """The desk; ``typed`` is what somebody has in the fields of some sections, by key, instead of what was saved;
    how a text reads that is too long to be saved is not shown."""
    typed = typed or {}
    read = reading.read(postmortem)
    people = people_of(postmortem.incident)
    places = []
    for part in read.parts:
        section = part.section
        mine = typed.get(section.key) or Typed(section.body, section.body)
        shown = part
        is_readable = len(mine.text) <= BODY_LIMIT
        if mine.text != section.body and is_readable:
            unsaved = copy(section)
            unsaved.body = mine.text
            (shown,) = reading.parts_of([unsaved], read.events, read.action_items)
        found = hints.find(mine.text, key=section.key, people=people) if is_readable else []
        places.append(Place(section, mine, shown, found, part.is_unwritten))
    return Desk(postmortem, places)


def conflict_of(said: str, *, mine: str, theirs: str) -> Conflict:
    """Theirs beside one's own."""
    return Conflict(said, diffing.lines(theirs, mine))


def people_of(incident: Incident) -> list[User]:
    """Whoever took part in it, was given it or has something left to do; one query."""
    took_part = Q(pk__in=incident.timeline.exclude(by=None).values("by"))
    named = Q(pk__in=[pk for pk in (incident.assignee_id, incident.created_by_id) if pk])
    owners = Q(pk__in=incident.action_items.exclude(owner=None).values("owner"))
    return list(User.objects.filter(took_part | named | owners).only("username", "name").order_by("username"))


def _units(text: str, at: int) -> int:
    """A place in a text as JavaScript counts it, in units of UTF-16."""
    return len(text[:at].encode("utf-16-le")) // 2
