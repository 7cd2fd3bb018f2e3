"""What the shell around every page shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone

from alerts.models import Alert
from incidents.models import Incident

if TYPE_CHECKING:
    from django.http import HttpRequest

MOST_COUNTED = 1000


def shell(request: HttpRequest) -> dict[str, Any]:
    """Counts in the navigation (bounded, so that they cost the same at any size) and the reader's time zone."""
    user = getattr(request, "user", None)
    zone = timezone.get_current_timezone_name()
    if user is None or not user.is_authenticated:
        return {"nav": {"time_zone_label": zone}}
    open_ = Incident.objects.visible_to(user).open().order_by()[:MOST_COUNTED]
    firing = Alert.objects.visible_to(user).filter(status=Alert.Status.FIRING).order_by()[:MOST_COUNTED]
    return {
        "nav": {
            "active_incidents": open_.count(),
            "firing_alerts": firing.count(),
            "demo": user.is_demo,
            "time_zone_label": zone,
        }
    }
