"""Services: made, listed, read and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.access import require_manager
from api import lookups, paging
from api.auth import ApiRequest, actor, writer
from api.idempotency import idempotent
from api.paging import Page
from api.schemas.base import Name
from api.schemas.services import NewService, ServiceChange, ServiceOut, ServiceQuery, ServiceWithWarnings
from catalog import changes, fetching, findings
from catalog.models import Dependency, Service

if TYPE_CHECKING:
    from accounts.models import User
    from catalog.querysets import ServiceQuerySet

router = Router(tags=["services"])


@router.get("", response=Page[ServiceOut])
def list_services(request: ApiRequest, query: Query[ServiceQuery]) -> Page[ServiceOut]:
    """Services, newest first."""
    rows = Service.objects.visible_to(actor(request)).with_maintenance()
    if query.team is not None:
        rows = rows.filter(team__slug=query.team)
    if query.health is not None:
        rows = rows.in_health(query.health)
    return paging.answer(request, _with_details(rows), query, Page[ServiceOut], ServiceOut.of)


@router.post("", auth=writer, response={201: ServiceWithWarnings})
@idempotent()
def create_service(request: ApiRequest, body: NewService) -> Answer[ServiceWithWarnings]:
    """Add a service; for a manager of the site or of the team that owns it. `warnings` say what may keep somebody from
    being paged for it; they are no refusal."""
    user = actor(request)
    values = _values(dict(body), user=user)
    require_manager(user, values["team"])
    return Answer(201, _saved(changes.create_service(by=user, **values)))


@router.get("/{slug}", response=ServiceOut)
def read_service(request: ApiRequest, slug: Name) -> ServiceOut:
    """One service, by its slug."""
    return ServiceOut.of(_fetched(fetching.service_for(actor(request), slug)))


@router.patch("/{slug}", auth=writer, response=ServiceWithWarnings)
def change_service(request: ApiRequest, slug: Name, body: ServiceChange) -> ServiceWithWarnings:
    """Change a service; for a manager of the site or of its team. Its health alone: for responders."""
    user, given = actor(request), body.given()
    if set(given) == {"health"}:
        service = fetching.service_for_responder(user, slug)
        return _saved(changes.set_health(service, to=body.health, by=user))
    service = fetching.service_for_manager(user, slug)
    values = _values(given, user=user)
    if "team" in values:
        require_manager(user, values["team"])
    return _saved(changes.update_service(service, by=user, **values))


def _values(given: dict[str, Any], *, user: User) -> dict[str, Any]:
    """With what slugs and ids stand for."""
    values = dict(given)
    if "team" in values:
        values["team"] = lookups.team(values["team"], user=user)
    if "escalation_policy" in values:
        values["escalation_policy"] = lookups.policy(values["escalation_policy"], user=user)
    if "depends_on" in values:
        values["depends_on"] = lookups.services(values["depends_on"], user=user, field="depends_on")
    return values


def _with_details(rows: ServiceQuerySet) -> ServiceQuerySet:
    links = Dependency.objects.select_related("depends_on").order_by("id")
    return rows.select_related("team").prefetch_related(Prefetch("dependencies", links))


def _fetched(service: Service) -> Service:
    found: Service = _with_details(Service.objects.with_maintenance()).get(pk=service.pk)
    return found


def _saved(service: Service) -> ServiceWithWarnings:
    warnings = [each.text for each in findings.of_service(service.pk, now=timezone.now())]
    return ServiceWithWarnings.saved(_fetched(service), warnings)
