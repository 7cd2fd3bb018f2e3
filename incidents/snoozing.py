"""Snoozing: an incident that somebody has answered and that can wait until a time, and asks again then."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from core.work import claim, db_now
from incidents import cadence, escalation, lifecycle, paging_again, plan, quiet
from incidents.consequences import Consequences, Kind
from incidents.models import Incident, Status
from incidents.models.incident import NotAllowedNow
from incidents.telling import Reach
from notifications import outbox

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

LONGEST = timedelta(days=7)
BATCH = 50


@transaction.atomic
def snooze(incident: Incident, *, until: datetime, by: User | None, now: datetime | None = None) -> Incident:
    """Nobody is paged for it or reminded of it until then, and an update by its severity waits as long; snoozing again
    changes the time.

    What nobody has answered is acknowledged by it. Raises ValidationError for a time that has passed or is more than
    seven days away, NotAllowedNow once the incident is over.
    """
    now = now or db_now()
    if until <= now:
        raise ValidationError({"until": "This time has passed."})
    if until > now + LONGEST:
        raise ValidationError({"until": f"This is more than {LONGEST.days} days away."})
    incident = Incident.objects.locked(incident.pk)
    if not incident.is_open:
        raise NotAllowedNow(f"{incident.reference} is {incident.status}; only an open incident can be snoozed.")
    if incident.status == Status.TRIGGERED:
        incident = lifecycle.acknowledge(incident, by=by, now=now)
    out = Consequences(now)
    escalation.stop(incident, now=now)
    outbox.cancel(topic=incident.topic, now=now)
    incident.snoozed_until = until
    incident.quiet_due_at = incident.reminded_at = None
    incident.assignee = incident.assignee or by
    incident.save()
    cadence.rest(incident, now=now)
    out.record(incident, Kind.SNOOZED, by=by, until=until.isoformat())
    out.write()
    return incident


@transaction.atomic
def wake(incident: Incident, *, by: User | None, now: datetime | None = None) -> Incident:
    """End a snooze early. Whoever does is awake and looks at it, so it stays as answered as it is and nobody is paged;
    ``letting_go.unacknowledge`` is for who wants that. Raises NotAllowedNow for what is not snoozed."""
    incident = Incident.objects.locked(incident.pk)
    if incident.snoozed_until is None:
        raise NotAllowedNow(f"{incident.reference} is not snoozed.")
    out = Consequences(now or db_now())
    out.record(incident, Kind.WOKEN, by=by, until=incident.snoozed_until.isoformat())
    incident.snoozed_until = None
    quiet.watch(incident, now=out.now)
    incident.save(update_fields=["snoozed_until", *quiet.FIELDS, "updated_at"])
    cadence.rest(incident, now=out.now)
    out.write()
    return incident


def wake_due(*, now: datetime) -> int:
    """Snoozes that have ended: triggered again, paged from the first step, with the assignee told; returns how many."""
    with transaction.atomic():
        due = Incident.objects.filter(snoozed_until__lte=now).select_related("assignee")
        incidents = claim(due.order_by("snoozed_until", "id"), limit=BATCH)
        if not incidents:
            return 0
        out, compiler, reach = Consequences(now), plan.Compiler(), Reach.of(incidents, now=now)
        for incident in incidents:
            if incident.merged_into_id:
                incident.snoozed_until = None
            else:
                _ask_again(incident, compiler, reach, out)
            incident.save()
        out.write()
    return len(incidents)


def _ask_again(incident: Incident, compiler: plan.Compiler, reach: Reach, out: Consequences) -> None:
    until = incident.snoozed_until
    assert until is not None
    incident.move_to(Status.TRIGGERED, at=out.now, is_answer=False)
    out.record(incident, Kind.WOKEN, until=until.isoformat(), to=incident.status)
    paging_again.begin(incident, compiler=compiler, reach=reach, out=out)
    opening = f"{'Your' if incident.assignee else 'The'} snooze of {incident.reference} has ended. It needs an answer."
    paging_again.tell(incident, opening, word="Snooze ended", by=None, compiler=compiler, reach=reach, out=out)
