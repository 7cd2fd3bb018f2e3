"""Services, on the pages of other rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from catalog.models import Service

if TYPE_CHECKING:
    from django.template import Context

    from accounts.models import Team

register = template.Library()


@register.inclusion_tag("catalog/_services_of.html", takes_context=True)
def services_of(context: Context, team: Team) -> dict[str, Any]:
    """``{% services_of team %}``: what a team owns, on its page."""
    user = context["user"]
    services = Service.objects.visible_to(user).for_list().filter(team=team)
    return {"services": services, "team": team, "may_add": user.manages(team)}
