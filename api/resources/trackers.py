"""Trackers, and the tickets that action items become there."""

from __future__ import annotations

from functools import partial

from ninja import Query, Router
from ninja.responses import Status as Answer

from api import lookups, paging
from api.auth import ApiRequest, actor, admin, responder
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem, invalid
from api.schemas.base import Number
from api.schemas.incidents import Nothing
from api.schemas.trackers import NewTicket, NewTracker, TicketOut, TrackerChange, TrackerOut, TrackerWithSecret
from followups import defining, tickets
from followups.fetching import item_for, ticket_of, tracker_for, tracker_for_admin
from followups.models import Ticket, Tracker

router = Router(tags=["trackers"])
items_router = Router(tags=["action items"])


@router.get("", response=Page[TrackerOut])
def list_trackers(request: ApiRequest, query: Query[ListQuery]) -> Page[TrackerOut]:
    """Where action items can become tickets, newest first. Secrets are not shown."""
    user = actor(request)
    rows = Tracker.objects.visible_to(user).select_related("team")
    return paging.answer(request, rows, query, Page[TrackerOut], partial(TrackerOut.of, user=user))


@router.post("", auth=admin, response={201: TrackerWithSecret})
@idempotent(hide=("secret",))
def create_tracker(request: ApiRequest, body: NewTracker) -> Answer[TrackerWithSecret]:
    """Define a tracker. A signing secret that was made for a webhook is shown in this answer only; a repeated one
    (Idempotency-Key) has null."""
    user, given = actor(request), body.given()
    given["team"] = lookups.team(body.team, user=user)
    tracker, secret = defining.create(by=user, **given)
    return Answer(201, TrackerWithSecret.with_secret(tracker, user, secret))


@router.get("/{tracker_id}", response=TrackerOut)
def read_tracker(request: ApiRequest, tracker_id: Number) -> TrackerOut:
    """One tracker, without its secret."""
    user = actor(request)
    return TrackerOut.of(tracker_for(user, tracker_id), user)


@router.patch("/{tracker_id}", auth=admin, response=TrackerOut)
def change_tracker(request: ApiRequest, tracker_id: Number, body: TrackerChange) -> TrackerOut:
    """Change a tracker, give it another secret, or switch it off and on. Its kind stays."""
    user, given = actor(request), body.given()
    if "team" in given:
        given["team"] = lookups.team(body.team, user=user)
    return TrackerOut.of(defining.change(tracker_for_admin(user, tracker_id), by=user, **given), user)


@items_router.get("/{item_id}/ticket", response=TicketOut)
def read_ticket(request: ApiRequest, item_id: Number) -> TicketOut:
    """What an action item became elsewhere; 404 where it did not."""
    return TicketOut.of(ticket_of(item_for(actor(request), item_id)))


@items_router.post("/{item_id}/ticket", auth=responder, response={201: TicketOut})
@idempotent()
def export_action_item(request: ApiRequest, item_id: Number, body: NewTicket) -> Answer[TicketOut]:
    """Export an action item to a tracker; it is sent within seconds. One that could not be exported is tried again."""
    user = actor(request)
    item = item_for(user, item_id)
    tracker = Tracker.objects.visible_to(user).filter(pk=body.tracker).first()
    if tracker is None:
        raise invalid("tracker", f"There is no tracker {body.tracker}.")
    return Answer(201, TicketOut.of(tickets.export(item, tracker=tracker, by=user)))


@items_router.post("/{item_id}/ticket/retry", auth=responder, response=TicketOut)
def retry_ticket(request: ApiRequest, item_id: Number, body: Nothing | None = None) -> TicketOut:
    """Try again what could not be sent, or ask again how it stands."""
    user = actor(request)
    ticket = ticket_of(item_for(user, item_id))
    if ticket.state in (Ticket.State.QUEUED, Ticket.State.SENDING):
        raise Problem(409, "It is on its way already.")
    return TicketOut.of(tickets.retry(ticket, by=user))
