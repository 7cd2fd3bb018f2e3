"""The auditor: finds obligations that are missing or late although nothing should be, mends them and says so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef

from core.work import claim
from incidents import escalation, plan, quiet
from incidents.consequences import Consequences
from incidents.models import Escalation, Incident, PlannedAction, Status
from incidents.models.incident import ANSWERED
from incidents.policy import policies
from incidents.telling import Reach

if TYPE_CHECKING:
    from datetime import datetime

log = structlog.get_logger(__name__)

BATCH = 50
SETTLED_AFTER = timedelta(seconds=60)


def repair_missing(*, now: datetime) -> int:
    """Triggered incidents whose severity pages on-call, but that nothing pages any more and nobody was asked in vain:
    page again from the first step. Returns how many were mended.

    An exhausted escalation is a valid end; a stopped one is not while nobody has answered.
    """
    with transaction.atomic():
        paging = [severity for severity, policy in policies().items() if policy.page_on_call]
        valid = (Escalation.State.RUNNING, Escalation.State.EXHAUSTED)
        escalated = Escalation.objects.filter(incident=OuterRef("pk"), state__in=valid)
        planned = PlannedAction.objects.filter(incident=OuterRef("pk"), state=PlannedAction.State.DUE)
        broken = claim(
            Incident.objects.filter(
                ~Exists(escalated),
                ~Exists(planned),
                status=Status.TRIGGERED,
                severity__in=paging,
                merged_into=None,
                created_at__lte=now - SETTLED_AFTER,
            ).order_by("id"),
            limit=BATCH,
        )
        out, compiler = Consequences(now), plan.Compiler()
        for incident in broken:
            log.error("incident had nothing paging", incident=incident.reference)
            reach = Reach.of([incident], now=now)
            escalation.restart(incident, compiler.policies_of(incident, reach), out, reach)
            if not incident.escalations.exists():
                incident.plan.filter(kind=PlannedAction.Kind.PAGE_ON_CALL).delete()
            plan.extend(incident, out, compiler=compiler)
            incident.save(update_fields=["is_unanswered", "updated_at"])
        out.write()
    return len(broken)


def watch_missing(*, now: datetime) -> int:
    """Answered incidents whose severity reminds, and that nobody watches: count from now on. Returns how many.

    So it is after an admin has set a time for a severity that had none. What is snoozed waits for ``wake_due``.
    """
    with transaction.atomic():
        known = policies()
        reminding = [severity for severity, policy in known.items() if policy.remind_after_minutes]
        unwatched = Incident.objects.filter(
            status__in=ANSWERED,
            severity__in=reminding,
            quiet_due_at=None,
            snoozed_until=None,
            merged_into=None,
            is_demo=False,
        )
        incidents = claim(unwatched.order_by("id"), limit=BATCH)
        for incident in incidents:
            log.warning("incident had nobody watching it", incident=incident.reference)
            quiet.watch(incident, now=now, policies=known)
        Incident.objects.bulk_update(incidents, quiet.FIELDS)
    return len(incidents)
