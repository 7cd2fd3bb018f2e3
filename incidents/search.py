"""Finding incidents by words of their title, description and notes.

What a person types is taken as words that must all be there, in any order; punctuation separates words. The index
that serves it is ``incidents_by_words``; docs/search.md keeps the plans that PostgreSQL makes of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.contrib.postgres.search import SearchQuery
from django.db import connection, transaction

from incidents.models import Incident, TimelineEntry
from incidents.models.words import CONFIG

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_WORDS = 16
LONGEST_WORD = 100
MOST_NOTES, LONGEST_NOTES = 1000, 100_000  # notes, characters; PostgreSQL allows a document 1 MB, notes and all
SHORTEST_BEGINNING = 3
SHORTEST_STEM = 4

_WORD = re.compile(r"[^\W_]+")

# What English stems leave away.
_ENDINGS = """
abilities ability able ably al ally ance ances ant ants ate ated ates ating ation ational ations ative ed edly ement
ements ence ences ency ent ents er ers es ful fulness fully ibilities ibility ible ic ical ies ing ingly ings ion ional
ions ise ised ising ism ist ists ities ity ive ively iveness ization izations ize ized izes izing less lessness ly ment
ments ness or ors ous ously ousness
"""
_BEGUN = frozenset(ending[:length] for ending in _ENDINGS.split() for length in range(1, len(ending)))
_LONGEST_BEGUN = max(map(len, _BEGUN))


def words_of(text: str) -> list[str]:
    """The words of what somebody typed, at most ``MOST_WORDS`` of them."""
    return [word[:LONGEST_WORD] for word in _WORD.findall(text)[:MOST_WORDS]]


def query_for(text: str, *, as_typed: bool = False) -> SearchQuery | None:
    """The search for all words of a text; None if it has none.

    ``as_typed``: the last word may be the beginning of a longer one, once it has ``SHORTEST_BEGINNING`` letters.
    """
    words = _WORD.findall(text)[:MOST_WORDS]
    if not words:
        return None
    terms = [_term(word) for word in words]
    if as_typed and text[-1:].isalnum() and len(words[-1]) >= SHORTEST_BEGINNING:
        terms[-1] = f"({' | '.join(_beginning(words[-1][:LONGEST_WORD]))})"
    return SearchQuery(" & ".join(terms), config=CONFIG, search_type="raw")


def _term(word: str) -> str:
    """A word, which is letters and digits and needs no escaping; of an endless one, its beginning."""
    return f"'{word}'" if len(word) <= LONGEST_WORD else f"'{word[:LONGEST_WORD]}':*"


def _beginning(word: str) -> Iterator[str]:
    """Words that begin like this; and, where it may stop within an ending, the stem before it: documents know
    "connection" as "connect", so nothing in them begins with "connecti"."""
    yield f"'{word}':*"
    for cut in range(1, min(_LONGEST_BEGUN, len(word) - SHORTEST_STEM) + 1):
        stem = word[:-cut]
        if word[-cut:].lower() in _BEGUN:
            yield f"'{stem}'"
            if stem[-1] == stem[-2]:  # "plann", as in "planning"
                yield f"'{stem[:-1]}'"


@transaction.atomic
def index_notes(incident: Incident) -> None:
    """Put the words of all notes into the incident's document; whoever writes a note calls it in the same transaction.

    Of more than ``MOST_NOTES`` notes or ``LONGEST_NOTES`` characters the newest count. Waits for whoever else writes
    notes of the incident, so that the last one has the words of both.
    """
    Incident.objects.locked(incident.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE incidents_incident SET note_words = setweight(to_tsvector('{CONFIG}'::regconfig, regexp_replace(left(
                (SELECT string_agg(text, ' ' ORDER BY id DESC) FROM (
                    SELECT id, text FROM incidents_timelineentry
                    WHERE incident_id = %s AND kind = %s ORDER BY id DESC LIMIT {MOST_NOTES}) AS newest),
                {LONGEST_NOTES}), '[^[:alnum:]]+', ' ', 'g')), 'C')
            WHERE id = %s
            """,  # noqa: S608 - the name of a text search configuration and numbers, ours
            [incident.pk, TimelineEntry.Kind.NOTED, incident.pk],
        )
