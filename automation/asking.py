"""Asking for an action at an incident, and what people then decide about it: approve, refuse, stop.

Whoever changes an execution holds the incident's lock first, then the execution's (design, section 4.12).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from automation import parameters
from automation.models import Action, Execution, Way
from automation.telling import call_second_person, conclude, record
from core.text import clean
from core.work import db_now, nudge
from incidents.consequences import Consequences
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from accounts.models import User

State = Execution.State

APPROVE_WITHIN = timedelta(hours=1)
# A runner asks every second; whoever waits at night should soon know that it is away.
TAKE_WITHIN = timedelta(minutes=2)
REASON_LIMIT = 400
KEY_LIMIT = 100
CHANGED = "The action has been changed since it was asked for. Nothing was run; ask again."


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked for. ``key`` makes that a form which is sent twice asks once; ``place`` is what it belongs to."""

    values: Mapping[str, object]
    is_dry_run: bool = False
    is_automatic: bool = False
    place: str = ""
    key: str = ""
    rollback_of: Execution | None = None


@transaction.atomic
def ask(
    action: Action, incident: Incident, wish: Wish, *, by: User | None, now: datetime | None = None
) -> tuple[Execution, bool]:
    """Ask for an action, and whether that is new: a key that is known leads to what it asked for.

    What is destructive waits for a second person; a dry run does not. Raises ValidationError with the wrong values by
    the parameter's name, and NotAllowedNow where it cannot be done or is under way at the incident.
    """
    incident = Incident.objects.locked(incident.pk)
    key = key_of(action, incident, wish.key[:KEY_LIMIT] or secrets.token_hex(16))
    known = Execution.objects.for_list().filter(key=key).first()
    if known:
        return known, False
    action = Action.objects.select_related("runner").select_for_update(of=("self",), no_key=True).get(pk=action.pk)
    _check_allowed(action, incident, wish)
    values, wrong = parameters.check(action.takes, wish.values)
    if wrong:
        raise ValidationError(wrong)
    out = Consequences(now or db_now())
    waits = action.is_destructive and not wish.is_dry_run
    execution = Execution(
        action=action,
        revision=action.revision,
        incident=incident,
        key=key,
        place=wish.place,
        way=action.way,
        runner=action.runner,
        values=values,
        is_dry_run=wish.is_dry_run,
        is_automatic=wish.is_automatic,
        rollback_of=wish.rollback_of,
        state=State.WAITING if waits else State.QUEUED,
        due_at=out.now + APPROVE_WITHIN if waits else due_when_queued(action, now=out.now),
        asked_at=out.now,
        asked_by=by,
    )
    execution.save()
    record(execution, "waits" if waits else "asked", out=out, by=by)
    if waits:
        call_second_person(execution, out=out)
    audit.record(by=by, action="asked for", on=execution, after=_plain(execution), source="Muster")
    out.write()
    if not waits:
        nudge("automation.send_due")
    return execution, True


@transaction.atomic
def approve(execution: Execution, *, by: User, now: datetime | None = None) -> Execution:
    """A second person says yes, and it begins. Raises NotAllowedNow for whoever asked, and when it is too late."""
    execution, out = locked(execution.pk), Consequences(now or db_now())
    if execution.state != State.WAITING:
        raise NotAllowedNow(_where_it_stands(execution))
    if by.pk == execution.asked_by_id:
        raise NotAllowedNow("You asked for it: somebody else has to approve it.")
    if why := why_not(execution.action, execution.incident):
        raise NotAllowedNow(why)
    execution.decided_by, execution.decided_at = by, out.now
    if out.now >= (execution.due_at or out.now):
        conclude(execution, State.CANCELLED, "Nobody approved it in time.", out=out)
    elif is_changed(execution):
        conclude(execution, State.CANCELLED, CHANGED, out=out)
    else:
        execution.state, execution.due_at = State.QUEUED, due_when_queued(execution.action, now=out.now)
        record(execution, "approved", out=out, by=by)
        nudge("automation.send_due")
    execution.save()
    audit.record(by=by, action="approved", on=execution, after={"state": execution.state})
    out.write()
    return execution


@transaction.atomic
def refuse(execution: Execution, *, by: User, reason: str, now: datetime | None = None) -> Execution:
    """Say no, and why. Raises NotAllowedNow when it is too late, and ValidationError without a reason."""
    reason = clean(reason).strip()
    if not reason or len(reason) > REASON_LIMIT:
        raise ValidationError({"reason": f"Say why, in at most {REASON_LIMIT} characters."})
    execution, out = locked(execution.pk), Consequences(now or db_now())
    if execution.state != State.WAITING:
        raise NotAllowedNow(_where_it_stands(execution))
    execution.decided_by, execution.decided_at = by, out.now
    conclude(execution, State.REFUSED, reason, out=out, by=by)
    execution.save()
    audit.record(by=by, action="refused", on=execution, after={"reason": reason})
    out.write()
    return execution


