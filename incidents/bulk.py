"""Answering many incidents at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from core.work import db_now
from incidents import lifecycle
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User

MOST = 200


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of each incident that somebody wanted to acknowledge; each is in one of the lists."""

    acknowledged: list[Incident] = field(default_factory=list)
    answered: list[Incident] = field(default_factory=list)
    over: list[Incident] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def acknowledge(numbers: Iterable[int], *, by: User, now: datetime | None = None) -> Outcome:
    """Acknowledge each, one transaction each, in the order given; at most ``MOST``.

    Those that somebody had answered before are ``answered`` (as ``lifecycle.acknowledge`` does, what still pages for
    them is stopped), finished ones ``over``, and those that ``by`` may not see ``missing``, like those that are not.
    """
    wanted = list(dict.fromkeys(numbers))
    if len(wanted) > MOST:
        raise ValueError(f"at most {MOST} incidents at once")
    seen = Incident.objects.visible_to(by).in_bulk(wanted)
    out = Outcome(missing=[number for number in wanted if number not in seen])
    for number in wanted:
        if number not in seen:
            continue
        at = now or db_now()
        try:
            incident = lifecycle.acknowledge(seen[number], by=by, now=at)
        except NotAllowedNow:
            out.over.append(seen[number])
            continue
        (out.acknowledged if incident.acknowledged_at == at else out.answered).append(incident)
    return out
