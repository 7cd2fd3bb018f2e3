"""Integrations: made, listed, read, changed, and given a new key."""

from __future__ import annotations

from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.access import require_manager
from alerts import integrations
from alerts.fetching import integration_for_manager
from alerts.models import Integration
from api import lookups, paging
from api.auth import ApiRequest, actor, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem
from api.schemas.alerts import (
    IntegrationChange,
    IntegrationOut,
    IntegrationWithKey,
    NewIntegration,
)
from api.schemas.base import Number
from api.schemas.incidents import Nothing

router = Router(tags=["integrations"])


@router.get("", response=Page[IntegrationOut])
def list_integrations(request: ApiRequest, query: Query[ListQuery]) -> Page[IntegrationOut]:
    """Which monitors report here, newest first."""
    rows = Integration.objects.visible_to(actor(request)).select_related("service")
    return paging.answer(request, rows, query, Page[IntegrationOut], IntegrationOut.of)


@router.post("", auth=writer, response={201: IntegrationWithKey})
@idempotent(hide=("routing_key", "url"))
def create_integration(request: ApiRequest, body: NewIntegration) -> Answer[IntegrationWithKey]:
    """Make a door for a monitor. The key is shown in this answer only; a repeated one (Idempotency-Key) has null."""
    service = lookups.service(body.service, user=actor(request))
    require_manager(actor(request), service.team if service else None)
    made, key = integrations.create(
        name=body.name,
        format=body.format,
        service=service,
        default_severity=body.default_severity,
        by=actor(request),
    )
    return Answer(201, IntegrationWithKey.with_key(made, key))


@router.get("/{integration_id}", response=IntegrationOut)
def read_integration(request: ApiRequest, integration_id: Number) -> IntegrationOut:
    """One integration."""
    rows = Integration.objects.visible_to(actor(request)).select_related("service")
    found = rows.filter(pk=integration_id).first()
    if found is None:
        raise Problem(404, "There is no such integration.")
    return IntegrationOut.of(found)


@router.patch("/{integration_id}", auth=writer, response=IntegrationOut)
def change_integration(request: ApiRequest, integration_id: Number, body: IntegrationChange) -> IntegrationOut:
    """Change an integration; switch it off instead of deleting it, so that its alerts stay."""
    integration, given = integration_for_manager(actor(request), integration_id), body.given()
    if "service" in given:
        given["service"] = service = lookups.service(body.service, user=actor(request))
        require_manager(actor(request), service.team if service else None)
    return IntegrationOut.of(integrations.update(integration, by=actor(request), **given))


@router.post("/{integration_id}/rotate-key", auth=writer, response=IntegrationWithKey)
def rotate_integration_key(
    request: ApiRequest, integration_id: Number, body: Nothing | None = None
) -> IntegrationWithKey:
    """Replace the key; the old one stops working at once."""
    integration = integration_for_manager(actor(request), integration_id)
    return IntegrationWithKey.with_key(*integrations.rotate_key(integration, by=actor(request)))
