"""Finding postmortems by the words of their sections, and those of incidents like one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from incidents.models.words import CONFIG

if TYPE_CHECKING:
    from postmortems.models import Postmortem

LONGEST = 400_000  # characters; PostgreSQL allows a document 1 MB


def index(postmortem: Postmortem) -> None:
    """Put the words of all sections into the document; whoever writes a section calls it in the same transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE postmortems_postmortem AS row SET document =
                setweight(to_tsvector('{CONFIG}'::regconfig, regexp_replace(
                    (SELECT title FROM incidents_incident WHERE id = row.incident_id), '[^[:alnum:]]+', ' ', 'g')), 'A')
                || setweight(to_tsvector('{CONFIG}'::regconfig, regexp_replace(left(
                    (SELECT string_agg(body, ' ' ORDER BY position) FROM postmortems_section
                     WHERE postmortem_id = row.id), {LONGEST}), '[^[:alnum:]]+', ' ', 'g')), 'B')
            WHERE id = %s
            """,  # noqa: S608 - the name of a text search configuration and a number, ours
            [postmortem.pk],
        )
