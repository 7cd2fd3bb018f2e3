"""Executions: asked for at an incident, approved, refused and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from ninja import Query, Router
from ninja.responses import Status as Answer

from api import lookups, paging
from api.auth import ApiRequest, actor, responder
from api.idempotency import idempotent
from api.paging import Page
from api.problems import invalid, mistakes
from api.schemas.automation import ExecutionOut, ExecutionQuery, ExecutionWithOutput, NewExecution, Refusal
from api.schemas.base import Number
from api.schemas.incidents import Nothing
from automation import asking, fetching, places
from automation.asking import Wish
from automation.models import Action, Execution
from incidents.fetching import number_of
from incidents.models import Incident
from runbooks.models import Run

if TYPE_CHECKING:
    from accounts.models import User
    from automation.querysets import ExecutionQuerySet

router = Router(tags=["executions"])


@router.get("", response=Page[ExecutionOut])
def list_executions(request: ApiRequest, query: Query[ExecutionQuery]) -> Page[ExecutionOut]:
    """What was asked for at incidents that you may see, newest first, without the output."""
    rows = _narrowed(Execution.objects.visible_to(actor(request)), query).for_list()
    return paging.answer(request, rows, query, Page[ExecutionOut], ExecutionOut.of)


@router.post("", auth=responder, response={201: ExecutionWithOutput})
@idempotent()
def ask_for_execution(request: ApiRequest, body: NewExecution) -> Answer[ExecutionWithOutput]:
    """Ask for an action at an incident. What is destructive waits for a second person. 409 where it is under way."""
    user = actor(request)
    incident = Incident.objects.visible_to(user).filter(pk=number_of(body.incident) or 0).first()
    if incident is None:
        raise invalid("incident", "There is no such incident.")
    action = lookups.action(body.action, user=user)
    wish = Wish(
        body.parameters,
        is_dry_run=body.dry_run,
        place=_place(body, incident),
        rollback_of=_taken_back(body, incident, action),
    )
    try:
        execution, _ = asking.ask(action, incident, wish, by=user)
    except ValidationError as error:
        wrong = error.message_dict.items()
        raise mistakes([(f"parameters.{name}", words) for name, each in wrong for words in each]) from None
    return Answer(201, _shown(user, execution.pk))


@router.get("/{execution_id}", response=ExecutionWithOutput)
def read_execution(request: ApiRequest, execution_id: Number) -> ExecutionWithOutput:
    """One execution, with its output so far."""
    return _shown(actor(request), execution_id)


@router.post("/{execution_id}/approve", auth=responder, response=ExecutionWithOutput)
def approve_execution(request: ApiRequest, execution_id: Number, body: Nothing | None = None) -> ExecutionWithOutput:
    """Say yes to what somebody else asked for; it begins. 409 for whoever asked."""
    execution = fetching.execution_for_responder(actor(request), execution_id)
    return _shown(actor(request), asking.approve(execution, by=actor(request)).pk)


@router.post("/{execution_id}/refuse", auth=responder, response=ExecutionWithOutput)
def refuse_execution(request: ApiRequest, execution_id: Number, body: Refusal) -> ExecutionWithOutput:
    """Say no, and why."""
    execution = fetching.execution_for_responder(actor(request), execution_id)
    return _shown(actor(request), asking.refuse(execution, reason=body.reason, by=actor(request)).pk)


@router.post("/{execution_id}/stop", auth=responder, response=ExecutionWithOutput)
def stop_execution(request: ApiRequest, execution_id: Number, body: Nothing | None = None) -> ExecutionWithOutput:
    """Take back what has not begun, and have a runner end what runs. 409 for a request that is on its way."""
    execution = fetching.execution_for_responder(actor(request), execution_id)
    return _shown(actor(request), asking.stop(execution, by=actor(request)).pk)


def _shown(user: User, pk: int) -> ExecutionWithOutput:
    return ExecutionWithOutput.of(fetching.execution_for(user, pk))


def _place(body: NewExecution, incident: Incident) -> str:
    """``run/7/3`` for step 3 of run 7 at this incident."""
    if body.run is None and body.step is None:
        return ""
    if body.run is None or body.step is None:
        raise invalid("step" if body.step is None else "run", "Name the run and its step, or neither.")
    run = Run.objects.filter(incident=incident, pk=body.run).first()
    if run is None:
        raise invalid("run", f"There is no such run at {incident.reference}.")
    if not run.steps.filter(position=body.step).exists():
        raise invalid("step", "This run has no such step.")
    return places.of_step(run.pk, body.step)


def _taken_back(body: NewExecution, incident: Incident, action: Action) -> Execution | None:
    if body.rollback_of is None:
        return None
    rows = Execution.objects.filter(incident=incident, action__rollback=action)
    execution: Execution | None = rows.filter(pk=body.rollback_of).first()
    if execution is None:
        raise invalid("rollback_of", f"There is no such execution at {incident.reference} that this action takes back.")
    return execution


def _narrowed(rows: ExecutionQuerySet, query: ExecutionQuery) -> ExecutionQuerySet:
    if query.incident is not None:
        rows = rows.filter(incident=number_of(query.incident) or 0)
    if query.action is not None:
        rows = rows.filter(action__slug=query.action)
    if query.run is not None:  # the incident has an index, the place has none
        rows = rows.filter(incident__runs=query.run, place__startswith=places.of_run(query.run))
    if query.state is not None:
        rows = rows.filter(state=query.state)
    return rows.unfinished() if query.unfinished else rows
