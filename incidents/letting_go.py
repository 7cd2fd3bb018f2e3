"""Giving an incident back: whoever answered it is not on it any more, and somebody else is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from core.text import clean
from core.work import db_now
from incidents import cadence, changes, paging_again, plan
from incidents.consequences import Consequences, Kind
from incidents.models import Incident, Status
from incidents.models.incident import NotAllowedNow
from incidents.telling import Reach

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User


@transaction.atomic
def unacknowledge(incident: Incident, *, by: User | None, reason: str = "", now: datetime | None = None) -> Incident:
    """Back to triggered: nobody has it, a new response clock runs, and paging begins again from the first step.

    Whoever had it is told, unless they gave it back themselves; where the severity pages nobody, the teams are told.
    Raises NotAllowedNow for an incident that nobody has answered, or that is over.
    """
    incident = Incident.objects.locked(incident.pk)
    if not incident.is_answered:
        raise NotAllowedNow(f"{incident.reference} is {incident.status}; only an answered incident can be given back.")
    out, compiler = Consequences(now or db_now()), plan.Compiler()
    reach = Reach.of([incident], now=out.now)
    was, had, slept = incident.status, incident.assignee, incident.snoozed_until is not None
    incident.move_to(Status.TRIGGERED, at=out.now, is_answer=False)
    if slept:
        cadence.rest(incident, now=out.now)
    incident.assignee = None
    reason = clean(reason, limit=2000).strip()
    out.record(incident, Kind.UNACKNOWLEDGED, by=by, text=reason, **{"from": was, "had": str(had or "")})
    paging_again.begin(incident, compiler=compiler, reach=reach, out=out)
    words = f"{by or 'Muster'} gave it back{f': {reason}' if reason else '.'}"
    if had:
        opening = f"{words}\nIt is not yours any more, and whoever is on call is asked again."
        changes.tell_assignee(incident, had, by=by, reach=reach, out=out, opening=opening, reason="Given back")
    opening = f"{words}\nIt needs somebody who takes it."
    paging_again.tell(incident, opening, word="Given back", by=by, compiler=compiler, reach=reach, out=out)
    incident.save()
    out.write()
    return incident
