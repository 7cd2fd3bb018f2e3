"""What an execution leaves behind: entries of the timeline, its result as evidence, entries of the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from accounts import audit
from automation.models import Execution
from incidents import timeline
from incidents.consequences import Kind
from incidents.models import Evidence

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
    address = settings.MUSTER.base_url + execution.get_absolute_url()
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
