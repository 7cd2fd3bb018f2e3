"""Writing a section: saves that lose nobody's words, and what a section said before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from core import live
from core.text import clean
from core.work import db_now
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow
from postmortems import drafting, merging, places, searching
from postmortems.models import Postmortem, Revision, Section

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from accounts.models import User

BODY_LIMIT = 50_000
ONE_REVISION = timedelta(minutes=5)  # the editor saves every few seconds
PUBLISHED = "This postmortem is published and stands as it is. Take it back to change it."
MERGED, TAKEN_BACK = "merged", "taken back to {number}"


class Overtaken(Exception):
    """Somebody else has changed the same words since; ``section`` is how it stands. Nothing was saved."""

    def __init__(self, section: Section) -> None:
        super().__init__(
            f"{section.edited_by or 'Somebody'} has changed the same words of “{section.title}” meanwhile."
        )
        self.section = section


@transaction.atomic
def write(
    section: Section,
    *,
    body: str,
    base: str | None = None,
    by: User | None,
    note: str = "",
    now: datetime | None = None,
) -> Section:
    """Save what a section says. ``base`` is the text that the writer began with: what somebody else has saved since is
    kept, merged with it; without ``base`` the text replaces whatever is there.

    The first edit by a person moves the incident to its postmortem. Raises Overtaken where both changed the same
    words, NotAllowedNow for a published postmortem, and ValidationError for a text that is too long.
    """
    body = _checked(body)
    postmortem, section = locked(section)
    now = now or db_now()
    theirs = section.body
    if base is not None:
        body = _merged(section, base=normal(base), mine=body)
    if body == theirs:
        return section
    merged = base is not None and theirs != normal(base)
    section.body, section.number = body, section.number + 1
    section.edited_at, section.edited_by = now, by
    section.save(update_fields=["body", "number", "edited_at", "edited_by"])
    _keep(section, by=by, note=note or (MERGED if merged else ""), now=now)
    drafting.begin(postmortem, postmortem.incident, by=by, now=now)
    searching.index(postmortem)
    live.changed(postmortem.incident.topic)
    return section


def _keep(section: Section, *, by: User | None, note: str, now: datetime) -> None:
    """Its revision: in the place of the last one where that is the same person's and younger than five minutes.
    One with a note, which may be spoken of by its number, stays; a number that is replaced is not used again."""
    own = section.revisions.filter(number=section.number - 1, by=by, note="", at__gt=now - ONE_REVISION)
    if by is None or note or not own.update(number=section.number, body=section.body):
        Revision.objects.create(section=section, number=section.number, body=section.body, at=now, by=by, note=note)


@transaction.atomic
def write_many(
    postmortem: Postmortem, bodies: Mapping[str, str], *, by: User | None, now: datetime | None = None
) -> None:
    """Save several sections by their keys, as the API sends them: texts that repeat a live list word for word point at
    it again. Raises ValidationError for a key that there is not."""
    sections = {section.key: section for section in postmortem.sections.all()}
    if unknown := bodies.keys() - sections.keys():
        known = ", ".join(sections)
        raise ValidationError({"sections": f"There is no section {', '.join(sorted(unknown))}; there are: {known}."})
    lists = lists_of(postmortem)
    for key, body in bodies.items():
        write(sections[key], body=places.folded(normal(body), lists), by=by, now=now)


@transaction.atomic
def take_back(section: Section, *, number: int, by: User | None, now: datetime | None = None) -> Section:
    """Let a section say again what it said as of a revision. Raises Revision.DoesNotExist."""
    body = section.revisions.get(number=number).body
    return write(section, body=body, by=by, note=TAKEN_BACK.format(number=number), now=now)


def locked(section: Section) -> tuple[Postmortem, Section]:
    """The section for this transaction, with its postmortem and incident. Raises NotAllowedNow when it is published."""
    postmortem = locked_postmortem(section.postmortem_id)
    found: Section = Section.objects.select_for_update(of=("self",)).select_related("edited_by").get(pk=section.pk)
    found.postmortem = postmortem
    return postmortem, found


def locked_postmortem(pk: int, *, even_published: bool = False) -> Postmortem:
    """The postmortem, locked after its incident. Raises NotAllowedNow when it is published."""
    incident = Incident.objects.locked(Postmortem.objects.values_list("incident", flat=True).get(pk=pk))
    postmortem: Postmortem = Postmortem.objects.select_for_update(of=("self",)).get(pk=pk)
    postmortem.incident = incident
    if postmortem.is_published and not even_published:
        raise NotAllowedNow(PUBLISHED)
    return postmortem


def lists_of(postmortem: Postmortem) -> dict[str, str]:
    """The lists that its text points at (``postmortems.places``); two queries."""
    items = postmortem.incident.action_items.select_related("owner")
    return places.lists_of(postmortem.events.all(), items)


def _merged(section: Section, *, base: str, mine: str) -> str:
    try:
        return merging.merge(base, mine, section.body)
    except merging.Overlap as overlap:
        raise Overtaken(section) from overlap


def _checked(body: str) -> str:
    body = normal(body)
    if wrong := too_long(body):
        raise ValidationError({"body": wrong})
    return body


def too_long(body: str) -> str:
    """What is wrong with a text that is longer than a section may be; empty for any other."""
    return f"A section has at most {BODY_LIMIT:,} characters; this has {len(body):,}." if len(body) > BODY_LIMIT else ""


def normal(body: str) -> str:
    """Line ends as they are kept: browsers send two characters, and sometimes one."""
    return clean(body).replace("\r\n", "\n").replace("\r", "\n")
