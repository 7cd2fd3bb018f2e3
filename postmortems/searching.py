"""Finding postmortems by the words of their sections, and those of incidents like one's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.search import SearchRank
from django.db import connection
from django.db.models import F
from django.db.models.functions import Left
from django.utils.html import escape
from django.utils.safestring import SafeString

from incidents import extracts, search
from incidents.models import Incident, TimelineEntry
from incidents.models.words import CONFIG, Words
from postmortems.models import Postmortem, Section

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

LONGEST = 200_000  # characters, of up to four bytes and as many besides; PostgreSQL allows a document 1 MB
RENAMED_WITHIN = timedelta(days=30)  # as long as sweeps may have stood still
BATCH = 100


@dataclass(frozen=True, slots=True)
class Found:
    """A postmortem that was found: its incident's title with the words marked, and the section where they stand with
    an extract of it, all of it safe HTML."""

    postmortem: Postmortem
    title: SafeString
    where: str = ""
    extract: SafeString = SafeString()

    @property
    def is_in_title(self) -> bool:
        """Whether the title alone shows why it was found."""
        return "<mark>" in self.title


def index(postmortem: Postmortem) -> None:
    """Put the words of all sections into the document; whoever writes a section calls it in the same transaction."""
    index_all([postmortem.pk])


def index_all(keys: Sequence[int]) -> None:
    """The same for several postmortems at once, by their keys."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE postmortems_postmortem AS row SET indexed_title = incident.title, document =
                setweight(to_tsvector('{CONFIG}'::regconfig,
                    regexp_replace(incident.title, '[^[:alnum:]]+', ' ', 'g')), 'A')
                || setweight(to_tsvector('{CONFIG}'::regconfig, regexp_replace(left(
                    (SELECT string_agg(body, ' ' ORDER BY position) FROM postmortems_section
                     WHERE postmortem_id = row.id), {LONGEST}), '[^[:alnum:]]+', ' ', 'g')), 'B')
            FROM incidents_incident AS incident WHERE incident.id = row.incident_id AND row.id = ANY(%s)
            """,  # noqa: S608 - the name of a text search configuration and a number, ours
            [list(keys)],
        )


def index_renamed(*, now: datetime) -> int:
    """Index anew the postmortems of incidents that have another title since; how many. What titles were changed is
    read of the timeline, by ``incidents_renamed``."""
    changed = TimelineEntry.objects.filter(kind=TimelineEntry.Kind.DETAILS_CHANGED, at__gt=now - RENAMED_WITHIN)
    rows = Postmortem.objects.filter(incident__in=changed.order_by().values("incident"))
    keys = list(rows.exclude(indexed_title=F("incident__title")).order_by().values_list("pk", flat=True)[:BATCH])
    if keys:
        index_all(keys)
    return len(keys)


def found_in(rows: Sequence[Postmortem], text: str) -> list[Found]:
    """Postmortems with the place where words of a text stand: of their sections the one that has most of them. Two
    queries; reads ``incident``."""
    words = search.words_of(text)
    if not words or not rows:
        return [Found(row, escape(row.incident.title)) for row in rows]
    query = extracts.any_of(words)
    said = Words(Left("body", extracts.READ), weight="B")
    sections = Section.objects.filter(postmortem__in=[row.pk for row in rows]).annotate(said=said).filter(said=query)
    best = sections.order_by("postmortem", SearchRank(F("said"), query).desc(), "position").distinct("postmortem")
    cut = best.annotate(cut=extracts.headline("body", query)).values_list("postmortem", "title", "cut")
    places = {pk: (title, extracts.extract(found, is_markdown=True)) for pk, title, found in cut}
    titles = Incident.objects.filter(pk__in=[row.incident_id for row in rows]).order_by()
    marked = dict(titles.values_list("pk", extracts.headline("title", query, highlight_all=True)))
    return [Found(row, extracts.marked(marked.get(row.incident_id, "")), *places.get(row.pk, ("", ""))) for row in rows]
