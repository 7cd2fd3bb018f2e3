"""Answered, and then silence: the assignee is asked whether they are still on it, and then the next step is paged.

``Incident.quiet_due_at`` is when the sweep looks. What people have done since is read from the timeline then, so that
nothing they do has to move it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Case, F, Max, When

from core import durations
from core.work import claim
from incidents import messages, more_help, policy
from incidents.consequences import Consequences, Kind
from incidents.models import Escalation, Incident, TimelineEntry
from incidents.telling import Reach
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from incidents.models import SeverityPolicy

PATIENCE = timedelta(minutes=10)  # between the reminder and the next page
FIELDS = ("quiet_due_at", "reminded_at")
BATCH = 50


def watch(incident: Incident, *, now: datetime, policies: dict[str, SeverityPolicy] | None = None) -> None:
    """Begin to count, or begin anew because somebody has just been heard of; in memory. Nothing is watched that is not
    answered, or sleeps, or has a severity that reminds nobody."""
    wait = _wait(incident, policies or policy.policies())
    incident.quiet_due_at = now + wait if wait else None
    incident.reminded_at = None


def tighten(incident: Incident, *, now: datetime, policies: dict[str, SeverityPolicy]) -> None:
    """Severity was raised, by whomever: looked at sooner, never later; in memory."""
    wait = _wait(incident, policies)
    if wait and (incident.quiet_due_at is None or now + wait < incident.quiet_due_at):
        incident.quiet_due_at = now + wait


def _wait(incident: Incident, policies: dict[str, SeverityPolicy]) -> timedelta | None:
    minutes = policies[incident.severity].remind_after_minutes
    if minutes is None or not incident.is_answered or incident.snoozed_until or incident.merged_into_id:
        return None
    return timedelta(minutes=minutes)


def remind_due(*, now: datetime) -> int:
    """Look at every answered incident whose time has come; returns how many were looked at.

    Somebody did something: it is counted from then. It pages, so somebody is being asked: later. Otherwise the
    assignee is reminded once, and when that was in vain for ``PATIENCE`` the next step is paged.
    """
    with transaction.atomic():
        # People of the demo company answer nothing: their incidents would page each other for ever.
        due = Incident.objects.filter(quiet_due_at__lte=now, is_demo=False).select_related("assignee")
        incidents = claim(due.order_by("quiet_due_at", "id"), limit=BATCH)
        if not incidents:
            return 0
        reach, out, policies = Reach.of(incidents, now=now), Consequences(now), policy.policies()
        active, paging = _last_active(incidents), _paging(incidents)
        for incident in incidents:
            wait, since = _wait(incident, policies), active.get(incident.pk) or incident.acknowledged_at or now
            if wait is None:
                incident.quiet_due_at = incident.reminded_at = None
            elif _was_heard(incident, since, wait, now=now):
                incident.quiet_due_at, incident.reminded_at = since + wait, None
            elif incident.pk in paging:
                incident.quiet_due_at = now + PATIENCE
            elif incident.reminded_at is None:
                _remind(incident, since, reach, out)
            else:
                _page_further(incident, since, wait, reach, out)
        Incident.objects.bulk_update(incidents, [*FIELDS, "is_unanswered"])
        out.write()
    return len(incidents)


def _was_heard(incident: Incident, since: datetime, wait: timedelta, *, now: datetime) -> bool:
    return since > incident.reminded_at if incident.reminded_at else since + wait > now


def _last_active(incidents: Iterable[Incident]) -> dict[int, datetime]:
    """When a person last did anything about each. A note counts from when it was written."""
    at = Case(When(kind=Kind.NOTED, then=F("created_at")), default=F("at"))
    entries = TimelineEntry.objects.filter(incident__in=list(incidents), by__isnull=False).order_by()
    return dict(entries.values("incident").annotate(last=Max(at)).values_list("incident", "last"))


def _paging(incidents: Iterable[Incident]) -> set[int]:
    running = Escalation.objects.filter(incident__in=list(incidents), state=Escalation.State.RUNNING)
    return set(running.values_list("incident", flat=True))


def _remind(incident: Incident, since: datetime, reach: Reach, out: Consequences) -> None:
    silence, services = durations.words((out.now - since).total_seconds()), reach.services_of(incident)
    more: dict[str, Any] = {"key": f"reminder/{int(out.now.timestamp() * 1000)}", "reason": "Reminder", "out": out}
    told = reach.tell_users(
        incident,
        [incident.assignee] if incident.assignee else [],
        lambda user: messages.reminder(incident, user, silence=silence, services=services),
        purpose=Notification.Purpose.PAGE,
        **more,
    )
    if not told:
        opening = f"Nothing has been done about it for {silence}, and nobody who has it can be asked."
        notice = messages.notice(incident, opening, services=services, urgency="high")
        told = [reach.tell_responders(incident, notice, **more)]
    out.record(incident, Kind.REMINDED, told=", ".join(told), silence=silence)
    incident.reminded_at, incident.quiet_due_at = out.now, out.now + PATIENCE


def _page_further(incident: Incident, since: datetime, wait: timedelta, reach: Reach, out: Consequences) -> None:
    silence = durations.words((out.now - since).total_seconds())
    out.record(incident, Kind.ESCALATED, text=f"No activity for {silence}")
    more_help.page_next(incident, reach, out)
    incident.reminded_at, incident.quiet_due_at = None, out.now + wait
