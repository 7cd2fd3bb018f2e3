"""What public status pages put on pages inside: ``{% load statuspages %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from core.templatetags.muster import health
from statuspage import addresses, concerning, panel
from statuspage.models import Health

if TYPE_CHECKING:
    from django.template import Context
    from django.utils.safestring import SafeString

    from incidents.audience import Audience
    from incidents.models import Incident, StatusUpdate
    from statuspage.models import StatusPage

register = template.Library()

# Components and services say the same in other words.
_AS_SERVICE: dict[str, str] = {
    Health.OPERATIONAL: "operational",
    Health.DEGRADED: "degraded",
    Health.PARTIAL: "partial_outage",
    Health.MAJOR: "major_outage",
    Health.MAINTENANCE: "maintenance",
}


@register.simple_tag
def public_home(page: StatusPage) -> str:
    """``{% public_home page %}``: where the public reads it."""
    return addresses.home_of(page)


@register.simple_tag
def component_health(value: str) -> SafeString:
    """``{% component_health part.health %}``: its word and sign."""
    return health(_AS_SERVICE[value])


@register.inclusion_tag("statuspage/_affects_fields.html", takes_context=True)
def affects_fields(context: Context, incident: Incident, update: StatusUpdate | None = None) -> dict[str, Any]:
    """``{% affects_fields incident %}``: how components are, each a select ``affects-<public id>``; nothing where no
    page has components. What was typed is kept; of an ``update`` that is edited, what it said is chosen."""
    request = context.get("request")
    typed = request.POST.dict() if request is not None else {}
    return {"choices": concerning.choices_for(incident, typed=typed, update=update)}


@register.simple_tag(takes_context=True)
def public_recipients(context: Context, incident: Incident, inside: Audience | None = None) -> int:
    """``{% public_recipients incident inside as count %}``: subscribers who would be told, also of what the form says,
    and whom nobody tells ``inside``."""
    request = context.get("request")
    typed = request.POST.dict() if request is not None else {}
    also = {name.removeprefix(concerning.FIELD) for name, said in typed.items() if said and _is_choice(name)}
    return concerning.recipients(incident, also=also, but=inside.emails if inside else ())


@register.inclusion_tag("statuspage/_public_pages.html")
def public_pages(incident: Incident, update: StatusUpdate | None = None) -> dict[str, Any]:
    """``{% public_pages incident update %}``: the pages that tell of an update, or would of the next one."""
    found = concerning.tellers_of(incident, update=update)
    return {"told": found.told, "expected": found.expected, "incident": incident, "is_out": update is not None}


@register.inclusion_tag("statuspage/_incident_panel.html", takes_context=True)
def statuspage_panel(context: Context, incident: Incident) -> dict[str, Any]:
    """``{% statuspage_panel incident %}``: what the public hears of it."""
    return {"panel": panel.of(incident), "user": context.get("user")}


def _is_choice(name: str) -> bool:
    return name.startswith(concerning.FIELD) and "\x00" not in name
