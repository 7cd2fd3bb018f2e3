"""Finding incidents by words of their title, description and notes.

What a person types is taken as words that must all be there, in any order; punctuation separates words. The index
that serves it is ``incidents_by_words``; docs/search.md keeps the plans that PostgreSQL makes of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.contrib.postgres.search import SearchQuery
from django.db import connection

from incidents.models import TimelineEntry
from incidents.models.words import CONFIG

if TYPE_CHECKING:
    from incidents.models import Incident

MOST_WORDS = 16
LONGEST_WORD = 100
LONGEST_NOTES = 200_000  # characters; PostgreSQL allows a document 1 MB of words
SHORTEST_BEGINNING = 3

_WORD = re.compile(r"[^\W_]+")


def words_of(text: str) -> list[str]:
    """The words of what somebody typed, at most ``MOST_WORDS`` of them."""
    return [word[:LONGEST_WORD] for word in _WORD.findall(text)[:MOST_WORDS]]


def query_for(text: str, *, as_typed: bool = False) -> SearchQuery | None:
    """The search for all words of a text; None if it has none.

    ``as_typed``: the last word may be the beginning of a longer one, once it has ``SHORTEST_BEGINNING`` letters.
    """
    words = [f"'{word}'" for word in words_of(text)]
    if not words:
        return None
    if as_typed and len(words[-1]) >= SHORTEST_BEGINNING + 2 and text[-1:].isalnum():
        words[-1] += ":*"
    return SearchQuery(" & ".join(words), config=CONFIG, search_type="raw")


def index_notes(incident: Incident) -> None:
    """Put the words of all notes into the incident's document; whoever writes a note calls it in the same transaction.

    Of more than ``LONGEST_NOTES`` characters the newest notes count.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE incidents_incident SET note_words = setweight(to_tsvector('{CONFIG}'::regconfig, regexp_replace(left(
                (SELECT string_agg(text, ' ' ORDER BY id DESC) FROM incidents_timelineentry
                 WHERE incident_id = incidents_incident.id AND kind = %s), %s), '[^[:alnum:]]+', ' ', 'g')), 'C')
            WHERE id = %s
            """,  # noqa: S608 - the name of a text search configuration, ours
            [TimelineEntry.Kind.NOTED, LONGEST_NOTES, incident.pk],
        )
