"""Runs: runbooks that are followed at incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninja import Query, Router
from ninja.responses import Status as Answer

from api import paging
from api.auth import ApiRequest, actor, responder
from api.idempotency import idempotent
from api.paging import Page
from api.problems import invalid
from api.schemas.base import Number
from api.schemas.runbooks import NewRun, RunOut, RunQuery, StepChange
from incidents.fetching import number_of
from incidents.models import Incident
from runbooks import fetching, running
from runbooks.models import Run, Runbook

if TYPE_CHECKING:
    from accounts.models import User

router = Router(tags=["runbooks"])


@router.get("", response=Page[RunOut])
def list_runs(request: ApiRequest, query: Query[RunQuery]) -> Page[RunOut]:
    """Runs at incidents that you may see, newest first."""
    user = actor(request)
    rows = Run.objects.visible_to(user).with_steps()
    if query.incident is not None:
        rows = rows.filter(incident=number_of(query.incident) or 0)
    if query.runbook is not None:
        rows = rows.filter(runbook__slug=query.runbook)
    if query.state is not None:
        rows = rows.filter(finished_at__isnull=query.state == "unfinished")
    return paging.answer(request, rows, query, Page[RunOut], RunOut.of)


@router.post("", auth=responder, response={200: RunOut, 201: RunOut})
@idempotent()
def start_run(request: ApiRequest, body: NewRun) -> Answer[RunOut]:
    """Follow a runbook at an incident. 200 with the unfinished run of it, if there is one."""
    user = actor(request)
    incident = Incident.objects.visible_to(user).filter(pk=number_of(body.incident) or 0).first()
    if incident is None:
        raise invalid("incident", "There is no such incident.")
    runbook = Runbook.objects.visible_to(user).filter(slug=body.runbook).first()
    if runbook is None:
        raise invalid("runbook", "There is no such runbook.")
    run, is_new = running.start(incident, runbook, by=user)
    return Answer(201 if is_new else 200, _shown(user, run.pk))


@router.get("/{run_id}", response=RunOut)
def read_run(request: ApiRequest, run_id: Number) -> RunOut:
    """One run, by its id."""
    return _shown(actor(request), run_id)


@router.post("/{run_id}/steps/{position}", auth=responder, response=RunOut)
def change_run_step(request: ApiRequest, run_id: Number, position: Number, body: StepChange) -> RunOut:
    """Say what became of a step. 409 where somebody else did or skipped it before you."""
    user = actor(request)
    run = fetching.run_for(user, run_id)
    fetching.step_of(run, position)
    match body.state:
        case "done":
            running.tick(run, position, by=user, text=body.text)
        case "skipped":
            running.skip(run, position, by=user, reason=body.text)
        case "todo":
            running.untick(run, position, by=user)
        case None:
            running.add_text(run, position, by=user, text=body.text)
    return _shown(user, run.pk)


def _shown(user: User, pk: int) -> RunOut:
    return RunOut.of(fetching.run_for(user, pk))
