"""Finding a service, or a maintenance window, for somebody who may see, judge or change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404

from accounts.access import require_manager, require_role
from accounts.models import Role
from catalog.models import MaintenanceWindow, Service

if TYPE_CHECKING:
    from accounts.models import User


def service_for(user: User, slug: str) -> Service:
    """The service with its policy and neighbours; 404 where there is none."""
    service: Service = get_object_or_404(Service.objects.visible_to(user).with_policy(), slug=slug)
    return service


def service_for_responder(user: User, slug: str) -> Service:
    """The service, for somebody who may say how it is; 404 or 403 otherwise."""
    service = service_for(user, slug)
    require_role(user, Role.RESPONDER)
    return service


def service_for_manager(user: User, slug: str) -> Service:
    """The service, for a manager of the site or of its team; 404 or 403 otherwise."""
    service = service_for(user, slug)
    require_manager(user, service.team)
    return service


def maintenance_for(user: User, public_id: str) -> MaintenanceWindow:
    """The window with its services; 404 where there is none."""
    rows = MaintenanceWindow.objects.visible_to(user).with_services()
    window: MaintenanceWindow = get_object_or_404(rows, public_id=public_id)
    return window


def maintenance_for_responder(user: User, public_id: str) -> MaintenanceWindow:
    """The window, for somebody who may change it; 404 or 403 otherwise."""
    window = maintenance_for(user, public_id)
    require_role(user, Role.RESPONDER)
    return window
