"""Whether one hears of something, and the button that changes it; ``{% load hearing %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from catalog.models import Service
from incidents import subscriptions
from incidents.models import Incident

if TYPE_CHECKING:
    from django.template import Context

    from accounts.models import Team

register = template.Library()


@register.inclusion_tag("incidents/_hear.html", takes_context=True)
def hear_of(context: Context, thing: Service | Team | Incident, is_followed: bool | None = None) -> dict[str, Any]:
    """``{% hear_of service %}``: a button to hear of updates, or to hear no more; of a service, team or incident.
    Where it is not said whether the reader follows it, the database is asked."""
    if is_followed is None:
        is_followed = subscriptions.follows(context["user"], thing)
    if isinstance(thing, Incident):
        what = f"incident:{thing.reference}"
    else:
        what = f"{'service' if isinstance(thing, Service) else 'team'}:{thing.slug}"
    return {
        "what": what,
        "is_followed": is_followed,
        "next": thing.get_absolute_url() if isinstance(thing, Incident) else context["request"].path,
        "csrf_token": context.get("csrf_token"),
    }
