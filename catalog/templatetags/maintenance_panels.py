"""Maintenance windows, on pages that are not theirs."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone
from django.utils.html import format_html

from catalog.models import MaintenanceWindow
from core.templatetags.muster import icon

if TYPE_CHECKING:
    from datetime import datetime

    from django.template import Context
    from django.utils.safestring import SafeString

    from catalog.models import Service

register = template.Library()

AHEAD = timedelta(days=14)
MOST = 20


@register.simple_tag
def maintenance_state(window: MaintenanceWindow, now: datetime | None = None) -> SafeString:
    """``{% maintenance_state window %}``: where it stands."""
    state = MaintenanceWindow.State(window.state_at(now or timezone.now()))
    if state == MaintenanceWindow.State.IN_PROGRESS:
        return format_html('<span class="mu-health mu-maintenance">{}{}</span>', icon("h-maintenance"), "Under way")
    return format_html('<span class="mu-tag">{}</span>', state.label)


@register.inclusion_tag("catalog/_maintenance_of.html", takes_context=True)
def maintenance_of(context: Context, service: Service) -> dict[str, Any]:
    """``{% maintenance_of service %}``: what is under way and what comes within two weeks."""
    now = timezone.now()
    rows = MaintenanceWindow.objects.visible_to(context["user"]).filter(services=service)
    coming = rows.upcoming(now=now).filter(starts_at__lte=now + AHEAD)
    return {"rows": (rows.running(now=now) | coming)[:MOST], "service": service, "may_add": context["may_set_health"]}
