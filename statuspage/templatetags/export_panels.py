"""How the static copy of public pages fares, on the pages of admins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from statuspage import exporting

if TYPE_CHECKING:
    from django.template import Context

register = template.Library()


@register.inclusion_tag("statuspage/_export.html", takes_context=True)
def export_standing(context: Context) -> dict[str, Any]:
    """``{% export_standing %}``: where the copy is, since when it is right, and what is wrong with it; for admins."""
    return {"standing": exporting.standing(), "is_admin": context["user"].is_staff}
