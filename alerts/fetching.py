"""Finding what an address names, as far as the reader may see and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.access import require_manager
from alerts.linking import REFERENCE
from alerts.models import Alert, Integration

if TYPE_CHECKING:
    from accounts.models import User


def alert_for(user: User, reference: str) -> Alert:
    """The alert; 404 where there is none that the person may see."""
    found = REFERENCE.fullmatch(reference.upper())
    if not found:
        raise Http404
    alert: Alert = get_object_or_404(Alert.objects.visible_to(user).for_list(), pk=int(found[1]))
    return alert


def integration_for_manager(user: User, pk: int) -> Integration:
    """The integration, for a manager of the site or of the service's team; 404 or 403 otherwise."""
    rows = Integration.objects.visible_to(user).select_related("service__team")
    integration: Integration = get_object_or_404(rows, pk=pk)
    require_manager(user, integration.service.team if integration.service else None)
    return integration
