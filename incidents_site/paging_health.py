"""The self-check behind ``/health/paging`` and the dead-man's switch: it looks into every room with obligations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Min

from alerts.models import Event
from incidents.models import Escalation, Incident, PlannedAction, SlaClock
from notifications import health

if TYPE_CHECKING:
    from datetime import datetime

WATCHED = (
    "alerts.apply_due",
    "incidents.advance_due",
    "incidents.carry_out_due",
    "incidents.check_clocks_due",
    "incidents.wake_due",
    "incidents.remind_due",
    "notifications.deliver_email",
    "notifications.deliver_webhook",
    "notifications.deliver_chat",
)


def check(*, now: datetime) -> health.Health:
    """How late paging is, over events, escalations, plans, clocks, snoozes, reminders and the outbox."""
    oldest = [
        Event.objects.filter(state=Event.State.PENDING).aggregate(at=Min("received_at"))["at"],
        Escalation.objects.filter(state=Escalation.State.RUNNING).aggregate(at=Min("due_at"))["at"],
        PlannedAction.objects.filter(state=PlannedAction.State.DUE).aggregate(at=Min("due_at"))["at"],
        SlaClock.objects.filter(state=SlaClock.State.RUNNING).aggregate(at=Min("due_at"))["at"],
        Incident.objects.filter(snoozed_until__isnull=False).aggregate(at=Min("snoozed_until"))["at"],
        Incident.objects.filter(quiet_due_at__isnull=False, is_demo=False).aggregate(at=Min("quiet_due_at"))["at"],
    ]
    return health.check(WATCHED, oldest_due=oldest, now=now)
