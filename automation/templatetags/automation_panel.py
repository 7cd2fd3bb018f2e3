"""``{% automation_panel incident %}``: what was asked for at an incident, and what could be, on its page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from automation import panel

if TYPE_CHECKING:
    from django.template import Context

    from incidents.models import Incident

register = template.Library()


@register.inclusion_tag("automation/_incident_panel.html", takes_context=True)
def automation_panel(context: Context, incident: Incident) -> dict[str, Any]:
    """The panel as the reader may see it."""
    return {
        "panel": panel.of(incident, user=context["user"]),
        "user": context["user"],
        "request": context.get("request"),
        "csrf_token": context.get("csrf_token"),
    }
