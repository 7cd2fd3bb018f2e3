"""What a status page is made of: groups and components, made, changed, moved and removed with an entry in the audit
log; each change has the page rendered anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeVar

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from core import time_zones
from core.text import single_line
from statuspage import overtaken, pages, subscribing
from statuspage.models import Component, ComponentGroup, StatusPage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet

    from accounts.models import User
    from catalog.models import Service

Place = Literal["up", "down"] | int
R = TypeVar("R", Component, ComponentGroup)
S = TypeVar("S", Component, ComponentGroup, StatusPage)

EDITABLE = ("name", "description", "group", "since")
MOST_GROUPS = 50
MOST_COMPONENTS = 200


@transaction.atomic
def add_group(page: StatusPage, *, name: str, by: User | None, now: datetime | None = None) -> ComponentGroup:
    """A new group, below the others. Raises ValidationError."""
    page = _locked(page)
    group = checked_group(ComponentGroup(page=page, name=name, position=_end_of(page.groups.all())))
    return _saved(group, by=by, now=now)


@transaction.atomic
def rename_group(group: ComponentGroup, *, name: str, by: User | None, now: datetime | None = None) -> ComponentGroup:
    """Call a group otherwise. Raises ValidationError."""
    _locked(group.page)
    group = _still(ComponentGroup.objects.all(), group)
    group.name = name
    return _saved(checked_group(group), by=by, now=now)


@transaction.atomic
def remove_group(group: ComponentGroup, *, by: User | None, now: datetime | None = None) -> None:
    """Take a group away; its components stay, without one."""
    found = _if_there(ComponentGroup.objects.all(), group)
    if found is not None:
        audit.delete(found, by=by)
        pages.changed([found.page_id], now=now or timezone.now())


@transaction.atomic
def move_group(group: ComponentGroup, *, to: Place, by: User | None, now: datetime | None = None) -> ComponentGroup:
    """Put a group one place up or down, or at a place counted from 0."""
    rows: list[ComponentGroup] = list(_locked(group.page).groups.all())
    return _moved(rows, group, to, by=by, now=now)


@transaction.atomic
def add_component(
    page: StatusPage, *, by: User | None, services: Iterable[Service] = (), now: datetime | None = None, **fields: Any
) -> Component:
    """A new component, below the others; its history begins today unless ``since`` says otherwise. Raises
    ValidationError, for an unknown field too."""
    page, now = _locked(page), now or timezone.now()
    fields["since"] = fields.get("since") or _today(page, now)
    component = _with(Component(page=page, position=_end_of(page.components.all())), fields)
    _saved(checked_component(component, now=now), by=by, now=now)
    _tie(component, services, by=by)
    return component


@transaction.atomic
def change_component(
    component: Component,
    *,
    by: User | None,
    services: Iterable[Service] | None = None,
    based_on: datetime | None = None,
    now: datetime | None = None,
    **fields: Any,
) -> Component:
    """Change a component; ``services`` of None leaves those as they are. What was told of it before stays.

    ``based_on`` is the ``updated_at`` that the change was made from. Raises ValidationError, for an unknown field too,
    and Overtaken where it was saved since.
    """
    now = now or timezone.now()
    _locked(component.page)
    component = _still(Component.objects.select_related("page", "group"), component)
    overtaken.check(component, based_on=based_on)
    component = _with(component, fields)
    _saved(checked_component(component, now=now), by=by, now=now)
    if services is not None:
        _tie(component, services, by=by)
    return component


@transaction.atomic
def remove_component(component: Component, *, by: User | None, now: datetime | None = None) -> None:
    """Take a component away, with its history; what updates say of it stays in their words. Whoever subscribed to
    nothing else is told so, and hears nothing more."""
    found, now = _if_there(Component.objects.all(), component), now or timezone.now()
    if found is not None:
        subscribing.end_without(found, now=now)
        audit.delete(found, by=by)
        pages.changed([found.page_id], now=now)


@transaction.atomic
def move_component(component: Component, *, to: Place, by: User | None, now: datetime | None = None) -> Component:
    """Put a component one place up or down among those of its group, or at a place there counted from 0."""
    page = _locked(component.page)
    component = _still(Component.objects.all(), component)
    rows: list[Component] = list(page.components.filter(group=component.group_id))
    return _moved(rows, component, to, by=by, now=now)


def checked_group(group: ComponentGroup) -> ComponentGroup:
    """The group with its name on one line. Raises ValidationError for what its page cannot hold."""
    if group._state.adding and group.page.groups.count() >= MOST_GROUPS:
        raise ValidationError(f"A page has {MOST_GROUPS} groups at most.")
    group.name = single_line(group.name)
    if not group.name:
        raise ValidationError({"name": "Give it a name."})
    return group


def checked_component(component: Component, *, now: datetime) -> Component:
    """The component with its words on one line. Raises ValidationError for what its page cannot hold."""
    if component._state.adding and component.page.components.count() >= MOST_COMPONENTS:
        raise ValidationError(f"A page has {MOST_COMPONENTS} components at most.")
    component.name, component.description = single_line(component.name), single_line(component.description)
    if not component.name:
        raise ValidationError({"name": "Give it a name."})
    if component.group is not None and component.group.page_id != component.page_id:
        raise ValidationError({"group": "This group is on another page."})
    if component.since is not None and component.since > _today(component.page, now):
        raise ValidationError({"since": "Its history cannot begin in the future."})
    return component


def _locked(page: StatusPage) -> StatusPage:
    """Raises ValidationError where somebody has removed it meanwhile."""
    return _still(StatusPage.objects.select_for_update(no_key=True).defer("logo"), page)


def _still(rows: QuerySet[Any], row: S) -> S:
    """The row as it is now. Raises ValidationError where somebody has removed it meanwhile."""
    found: S | None = rows.filter(pk=row.pk).first()
    if found is None:
        raise ValidationError(pages.GONE)
    return found


def _if_there(rows: QuerySet[Any], row: R) -> R | None:
    """The row as it is now, once its page is locked; None where it is gone already."""
    list(StatusPage.objects.select_for_update(no_key=True).filter(pk=row.page_id).values_list("pk"))
    found: R | None = rows.filter(pk=row.pk).first()
    return found


def _saved(row: R, *, by: User | None, now: datetime | None) -> R:
    audit.save(row, by=by)
    pages.changed([row.page_id], now=now or timezone.now())
    return row


def _end_of(rows: Any) -> int:
    return 1 + max(rows.values_list("position", flat=True), default=-1)


def _moved(rows: list[R], row: R, to: Place, *, by: User | None, now: datetime | None) -> R:
    """Positions are given anew from 0 on, so that two rows that share one come apart."""
    at = next((place for place, each in enumerate(rows) if each.pk == row.pk), None)
    if at is None:
        raise ValidationError(pages.GONE)
    wanted = {"up": at - 1, "down": at + 1}.get(to, 0) if isinstance(to, str) else to
    rows.insert(max(0, wanted), moved := rows.pop(at))
    for place, each in enumerate(rows):
        if each.position != place:
            each.position = place
            audit.save(each, by=by)
    pages.changed([moved.page_id], now=now or timezone.now())
    return moved


def _with(component: Component, fields: dict[str, Any]) -> Component:
    if unknown := fields.keys() - set(EDITABLE):
        raise ValidationError(dict.fromkeys(sorted(unknown), "A component has no such field."))
    for name, value in fields.items():
        setattr(component, name, value)
    return component


def _today(page: StatusPage, now: datetime) -> date:
    return now.astimezone(time_zones.zone(page.time_zone)).date()


def _tie(component: Component, services: Iterable[Service], *, by: User | None) -> None:
    before = _slugs(component)
    component.services.set(services)
    audit.changed_links(component, by=by, name="services", before=before, after=_slugs(component))


def _slugs(component: Component) -> list[str]:
    return list(component.services.order_by("slug").values_list("slug", flat=True))
