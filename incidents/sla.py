"""Clocks: promises that run, are met, are breached, or are cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from core.work import claim
from incidents import messages
from incidents.consequences import Consequences, Kind
from incidents.models import Incident, SlaClock
from incidents.policy import response_due
from incidents.telling import Reach

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from incidents.models import IncidentSettings, SeverityPolicy

State = SlaClock.State
BATCH = 50
WARN_AT = 0.8


def new_clock(
    incident: Incident, kind: str, *, start: datetime, due: datetime, counted_from: datetime | None = None
) -> SlaClock:
    """An unsaved running clock that warns when 80 % of its time is used, which counts from its start or from later."""
    begins = counted_from or start
    warn_at = begins + (due - begins) * WARN_AT
    return SlaClock(incident=incident, kind=kind, started_at=start, due_at=due, warn_at=warn_at)


def clocks_for(
    incident: Incident, policy: SeverityPolicy, settings: IncidentSettings, *, now: datetime
) -> list[SlaClock]:
    """The unsaved clocks that declaring an incident starts."""
    due = response_due(policy, settings, start=now)
    clocks = [new_clock(incident, SlaClock.Kind.RESPONSE, start=now, due=due)]
    return clocks + resolution_clock_for(incident, policy, now=now)


def resolution_clock_for(incident: Incident, policy: SeverityPolicy, *, now: datetime) -> list[SlaClock]:
    """The unsaved resolution clock, where the policy promises one."""
    if policy.resolve_within_minutes is None:
        return []
    due = now + timedelta(minutes=policy.resolve_within_minutes)
    return [new_clock(incident, SlaClock.Kind.RESOLUTION, start=now, due=due)]


def tighten(incident: Incident, policy: SeverityPolicy, settings: IncidentSettings, *, now: datetime) -> None:
    """Severity was raised: running clocks end sooner, never later. The shorter promise counts from the raise."""
    due = {SlaClock.Kind.RESPONSE.value: response_due(policy, settings, start=now)}
    if policy.resolve_within_minutes is not None:
        due[SlaClock.Kind.RESOLUTION] = now + timedelta(minutes=policy.resolve_within_minutes)
    running = {clock.kind: clock for clock in _running(incident)}
    for kind, due_at in due.items():
        clock = running.get(kind)
        if clock is not None and due_at < clock.due_at:
            move(clock, due_at, now=now)
    if SlaClock.Kind.RESOLUTION in due and not incident.clocks.filter(kind=SlaClock.Kind.RESOLUTION).exists():
        SlaClock.objects.bulk_create(resolution_clock_for(incident, policy, now=now))


def move(clock: SlaClock, due_at: datetime, *, now: datetime) -> None:
    """A running clock ends at another time, and warns of it once more."""
    clock.due_at, clock.warn_at, clock.warned_at = due_at, now + (due_at - now) * WARN_AT, None
    clock.save(update_fields=["due_at", "warn_at", "warned_at"])


def stop(incident: Incident, kind: str, *, is_kept: bool, out: Consequences) -> SlaClock | None:
    """End a clock: met when the promise was kept in time, cancelled when it no longer counts.

    A breached clock stays breached; keeping the promise late is written into ``met_at`` once. A clock whose time
    ran out before the sweep came by is breached here and now.
    """
    if is_kept:
        incident.clocks.filter(kind=kind, state=State.BREACHED, met_at=None).update(met_at=out.now)
    clock = _running(incident).filter(kind=kind).first()
    if clock is None:
        return None
    if out.now > clock.due_at:
        clock.met_at = out.now if is_kept else None
        _warn_or_breach(incident, clock, Reach.of([incident], now=out.now), out)
    elif is_kept:
        clock.state, clock.met_at = State.MET, out.now
    else:
        clock.state, clock.cancelled_at = State.CANCELLED, out.now
    clock.save()
    return clock


def _running(incident: Incident) -> QuerySet[SlaClock]:
    return SlaClock.objects.select_for_update().filter(incident=incident, state=State.RUNNING).order_by("id")


def check_due(*, now: datetime) -> int:
    """Warn at 80 % and record breaches, each once; returns how many clocks were worked on."""
    with transaction.atomic():
        due = SlaClock.objects.filter(incident=OuterRef("pk"), state=State.RUNNING).filter(
            Q(due_at__lte=now) | Q(warned_at=None, warn_at__lte=now)
        )
        incidents = claim(Incident.objects.filter(Exists(due)).order_by("id"), limit=BATCH)
        if not incidents:
            return 0
        people = Reach.of(incidents, now=now)
        out = Consequences(now)
        clocks = list(
            SlaClock.objects.select_for_update()
            .filter(incident__in=incidents, state=State.RUNNING)
            .filter(Q(due_at__lte=now) | Q(warned_at=None, warn_at__lte=now))
            .order_by("id")
        )
        by_id = {incident.pk: incident for incident in incidents}
        for clock in clocks:
            _warn_or_breach(by_id[clock.incident_id], clock, people, out)
        SlaClock.objects.bulk_update(clocks, ["state", "breached_at", "warned_at"])
        out.write()
    return len(clocks)


def _warn_or_breach(incident: Incident, clock: SlaClock, people: Reach, out: Consequences) -> None:
    is_breach = clock.due_at <= out.now
    if is_breach:
        clock.state, clock.breached_at = State.BREACHED, clock.due_at
    clock.warned_at = clock.warned_at or out.now
    kind = Kind.CLOCK_BREACHED if is_breach else Kind.CLOCK_WARNED
    tell = people.tell_writers if clock.kind == SlaClock.Kind.UPDATE else people.tell_responders
    told = tell(
        incident,
        messages.clock(incident, clock, is_breach=is_breach, services=people.services_of(incident)),
        key=f"clock/{clock.pk}/{'breached' if is_breach else 'warned'}/{int(clock.due_at.timestamp())}",
        reason=f"{clock.get_kind_display()} clock {'breached' if is_breach else 'at 80 %'}",
        out=out,
    )
    out.record(incident, kind, clock=clock.kind, due_at=clock.due_at.isoformat(), told=told)
