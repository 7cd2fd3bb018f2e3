"""What a section said over time: saves of one person that follow each other closely are shown as one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from postmortems.models import Revision

ONE_SITTING = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Sitting:
    """Revisions of one person, ``count`` of them; ``number`` is the last, ``before`` the one that came before the
    first, None where there is none."""

    number: int
    first_at: datetime
    at: datetime
    by: User | None
    note: str
    count: int
    before: int | None


def sittings(revisions: Iterable[Revision]) -> list[Sitting]:
    """Revisions, newest first, as sittings, newest first: consecutive saves of one person within ten minutes of the
    first are one. What Muster wrote, and what was taken back, stands alone."""
    groups: list[list[Revision]] = []
    for revision in sorted(revisions, key=lambda row: row.number):
        if not (groups and _goes_on(groups[-1], revision)):
            groups.append([])
        groups[-1].append(revision)
    found = []
    for position, group in enumerate(groups):
        first, last = group[0], group[-1]
        before = groups[position - 1][-1].number if position else None
        found.append(Sitting(last.number, first.at, last.at, last.by, last.note, len(group), before))
    return found[::-1]


def _goes_on(group: list[Revision], revision: Revision) -> bool:
    first = group[0]
    stands_alone = any(row.by_id is None or row.note.startswith("taken back") for row in (group[-1], revision))
    return not stands_alone and first.by_id == revision.by_id and revision.at - first.at <= ONE_SITTING
