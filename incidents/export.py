"""Incidents as CSV (RFC 4180), for spreadsheets and scripts.

The file begins with a byte order mark: Excel takes a file without one for the machine's old code page and breaks every
name that is not English, and every other reader knows to skip it (Python as ``utf-8-sig``).

A spreadsheet runs a cell that begins like a formula, and anybody who can send an alert can write a title. So such a
text gets an apostrophe in front (https://owasp.org/www-community/attacks/CSV_Injection). Numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC
from typing import TYPE_CHECKING

from incidents import listing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from incidents.models import Incident
    from incidents.querysets import IncidentQuerySet

CHUNK = 1000  # rows that are in memory at a time
BYTE_ORDER_MARK = "\ufeff"
COLUMNS = (
    "number",
    "url",
    "title",
    "severity",
    "status",
    "assignee",
    "assignee_name",
    "affected_services",
    "created_at",
    "started_at",
    "acknowledged_at",
    "resolved_at",
    "duration_seconds",
    "mtta_seconds",
)

# Also after what nobody sees: spaces of all kinds, controls, and marks of no width. And after a semicolon or a tab:
# where numbers have decimal commas, Excel parts the columns there, whatever the quotes around the whole say.
_UNSEEN = (  # besides white space: controls, all that Unicode calls ignorable, and two letters that look like a space
    r"\x00-\x20\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_FORMULA = re.compile(rf"(^|[;\t\r\n]+)(?=[\s{_UNSEEN}]*[=+\-@＝＋－＠﹢﹣﹦﹫−])")


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet takes for a formula."""
    if text[:1] in ("\t", "\r", "\n"):
        text = f"'{text}"
    return _FORMULA.sub(r"\1'", text)


def chunks(rows: IncidentQuerySet, *, sort: str, beside: str, now: datetime) -> Iterator[bytes]:
    """The file, ``CHUNK`` rows at a time, in the order of the list. Their addresses are
    ``beside`` and the reference: asking Django for each of a million would take an eighth of the time.

    Each chunk is a page by keyset, read and forgotten: memory does not grow with the rows, and no transaction or
    cursor is open while a slow reader takes its time. A row that changes its place meanwhile may come twice or not.
    """
    yield lines([COLUMNS], opening=BYTE_ORDER_MARK)
    cursor: str | None = None
    while True:
        page = listing.page(rows, sort=sort, cursor=cursor, limit=CHUNK, now=now)
        yield lines([_cells(incident, f"{beside}{incident.reference}", now=now) for incident in page.items])
        cursor = page.next
        if cursor is None:
            return


def lines(rows: Sequence[Sequence[str | int]], *, opening: str = "") -> bytes:
    """Rows as they stand in the file; ``opening`` goes before the first."""
    text = io.StringIO(opening)
    text.seek(0, io.SEEK_END)
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def _cells(incident: Incident, address: str, *, now: datetime) -> list[str | int]:
    answered_at, assignee = incident.acknowledged_at, incident.assignee
    return [
        incident.number,
        address,
        harmless(incident.title),
        incident.severity,
        incident.status,
        harmless(assignee.username) if assignee else "",
        harmless(str(assignee)) if assignee else "",
        harmless(", ".join(service.slug for service in incident.affected_services.all())),
        _time(incident.created_at),
        _time(incident.started_at),
        _time(answered_at),
        _time(incident.resolved_at),
        int(incident.duration(now=now).total_seconds()),
        int((answered_at - incident.created_at).total_seconds()) if answered_at else "",
    ]


def _time(at: datetime | None) -> str:
    """2026-10-14T01:47:08Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""
