"""Incidents, on the pages of other rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from incidents.models import Incident

if TYPE_CHECKING:
    from django.template import Context

    from catalog.models import Service

register = template.Library()

MOST_SHOWN = 20


@register.inclusion_tag("incidents/_open_incidents.html", takes_context=True)
def open_incidents_of(context: Context, service: Service) -> dict[str, Any]:
    """``{% open_incidents_of service %}``: what people work on now that touches a service, worst first."""
    rows = Incident.objects.visible_to(context["user"]).open().filter(affected_services=service)
    rows = rows.select_related("assignee").order_by("severity_rank", "-id")[: MOST_SHOWN + 1]
    incidents = list(rows)
    return {"incidents": incidents[:MOST_SHOWN], "has_more": len(incidents) > MOST_SHOWN, "service": service}
