"""Runners: made, listed, read, changed, and given a new token."""

from __future__ import annotations

from ninja import Query, Router
from ninja.responses import Status as Answer

from api import paging
from api.auth import ApiRequest, actor, admin
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.schemas.automation import NewRunner, RunnerChange, RunnerOut, RunnerWithToken
from api.schemas.base import Number
from api.schemas.incidents import Nothing
from automation import runners
from automation.fetching import runner_for, runner_for_admin
from automation.models import Runner

router = Router(tags=["runners"])


@router.get("", response=Page[RunnerOut])
def list_runners(request: ApiRequest, query: Query[ListQuery]) -> Page[RunnerOut]:
    """Which programs ask for work, newest first."""
    return paging.answer(request, Runner.objects.visible_to(actor(request)), query, Page[RunnerOut], RunnerOut.of)


@router.post("", auth=admin, response={201: RunnerWithToken})
@idempotent(hide=("token",))
def create_runner(request: ApiRequest, body: NewRunner) -> Answer[RunnerWithToken]:
    """Make a runner. The token is shown in this answer only; a repeated one (Idempotency-Key) has null."""
    return Answer(201, RunnerWithToken.with_token(*runners.create(name=body.name, by=actor(request))))


@router.get("/{runner_id}", response=RunnerOut)
def read_runner(request: ApiRequest, runner_id: Number) -> RunnerOut:
    """One runner, with what its own file allows."""
    return RunnerOut.of(runner_for(actor(request), runner_id))


@router.patch("/{runner_id}", auth=admin, response=RunnerOut)
def change_runner(request: ApiRequest, runner_id: Number, body: RunnerChange) -> RunnerOut:
    """Rename a runner, or switch it off and on."""
    runner = runner_for_admin(actor(request), runner_id)
    return RunnerOut.of(runners.update(runner, by=actor(request), **body.given()))


@router.post("/{runner_id}/token", auth=admin, response=RunnerWithToken)
def renew_runner_token(request: ApiRequest, runner_id: Number, body: Nothing | None = None) -> RunnerWithToken:
    """Replace the token; the old one stops working at once."""
    runner = runner_for_admin(actor(request), runner_id)
    return RunnerWithToken.with_token(*runners.rotate_token(runner, by=actor(request)))
