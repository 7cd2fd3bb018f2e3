"""Maintenance windows: announced, listed, read, changed, begun, ended and cancelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from api import lookups, paging
from api.auth import ApiRequest, actor, responder
from api.idempotency import idempotent
from api.paging import Page
from api.schemas.base import Name
from api.schemas.incidents import Nothing
from api.schemas.maintenance import MaintenanceChange, MaintenanceOut, MaintenanceQuery, NewMaintenance
from catalog import fetching, maintenance
from catalog.models import MaintenanceWindow, Service

if TYPE_CHECKING:
    from accounts.models import User

router = Router(tags=["maintenance"])


@router.get("", response=Page[MaintenanceOut])
def list_maintenance(request: ApiRequest, query: Query[MaintenanceQuery]) -> Page[MaintenanceOut]:
    """Maintenance windows, newest first."""
    user, now = actor(request), timezone.now()
    rows = MaintenanceWindow.objects.visible_to(user).with_services()
    if query.service is not None:
        rows = rows.of_services(Service.objects.visible_to(user).filter(slug=query.service))
    if query.state is not None:
        rows = rows.in_state(query.state, now=now)
    return paging.answer(request, rows, query, Page[MaintenanceOut], lambda row: MaintenanceOut.of(row, now=now))


@router.post("", auth=responder, response={201: MaintenanceOut})
@idempotent()
def announce_maintenance(request: ApiRequest, body: NewMaintenance) -> Answer[MaintenanceOut]:
    """Announce work on some services; for responders."""
    user = actor(request)
    return Answer(201, _shown(maintenance.schedule(by=user, **_values(dict(body), user=user)), user))


@router.get("/{maintenance_id}", response=MaintenanceOut)
def read_maintenance(request: ApiRequest, maintenance_id: Name) -> MaintenanceOut:
    """One window."""
    user = actor(request)
    return MaintenanceOut.of(fetching.maintenance_for(user, maintenance_id), now=timezone.now())


@router.patch("/{maintenance_id}", auth=responder, response=MaintenanceOut)
def change_maintenance(request: ApiRequest, maintenance_id: Name, body: MaintenanceChange) -> MaintenanceOut:
    """Change what is announced, its end included, until it is over; 409 afterwards. For responders."""
    user = actor(request)
    window = fetching.maintenance_for_responder(user, maintenance_id)
    return _shown(maintenance.change(window, by=user, **_values(body.given(), user=user)), user)


@router.post("/{maintenance_id}/start", auth=responder, response=MaintenanceOut)
def start_maintenance(request: ApiRequest, maintenance_id: Name, body: Nothing | None = None) -> MaintenanceOut:
    """Begin earlier than announced, for as long as announced; 409 once it has begun. For responders."""
    user = actor(request)
    return _shown(maintenance.start_now(fetching.maintenance_for_responder(user, maintenance_id), by=user), user)


@router.post("/{maintenance_id}/end", auth=responder, response=MaintenanceOut)
def end_maintenance(request: ApiRequest, maintenance_id: Name, body: Nothing | None = None) -> MaintenanceOut:
    """The work is done, sooner than announced; 409 unless it is under way. For responders."""
    user = actor(request)
    return _shown(maintenance.end_now(fetching.maintenance_for_responder(user, maintenance_id), by=user), user)


@router.post("/{maintenance_id}/cancel", auth=responder, response=MaintenanceOut)
def cancel_maintenance(request: ApiRequest, maintenance_id: Name, body: Nothing | None = None) -> MaintenanceOut:
    """It will not take place; 409 once it has begun. For responders."""
    user = actor(request)
    return _shown(maintenance.cancel(fetching.maintenance_for_responder(user, maintenance_id), by=user), user)


def _values(given: dict[str, Any], *, user: User) -> dict[str, Any]:
    """With what slugs stand for."""
    if "services" in given:
        given["services"] = lookups.services(given["services"], user=user, field="services")
    return given


def _shown(window: MaintenanceWindow, user: User) -> MaintenanceOut:
    return MaintenanceOut.of(fetching.maintenance_for(user, window.public_id), now=timezone.now())
