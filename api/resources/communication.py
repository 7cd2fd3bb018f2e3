"""Status updates of an incident, and its action items."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.models import Role
from api import lookups, paging
from api.auth import ApiRequest, actor, responder
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem
from api.resources.action_items import with_people
from api.schemas.base import Name, Number
from api.schemas.communication import (
    ActionItemOut,
    NewActionItem,
    NewStatusUpdate,
    StatusUpdateChange,
    StatusUpdateOut,
)
from incidents import action_items, communication, fetching
from incidents.models import ActionItem, StatusUpdate

if TYPE_CHECKING:
    from collections.abc import Iterator

router = Router(tags=["incidents"])

CHRONOLOGICAL = ("at", "pk")  # served by the index incidents_updates


@router.get("/{incident_id}/status-updates", response=Page[StatusUpdateOut])
def list_status_updates(request: ApiRequest, incident_id: Name, query: Query[ListQuery]) -> Page[StatusUpdateOut]:
    """What was said about how it stands, in order. Responders also see what waits, and what was withdrawn."""
    user = actor(request)
    incident = fetching.incident_for(user, incident_id)
    rows = (
        StatusUpdate.objects.filter(incident=incident).select_related("by").prefetch_related("revisions__replaced_by")
    )
    if not user.has_role(Role.RESPONDER):
        rows = rows.published()
    return paging.answer(request, rows, query, Page[StatusUpdateOut], StatusUpdateOut.of, sort=CHRONOLOGICAL)


@router.post("/{incident_id}/status-updates", auth=responder, response={201: StatusUpdateOut})
@idempotent()
def add_status_update(request: ApiRequest, incident_id: Name, body: NewStatusUpdate) -> Answer[StatusUpdateOut]:
    """Say how it stands: at once, in a minute, or at a time. The incident's own status stays what it is."""
    incident = fetching.incident_for(actor(request), incident_id)
    with _their_names():
        update = communication.post_update(incident, by=actor(request), **body.words())
    return Answer(201, StatusUpdateOut.of(update))


@router.get("/{incident_id}/status-updates/{update_id}", response=StatusUpdateOut)
def read_status_update(request: ApiRequest, incident_id: Name, update_id: Number) -> StatusUpdateOut:
    """One update; to others than responders only what is published."""
    update = _update(request, incident_id, update_id)
    if not update.published_at and not actor(request).has_role(Role.RESPONDER):
        raise Problem(404, "There is no such status update.")
    return StatusUpdateOut.of(update)


@router.patch("/{incident_id}/status-updates/{update_id}", auth=responder, response=StatusUpdateOut)
def edit_status_update(
    request: ApiRequest, incident_id: Name, update_id: Number, body: StatusUpdateChange
) -> StatusUpdateOut:
    """Say it otherwise. A published update shows as edited and keeps what it said; nobody is told again. 409 where it
    has changed since `based_on`, with how it is now as `current`."""
    update = _update(request, incident_id, update_id)
    try:
        with _their_names():
            return StatusUpdateOut.of(communication.edit(update, by=actor(request), **body.words()))
    except communication.Overtaken as overtaken:
        current = StatusUpdateOut.of(overtaken.update).model_dump(mode="json")
        raise Problem(409, f"{overtaken} Nothing was saved.", extra={"current": current}) from overtaken


@router.post("/{incident_id}/status-updates/{update_id}/publish", auth=responder, response=StatusUpdateOut)
def publish_status_update(request: ApiRequest, incident_id: Name, update_id: Number) -> StatusUpdateOut:
    """Publish what waits, now; 409 for what was withdrawn."""
    return StatusUpdateOut.of(communication.publish_now(_update(request, incident_id, update_id), by=actor(request)))


@router.post("/{incident_id}/status-updates/{update_id}/withdraw", auth=responder, response=StatusUpdateOut)
def withdraw_status_update(request: ApiRequest, incident_id: Name, update_id: Number) -> StatusUpdateOut:
    """Take back what waits; 409 for what is published."""
    return StatusUpdateOut.of(communication.withdraw(_update(request, incident_id, update_id), by=actor(request)))


def _update(request: ApiRequest, incident_id: str, update_id: int) -> StatusUpdate:
    return fetching.update_of(fetching.incident_for(actor(request), incident_id), update_id)


@contextmanager
def _their_names() -> Iterator[None]:
    """Mistakes by the names that the API has for fields."""
    try:
        yield
    except ValidationError as error:
        said = error.message_dict
        raise ValidationError(
            {("next_update_at" if name == "next_at" else name): said[name] for name in said}
        ) from error


@router.get("/{incident_id}/action-items", response=Page[ActionItemOut])
def list_incident_action_items(request: ApiRequest, incident_id: Name, query: Query[ListQuery]) -> Page[ActionItemOut]:
    """What it left to do, in the order in which it was written down."""
    incident = fetching.incident_for(actor(request), incident_id)
    rows = with_people(ActionItem.objects.filter(incident=incident))  # by the index incidents_actions
    return paging.answer(request, rows, query, Page[ActionItemOut], ActionItemOut.of, sort=paging.OLDEST_FIRST)


@router.post("/{incident_id}/action-items", auth=responder, response={201: ActionItemOut})
@idempotent()
def add_action_item(request: ApiRequest, incident_id: Name, body: NewActionItem) -> Answer[ActionItemOut]:
    """Write down what is to be done. Its owner is told."""
    user = actor(request)
    incident = fetching.incident_for(user, incident_id)
    owner = lookups.person(body.owner, user=user, field="owner")
    item = action_items.add(incident, title=body.title, kind=body.kind or "", owner=owner, due_on=body.due_on, by=user)
    return Answer(201, ActionItemOut.of(item))
