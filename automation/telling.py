"""Who hears of an execution, and what it leaves behind: entries of the timeline and the audit log, and evidence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from accounts import audit
from automation.models import Execution
from incidents import messages, timeline
from incidents.consequences import Kind
from incidents.models import Evidence
from incidents.telling import Reach
from notifications.models import Notification

if TYPE_CHECKING:
    from accounts.models import User
    from incidents.consequences import Consequences

State = Execution.State

DETAIL_LIMIT = 500
# What may have done something, and so is shown as evidence. What was not run is none.
HAPPENED = frozenset({State.DONE, State.FAILED, State.UNKNOWN})


def record(execution: Execution, did: str, *, out: Consequences, by: User | None = None, text: str = "") -> None:
    """An entry of the timeline; without a person it is the runner's or Muster's."""
    out.record(
        execution.incident,
        Kind.AUTOMATION,
        by=by,
        source=str(execution.runner) if execution.runner and by is None and did in HAPPENED else "",
        text=text,
        execution=execution.pk,
        action=str(execution.action),
        slug=execution.action.slug,
        did=str(did),
        is_dry_run=execution.is_dry_run,
        is_automatic=execution.is_automatic,
    )


def call_second_person(execution: Execution, *, out: Consequences) -> None:
    """Tell somebody who may approve it: the assignee, or else the teams, or else the admins, but never who asked."""
    incident, reach = execution.incident, Reach.of([execution.incident], now=out.now)
    values = ", ".join(f"{name} {value}" for name, value in execution.values.items())
    opening = (
        f"{execution.asked_by or 'Muster'} asks for “{execution.action}”{f' with {values}' if values else ''}. "
        "It waits for a second person, for an hour at most: look at it, then approve or refuse it."
    )
    notice = messages.notice(incident, opening, services=reach.services_of(incident), urgency="high")
    message = replace(notice, url=messages.absolute(execution.get_absolute_url()))
    key, reason = f"approve/{execution.pk}", "Approval of an action"
    kind, asker = Notification.Purpose.NOTICE, execution.asked_by_id
    people = [incident.assignee] if incident.assignee and incident.assignee_id != asker else []
    more: dict[str, Any] = {"key": key, "reason": reason, "out": out}
    if reach.tell_users(incident, people, lambda _user: message, purpose=kind, **more):
        return
    teams = reach.teams_of(incident)
    for team in teams:
        reach.tell_team(incident, team, message, purpose=Notification.Purpose.CHANNEL, **more)
    if not teams:
        admins = [admin for admin in reach.admins() if admin.pk != asker]
        reach.tell_users(incident, admins, lambda _user: message, purpose=kind, **more)


def conclude(execution: Execution, state: State, detail: str, *, out: Consequences, by: User | None = None) -> None:
    """Its end, in memory; the caller saves it. What was unknown may still become known."""
    execution.state, execution.detail = state, detail[:DETAIL_LIMIT]
    execution.due_at, execution.finished_at = None, out.now
    record(execution, state, out=out, by=by, text=execution.detail)
    if by is None:
        source = str(execution.runner or "Muster")
        audit.record(by=None, action=f"ended: {state}", on=execution, after={"detail": detail}, source=source)


def keep_result(execution: Execution, *, out: Consequences) -> None:
    """The page of an execution as evidence, once; for what may have happened."""
    address = messages.absolute(execution.get_absolute_url())
    if execution.state not in HAPPENED or execution.incident.evidence.filter(url=address).exists():
        return
    timeline.keep_evidence(
        execution.incident,
        url=address,
        by=execution.asked_by,
        kind=Evidence.Kind.LOG,
        caption=f"Output of {execution.action}{' (dry run)' if execution.is_dry_run else ''}",
        source=str(execution.runner or "Muster"),
        now=out.now,
    )
