"""The site's last resort, on the page of its team; ``{% load last_resort %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from incidents import readiness
from incidents.policy import site_settings

if TYPE_CHECKING:
    from accounts.models import Team

register = template.Library()


@register.simple_tag
def is_last_resort(team: Team) -> bool:
    """``{% is_last_resort team as needed %}``: whether a team is the site's last resort."""
    return site_settings().last_resort_id == team.pk


@register.inclusion_tag("incidents/_last_resort.html")
def last_resort_of(team: Team) -> dict[str, Any]:
    """``{% last_resort_of team %}``: that a team is the last resort, and whether it can be; nothing for others."""
    is_it = is_last_resort(team)
    return {"is_last_resort": is_it, "findings": list(readiness.of_last_resort(team)) if is_it else []}
