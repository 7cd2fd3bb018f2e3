"""The guide of an empty installation, on the pages of other rooms; ``{% load first_steps %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone

from home import first_steps

if TYPE_CHECKING:
    from django.template import Context

register = template.Library()


@register.inclusion_tag("home/_first_steps.html", takes_context=True, name="first_steps")
def show_first_steps(context: Context) -> dict[str, Any]:
    """``{% first_steps %}``: what is left to do until the first page, for the signed-in person; nothing once every
    step is done, or where there has been an incident for weeks. One query, three where something is left."""
    user, now = context["user"], timezone.now()
    guide = first_steps.guide(user, now=now)
    shown: dict[str, Any] = {"user": user, "guide": guide, "csrf_token": context.get("csrf_token")}
    return shown | first_steps.details(guide, user=user, now=now) if guide.is_wanted else shown
