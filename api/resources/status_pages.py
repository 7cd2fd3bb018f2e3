"""Status pages: made, listed, read, changed and deleted, with their groups and components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Prefetch
from django.http import HttpResponse
from ninja import Query, Router
from ninja.responses import Status as Answer

from api import lookups, paging
from api.auth import ApiRequest, actor, manager
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import invalid
from api.schemas.base import Name
from api.schemas.status_pages import (
    ComponentChange,
    ComponentOut,
    GroupChange,
    GroupOut,
    NewComponent,
    NewGroup,
    NewStatusPage,
    ReportOut,
    StatusPageChange,
    StatusPageOut,
    logo_of,
)
from incidents.models import Incident
from statuspage import components, fetching, pages, showing
from statuspage.models import Component, ComponentGroup, Impact, Report, StatusPage

if TYPE_CHECKING:
    from accounts.models import User

router = Router(tags=["status pages"])

IN_ORDER = ("position", "pk")


@router.get("", response=Page[StatusPageOut])
def list_status_pages(request: ApiRequest, query: Query[ListQuery]) -> Page[StatusPageOut]:
    """Status pages, newest first."""
    rows = _counted(StatusPage.objects.visible_to(actor(request)))
    return paging.answer(request, rows, query, Page[StatusPageOut], StatusPageOut.of)


@router.post("", auth=manager, response={201: StatusPageOut})
@idempotent()
def create_status_page(request: ApiRequest, body: NewStatusPage) -> Answer[StatusPageOut]:
    """Make a status page; for managers. Anybody can read it at once."""
    given = dict(body) | {"logo": logo_of(body.logo) if body.logo is not None else None}
    page = pages.create(by=actor(request), **given)
    return Answer(201, _shown(page))


@router.get("/{slug}", response=StatusPageOut)
def read_status_page(request: ApiRequest, slug: Name) -> StatusPageOut:
    """One status page, by its slug."""
    return _shown(fetching.page_for(actor(request), slug))


@router.patch("/{slug}", auth=manager, response=StatusPageOut)
def change_status_page(request: ApiRequest, slug: Name, body: StatusPageChange) -> StatusPageOut:
    """Change a status page; readers see it within seconds. For managers."""
    user = actor(request)
    page = fetching.page_for_manager(user, slug)
    return _shown(pages.change(page, by=user, **_with_logo(body.given())))


@router.delete("/{slug}", auth=manager, response={204: None})
def delete_status_page(request: ApiRequest, slug: Name) -> HttpResponse:
    """Delete a status page with its history and its subscribers, for good. For managers."""
    user = actor(request)
    pages.remove(fetching.page_for_manager(user, slug), by=user)
    return HttpResponse(status=204)


@router.get("/{slug}/reports", response=Page[ReportOut])
def list_status_page_reports(request: ApiRequest, slug: Name, query: Query[ListQuery]) -> Page[ReportOut]:
    """Incidents as the page tells them, those told last first: of the incidents that you may see."""
    user = actor(request)
    page = fetching.page_for(user, slug)
    still = Impact.objects.filter(ended_at=None).select_related("component")
    rows = Report.objects.visible_to(user).filter(page=page, incident__in=Incident.objects.visible_to(user))
    rows = rows.select_related("page", "incident").prefetch_related(Prefetch("impacts", still, to_attr="open_impacts"))
    return paging.answer(request, rows, query, Page[ReportOut], ReportOut.of, sort=("-created_at", "-pk"))


# ---- groups ------------------------------------------------------------------------------------------------------


@router.get("/{slug}/groups", response=Page[GroupOut])
def list_component_groups(request: ApiRequest, slug: Name, query: Query[ListQuery]) -> Page[GroupOut]:
    """The groups of a page, in their order."""
    user = actor(request)
    rows = ComponentGroup.objects.visible_to(user).filter(page=fetching.page_for(user, slug))
    return paging.answer(request, rows, query, Page[GroupOut], GroupOut.of, sort=IN_ORDER)


@router.post("/{slug}/groups", auth=manager, response={201: GroupOut})
@idempotent()
def create_component_group(request: ApiRequest, slug: Name, body: NewGroup) -> Answer[GroupOut]:
    """Add a group, below the others; for managers."""
    user = actor(request)
    page = fetching.page_for_manager(user, slug)
    return Answer(201, GroupOut.of(components.add_group(page, name=body.name, by=user)))


@router.get("/{slug}/groups/{group_id}", response=GroupOut)
def read_component_group(request: ApiRequest, slug: Name, group_id: Name) -> GroupOut:
    """One group."""
    return GroupOut.of(fetching.group_for(actor(request), slug, group_id))


@router.patch("/{slug}/groups/{group_id}", auth=manager, response=GroupOut)
def change_component_group(request: ApiRequest, slug: Name, group_id: Name, body: GroupChange) -> GroupOut:
    """Call a group otherwise, or move it; for managers."""
    user, given = actor(request), body.given()
    group = fetching.group_for_manager(user, slug, group_id)
    if "name" in given:
        group = components.rename_group(group, name=given["name"], by=user)
    if "position" in given:
        group = components.move_group(group, to=given["position"], by=user)
    return GroupOut.of(group)


@router.delete("/{slug}/groups/{group_id}", auth=manager, response={204: None})
def delete_component_group(request: ApiRequest, slug: Name, group_id: Name) -> HttpResponse:
    """Take a group away; its components stay. For managers."""
    user = actor(request)
    components.remove_group(fetching.group_for_manager(user, slug, group_id), by=user)
    return HttpResponse(status=204)


# ---- components --------------------------------------------------------------------------------------------------


@router.get("/{slug}/components", response=Page[ComponentOut])
def list_components(request: ApiRequest, slug: Name, query: Query[ListQuery]) -> Page[ComponentOut]:
    """The components of a page, in their order."""
    user = actor(request)
    rows = Component.objects.visible_to(user).filter(page=fetching.page_for(user, slug))
    rows = rows.select_related("group").prefetch_related("services")
    found, next_address = paging.found(request, rows, query, sort=IN_ORDER)
    healths = showing.health_of(found)
    items = [ComponentOut.of(component, health=healths[component.pk]) for component in found]
    return Page[ComponentOut](items=items, next=next_address)


@router.post("/{slug}/components", auth=manager, response={201: ComponentOut})
@idempotent()
def create_component(request: ApiRequest, slug: Name, body: NewComponent) -> Answer[ComponentOut]:
    """Add a component, below the others; for managers."""
    user = actor(request)
    page = fetching.page_for_manager(user, slug)
    made = components.add_component(page, by=user, **_values(dict(body), page, user))
    return Answer(201, _component(user, slug, made.public_id))


@router.get("/{slug}/components/{component_id}", response=ComponentOut)
def read_component(request: ApiRequest, slug: Name, component_id: Name) -> ComponentOut:
    """One component, and how it is by what was told."""
    return _component(actor(request), slug, component_id)


@router.patch("/{slug}/components/{component_id}", auth=manager, response=ComponentOut)
def change_component(request: ApiRequest, slug: Name, component_id: Name, body: ComponentChange) -> ComponentOut:
    """Change or move a component; what was told of it stays. For managers."""
    user, given = actor(request), body.given()
    component = fetching.component_for_manager(user, slug, component_id)
    place = given.pop("position", None)
    if given:
        component = components.change_component(component, by=user, **_values(given, component.page, user))
    if place is not None:
        components.move_component(component, to=place, by=user)
    return _component(user, slug, component_id)


@router.delete("/{slug}/components/{component_id}", auth=manager, response={204: None})
def delete_component(request: ApiRequest, slug: Name, component_id: Name) -> HttpResponse:
    """Take a component away, with its history. For managers."""
    user = actor(request)
    components.remove_component(fetching.component_for_manager(user, slug, component_id), by=user)
    return HttpResponse(status=204)


# ---- what bodies name, and answers -------------------------------------------------------------------------------


def _with_logo(given: dict[str, Any]) -> dict[str, Any]:
    """What the domain takes: bytes, or that there is to be no logo."""
    if "logo" not in given:
        return given
    logo = given.pop("logo")
    return {**given, "logo": logo_of(logo)} if logo is not None else {**given, "without_logo": True}


def _values(given: dict[str, Any], page: StatusPage, user: User) -> dict[str, Any]:
    """With what ids and slugs stand for."""
    values = dict(given)
    if "services" in values:
        values["services"] = lookups.services(values["services"], user=user, field="services")
    if values.get("group") is not None:
        values["group"] = page.groups.filter(public_id=values["group"]).first()
        if values["group"] is None:
            raise invalid("group", lookups.no_such("group", given["group"]))
    return values


def _component(user: User, slug: str, public_id: str) -> ComponentOut:
    component = fetching.component_for(user, slug, public_id)
    return ComponentOut.of(component, health=showing.health_of([component])[component.pk])


def _counted(rows: Any) -> Any:
    return showing.counted(rows.defer("logo"))


def _shown(page: StatusPage) -> StatusPageOut:
    return StatusPageOut.of(_counted(StatusPage.objects.all()).get(pk=page.pk))
