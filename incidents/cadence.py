"""The cadence of status updates: by when those who wait hear more, while an incident is open.

One clock of an incident runs at most. An update that comes in time moves it on; one that comes late is noted on the
clock that was missed, and the next promise is a row of its own.

An incident that is snoozed can wait, and so can an update by its severity: the time counts from the end of the snooze.
What an update has told its readers stands: somebody waits for that.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from incidents import sla
from incidents.consequences import Kind
from incidents.models import SlaClock, StatusUpdate
from incidents.policy import policies

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet

    from incidents.consequences import Consequences
    from incidents.models import Incident, SeverityPolicy

UPDATE = SlaClock.Kind.UPDATE
State = SlaClock.State


def first(incident: Incident, policy: SeverityPolicy, *, now: datetime) -> list[SlaClock]:
    """The unsaved clock of an incident that begins, or that is open again, where its severity promises updates."""
    due = _by_policy(policy, now)
    return [] if due is None else [sla.new_clock(incident, UPDATE, start=now, due=due)]


def follow(update: StatusUpdate, *, out: Consequences) -> None:
    """An update goes out: the promise is kept, and the next one begins, until the time that the update names or as the
    severity has it. The caller holds the incident's lock and writes ``out``; nothing begins once it is over."""
    incident = update.incident
    _clocks(incident).filter(state=State.BREACHED, met_at=None).update(met_at=out.now)
    clock = _running(incident)
    if clock and clock.due_at < out.now:  # the sweep has not come by yet, and who would be told has just answered
        clock.state, clock.breached_at, clock.met_at = State.BREACHED, clock.due_at, out.now
        clock.save(update_fields=["state", "breached_at", "met_at"])
        out.record(incident, Kind.CLOCK_BREACHED, clock=UPDATE, due_at=clock.due_at.isoformat(), told="")
        clock = None
    if not incident.is_open:
        return
    named = update.next_at if update.next_at and update.next_at > out.now else None
    begins = out.now if named else _begins(incident, out.now)
    due = named or _by_policy(policies()[incident.severity], begins)
    if due is not None:
        fresh = sla.new_clock(incident, UPDATE, start=out.now, due=due, counted_from=begins)
        fresh.pk = clock.pk if clock else None
        fresh.save(force_insert=clock is None, force_update=clock is not None)
    elif clock:
        clock.state, clock.met_at = State.MET, out.now
        clock.save(update_fields=["state", "met_at"])


def tighten(incident: Incident, policy: SeverityPolicy, *, now: datetime) -> None:
    """Severity was raised: the next update is due sooner, never later; its shorter time counts from the raise."""
    begins = _begins(incident, now)
    due = _by_policy(policy, begins)
    if due is None:
        return
    clock = _running(incident)
    if clock is None:
        if not _clocks(incident).filter(state=State.BREACHED, met_at=None).exists():
            fresh = sla.new_clock(incident, UPDATE, start=now, due=due, counted_from=begins)
            fresh.save(force_insert=True)
    elif due < clock.due_at:
        sla.move(clock, due, now=begins)


def rest(incident: Incident, *, now: datetime) -> None:
    """The incident was snoozed, or woken early: the clock that runs counts from the end of the snooze, or from now.
    The caller holds the incident's lock."""
    clock = _running(incident)
    if clock is None or clock.due_at <= now or _is_promised(clock):
        return
    begins = _begins(incident, now)
    due = _by_policy(policies()[incident.severity], begins) or max(clock.due_at, begins)
    sla.move(clock, due, now=begins)


def _begins(incident: Incident, now: datetime) -> datetime:
    """From when on the time of a severity counts."""
    return max(incident.snoozed_until or now, now)


def _is_promised(clock: SlaClock) -> bool:
    """Whether readers were told when it ends."""
    return StatusUpdate.objects.published().filter(incident=clock.incident_id, next_at=clock.due_at).exists()


def end(incident: Incident, *, now: datetime) -> None:
    """The incident is over: nobody waits for an update by the clock any more. One that was missed stays missed."""
    _clocks(incident).filter(state=State.RUNNING).update(state=State.CANCELLED, cancelled_at=now)


def _by_policy(policy: SeverityPolicy, now: datetime) -> datetime | None:
    every = policy.update_every_minutes
    return None if every is None else now + timedelta(minutes=every)


def _clocks(incident: Incident) -> QuerySet[SlaClock]:
    return SlaClock.objects.filter(incident=incident, kind=UPDATE)


def _running(incident: Incident) -> SlaClock | None:
    return _clocks(incident).select_for_update().filter(state=State.RUNNING).first()