@transaction.atomic
def stop(execution: Execution, *, by: User, now: datetime | None = None) -> Execution:
    """What has not begun is not run; a runner is told to end what runs, and says what became of it.

    Raises NotAllowedNow for a request that is on its way, and for what is over.
    """
    execution, out = locked(execution.pk), Consequences(now or db_now())
    if execution.state in (State.WAITING, State.QUEUED, State.CLAIMED):
        execution.stopped_by, execution.stopped_at = by, out.now
        conclude(execution, State.CANCELLED, f"{by} took it back before it began.", out=out, by=by)
    elif execution.state == State.RUNNING and execution.way == Way.RUNNER:
        if execution.stopped_at is None:
            execution.stopped_by, execution.stopped_at = by, out.now
            record(execution, "stopping", out=out, by=by)
    elif execution.state == State.RUNNING:
        raise NotAllowedNow("The request is on its way: it cannot be called back.")
    else:
        raise NotAllowedNow(_where_it_stands(execution))
    execution.save()
    audit.record(by=by, action="stopped", on=execution, after={"state": execution.state})
    out.write()
    return execution


def why_not(action: Action, incident: Incident) -> str:
    """Why an action cannot be asked for at an incident at all, whatever the values; empty where it can."""
    if action.archived_at:
        return f"“{action}” is archived."
    if action.runner and not action.runner.is_enabled:
        return f"The runner {action.runner} is switched off."
    if incident.merged_into:
        return f"{incident.reference} was merged into {incident.merged_into.reference}; ask for it there."
    return ""


def key_of(action: Action, incident: Incident, key: str) -> str:
    """The key of an execution: what was sent twice for one action at one incident is one."""
    return f"{incident.pk}/{action.pk}/{key}"


def locked(pk: int) -> Execution:
    """The execution, once its incident is locked, then it. Raises Execution.DoesNotExist."""
    return _locked_with(Incident.objects.locked(_incident_of(pk)), pk)


def locked_if_free(pk: int) -> Execution | None:
    """The same for sweeps: None where somebody holds the incident, so that one of many keeps no other waiting."""
    incident = Incident.objects.locked_if_free(_incident_of(pk))
    return _locked_with(incident, pk) if incident else None


def give_up_if_changed(execution: Execution, *, out: Consequences) -> bool:
    """What is no longer what was asked for is not run, and says so; whether that is the case here."""
    if is_changed(execution):
        conclude(execution, State.CANCELLED, CHANGED, out=out)
        execution.save()
        out.write()
    return execution.is_over


def _incident_of(pk: int) -> int:
    return Execution.objects.values_list("incident", flat=True).get(pk=pk)


def _locked_with(incident: Incident, pk: int) -> Execution:
    rows = Execution.objects.select_related("action", "runner", "asked_by", "decided_by", "stopped_by")
    execution: Execution = rows.select_for_update(of=("self",)).get(pk=pk)
    execution.incident = incident
    return execution


def is_changed(execution: Execution) -> bool:
    """Whether what would be done is no longer what was asked for; reads ``action``."""
    action = execution.action
    return action.revision != execution.revision or action.archived_at is not None


def due_when_queued(action: Action, *, now: datetime) -> datetime:
    """A request is due at once; a runner has a while to come and take it. Nobody comes for the demo's."""
    return now if action.way == Way.HTTP or action.is_demo else now + TAKE_WITHIN


def _check_allowed(action: Action, incident: Incident, wish: Wish) -> None:
    if why := why_not(action, incident):
        raise NotAllowedNow(why)
    undone = wish.rollback_of
    if undone and (undone.incident_id != incident.pk or undone.action.rollback_id != action.pk):
        raise ValidationError({"rollback_of": f"“{action}” is not what takes that execution back."})
    if wish.is_automatic and not action.is_automatic:
        raise NotAllowedNow(f"“{action}” does not run by itself any more.")
    if wish.is_dry_run and not action.has_dry_run:
        raise NotAllowedNow(f"“{action}” has no dry run.")
    under_way = Execution.objects.unfinished().select_related("asked_by").filter(incident=incident, action=action)
    if other := under_way.first():
        who = other.asked_by or "Muster"
        raise NotAllowedNow(f"{who} asked for “{action}” a moment ago: {other.get_state_display().lower()}.")


def _where_it_stands(execution: Execution) -> str:
    who = execution.decided_by or execution.stopped_by
    state = execution.get_state_display()
    return f"It does not wait any more: {state.lower()}{f', by {who}' if who else ''}."


def _plain(execution: Execution) -> dict[str, Any]:
    return {
        "action": execution.action.slug,
        "revision": execution.revision,
        "incident": execution.incident.reference,
        "values": execution.values,
        "is_dry_run": execution.is_dry_run,
        "state": execution.state,
    }
