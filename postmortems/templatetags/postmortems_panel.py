"""What postmortems put on pages: the panel of an incident, those that are alike, and how a due date looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.templatetags.muster import icon, when
from postmortems import panel, similar

if TYPE_CHECKING:
    from django.template import Context

    from incidents.models import Incident
    from postmortems.listing import Standing
    from postmortems.models import Postmortem
    from postmortems.similar import Similar

register = template.Library()


@register.inclusion_tag("postmortems/_incident_panel.html", takes_context=True)
def postmortems_panel(context: Context, incident: Incident) -> dict[str, Any]:
    """The panel as the reader may see it."""
    return {
        "panel": panel.of(incident, user=context["user"]),
        "request": context.get("request"),
        "csrf_token": context.get("csrf_token"),
    }


@register.simple_tag(takes_context=True)
def similar_postmortems(context: Context, postmortem: Postmortem) -> list[Similar]:
    """``{% similar_postmortems postmortem as similar %}``: those like it that the reader may see; one query."""
    return similar.similar_to(postmortem, user=context["user"])


@register.simple_tag
def due_or_published(standing: Standing) -> SafeString:
    """``{% due_or_published standing %}``: "due in 2 days", in red "overdue by 3 days", or when it was published."""
    if standing.postmortem and standing.is_published:
        return format_html('<span class="mu-dim">published {}</span>', when(standing.postmortem.published_at))
    if standing.due_at is None:
        return format_html('<span class="mu-dim">{}</span>', "no date")
    glyph, tone = (icon("clock"), "mu-overdue mu-strong") if standing.is_overdue else ("", "mu-due")
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{}{}</time>',
        tone,
        standing.due_at.isoformat(timespec="seconds"),
        _absolute(standing),
        glyph,
        f" {standing.due_words}" if glyph else standing.due_words,
    )


def _absolute(standing: Standing) -> str:
    return f"{timezone.localtime(standing.due_at):%a %d %b %Y, %H:%M %Z}"
