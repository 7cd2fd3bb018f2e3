"""Escalation policies, on the pages of other rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from oncall.models import EscalationPolicy

if TYPE_CHECKING:
    from django.template import Context

    from accounts.models import Team

register = template.Library()


@register.inclusion_tag("oncall/_policies_of.html", takes_context=True)
def policies_of(context: Context, team: Team) -> dict[str, Any]:
    """``{% policies_of team %}``: the escalation policies of a team, on its page."""
    user = context["user"]
    policies = EscalationPolicy.objects.visible_to(user).for_list().filter(team=team)
    return {"policies": policies, "team": team, "may_add": user.manages(team)}
