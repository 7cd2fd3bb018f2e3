"""Finding what an address names, as far as the reader may see and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404

from accounts.access import require_role
from accounts.models import Role
from statuspage.models import Component, ComponentGroup, StatusPage

if TYPE_CHECKING:
    from accounts.models import User


def page_for(user: User, slug: str) -> StatusPage:
    """The page; 404 where there is none."""
    page: StatusPage = get_object_or_404(StatusPage.objects.visible_to(user).defer("logo"), slug=slug)
    return page


def page_for_manager(user: User, slug: str) -> StatusPage:
    """The page, for a manager of the site; 404 or 403 otherwise."""
    require_role(user, Role.MANAGER)
    return page_for(user, slug)


def group_for(user: User, slug: str, public_id: str) -> ComponentGroup:
    """The group of the page; 404 where there is none."""
    rows = ComponentGroup.objects.visible_to(user).select_related("page")
    group: ComponentGroup = get_object_or_404(rows, page__slug=slug, public_id=public_id)
    return group


def group_for_manager(user: User, slug: str, public_id: str) -> ComponentGroup:
    """The group, for a manager of the site; 404 or 403 otherwise."""
    require_role(user, Role.MANAGER)
    return group_for(user, slug, public_id)


def component_for(user: User, slug: str, public_id: str) -> Component:
    """The component of the page, with its services; 404 where there is none."""
    rows = Component.objects.visible_to(user).select_related("page", "group").prefetch_related("services")
    component: Component = get_object_or_404(rows, page__slug=slug, public_id=public_id)
    return component


def component_for_manager(user: User, slug: str, public_id: str) -> Component:
    """The component, for a manager of the site; 404 or 403 otherwise."""
    require_role(user, Role.MANAGER)
    return component_for(user, slug, public_id)
