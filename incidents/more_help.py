"""Paging further by hand: a person asks for the next step now, whoever has answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from core.text import clean
from core.work import db_now
from incidents import escalation, plan
from incidents.consequences import Consequences, Kind
from incidents.models import Escalation, Incident
from incidents.models.incident import NotAllowedNow
from incidents.telling import Reach

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

State = Escalation.State


@transaction.atomic
def escalate(incident: Incident, *, by: User | None, reason: str = "", now: datetime | None = None) -> Incident:
    """Page the next step of every policy of the incident now.

    What still runs goes on from there. What an answer had stopped goes on where it was; what was used up starts again,
    and so does a policy that has not paged yet, whatever the severity says. The answer stays: who acknowledges then
    stops the paging. Raises NotAllowedNow once the incident is over.
    """
    incident = Incident.objects.locked(incident.pk)
    if not incident.is_open:
        raise NotAllowedNow(f"{incident.reference} is {incident.status}; reopen it before you page somebody.")
    out = Consequences(now or db_now())
    reach = Reach.of([incident], now=out.now)
    out.record(incident, Kind.ESCALATED, by=by, text=clean(reason, limit=2000).strip())
    page_next(incident, reach, out)
    incident.save(update_fields=["is_unanswered", "updated_at"])
    out.write()
    return incident


def page_next(incident: Incident, reach: Reach, out: Consequences) -> None:
    """Page the next step of every policy of a locked open incident; the caller records why and saves."""
    policies = plan.Compiler().policies_of(incident, reach)
    have = {row.target: row for row in incident.escalations.select_for_update().order_by("id")}
    running = [row for row in have.values() if row.state == State.RUNNING]
    wanted = running or [have[target] for target in map(escalation.target_of, policies) if target in have]
    for row in wanted:
        if row.state == State.EXHAUSTED:
            escalation.begin_anew(row)
        row.state, row.stopped_at, row.due_at = State.RUNNING, None, out.now
    new = [policy for policy in policies if not running and escalation.target_of(policy) not in have]
    escalation.go_on(wanted, incident, reach, out)
    escalation.begin([escalation.start(incident, policy, now=out.now) for policy in new], reach, out, at_once=True)
