"""Standing in: cover that is asked for and taken, the shift that runs, and swaps."""

from __future__ import annotations

from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from api import lookups, paging
from api.auth import ApiRequest, actor, writer
from api.idempotency import idempotent
from api.paging import Page
from api.problems import Problem
from api.resources.schedules import schedule_of
from api.schemas.base import Number
from api.schemas.cover import CoverQuery, CoverRequestOut, NewCoverRequest, NewSwap, SwapOut
from api.schemas.incidents import Nothing
from api.schemas.schedules import MadeOverride
from oncall import cover
from oncall.models import CoverRequest

router = Router(tags=["on-call"])
schedules_router = Router(tags=["on-call"])


@router.get("", response=Page[CoverRequestOut])
def list_cover_requests(request: ApiRequest, query: Query[CoverQuery]) -> Page[CoverRequestOut]:
    """Who asks for cover, newest first: what can still be taken, or everything that was asked."""
    rows = CoverRequest.objects.visible_to(actor(request))
    if query.state == "open":
        rows = rows.open(timezone.now())
    if query.schedule is not None:
        rows = rows.filter(schedule=lookups.schedule(query.schedule, user=actor(request)))
    rows = rows.select_related("user", "taken_by")
    return paging.answer(request, rows, query, Page[CoverRequestOut], CoverRequestOut.of)


@router.post("", auth=writer, response={201: CoverRequestOut})
@idempotent()
def ask_for_cover(request: ApiRequest, body: NewCoverRequest) -> Answer[CoverRequestOut]:
    """Ask that somebody takes one's shift, or a part of it."""
    user = actor(request)
    schedule = lookups.schedule(body.schedule, user=user)
    row = cover.ask(schedule, start=body.start, end=body.end, by=user, note=body.note)
    return Answer(201, CoverRequestOut.of(row))


@router.get("/{cover_id}", response=CoverRequestOut)
def read_cover_request(request: ApiRequest, cover_id: Number) -> CoverRequestOut:
    """One request."""
    return CoverRequestOut.of(_request(request, cover_id))


@router.post("/{cover_id}/take", auth=writer, response={201: MadeOverride})
@idempotent()
def take_cover(request: ApiRequest, cover_id: Number, body: Nothing | None = None) -> Answer[MadeOverride]:
    """Stand in for who asks, from now where it runs already. 409 where somebody was quicker or nothing is left."""
    return Answer(201, MadeOverride.made(cover.take(_request(request, cover_id), by=actor(request))))


@router.post("/{cover_id}/withdraw", auth=writer, response=CoverRequestOut)
def withdraw_cover(request: ApiRequest, cover_id: Number, body: Nothing | None = None) -> CoverRequestOut:
    """Cover is not needed any more: for the asker and who manages the schedule."""
    return CoverRequestOut.of(cover.withdraw(_request(request, cover_id), by=actor(request)))


@schedules_router.post("/{schedule_id}/take", auth=writer, response={201: MadeOverride})
@idempotent()
def take_shift(request: ApiRequest, schedule_id: Number, body: Nothing | None = None) -> Answer[MadeOverride]:
    """Be on call from now to the end of the shift that runs; where no end is in sight, for twelve hours."""
    return Answer(201, MadeOverride.made(cover.take_now(schedule_of(request, schedule_id), by=actor(request))))


@schedules_router.post("/{schedule_id}/swap", auth=writer, response={201: SwapOut})
@idempotent()
def swap_shifts(request: ApiRequest, schedule_id: Number, body: NewSwap) -> Answer[SwapOut]:
    """Let the people of two coming shifts take each other's. 409 where there is no such shift any more."""
    made = cover.swap(schedule_of(request, schedule_id), first=body.first, second=body.second, by=actor(request))
    return Answer(201, SwapOut(overrides=[MadeOverride.made(row) for row in made]))


def _request(request: ApiRequest, pk: int) -> CoverRequest:
    rows = CoverRequest.objects.visible_to(actor(request)).select_related("user", "taken_by")
    found: CoverRequest | None = rows.filter(pk=pk).first()
    if found is None:
        raise Problem(404, "There is no such request for cover.")
    return found
