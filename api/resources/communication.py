"""Status updates of an incident, and its action items."""

from __future__ import annotations

from ninja import Query, Router
from ninja.responses import Status as Answer

from api import lookups, paging
from api.auth import ApiRequest, actor, responder
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.resources.action_items import with_people
from api.schemas.base import Name
from api.schemas.communication import ActionItemOut, NewActionItem, NewStatusUpdate, StatusUpdateOut
from incidents import action_items, communication, fetching
from incidents.models import ActionItem, StatusUpdate

router = Router(tags=["incidents"])

CHRONOLOGICAL = ("at", "pk")  # served by the index incidents_updates


@router.get("/{incident_id}/status-updates", response=Page[StatusUpdateOut])
def list_status_updates(request: ApiRequest, incident_id: Name, query: Query[ListQuery]) -> Page[StatusUpdateOut]:
    """What was said about how it stands, in order."""
    incident = fetching.incident_for(actor(request), incident_id)
    rows = StatusUpdate.objects.filter(incident=incident).select_related("by")
    return paging.answer(request, rows, query, Page[StatusUpdateOut], StatusUpdateOut.of, sort=CHRONOLOGICAL)


@router.post("/{incident_id}/status-updates", auth=responder, response={201: StatusUpdateOut})
@idempotent()
def add_status_update(request: ApiRequest, incident_id: Name, body: NewStatusUpdate) -> Answer[StatusUpdateOut]:
    """Say how it stands. The incident's own status stays what it is."""
    incident = fetching.incident_for(actor(request), incident_id)
    update = communication.post_update(
        incident, message=body.message, status=body.status, visibility=body.visibility, by=actor(request)
    )
    return Answer(201, StatusUpdateOut.of(update))


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
