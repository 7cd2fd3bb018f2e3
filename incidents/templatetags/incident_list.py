"""Parts of the list that a template would write too slowly; ``{% load incident_list %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils.html import format_html_join

if TYPE_CHECKING:
    from django.forms import BoundField
    from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def options(field: BoundField) -> SafeString:
    """``{% options field %}``: what a filter offers, hundreds of names perhaps; the chosen one says of what it is."""
    chosen = str(field.value() or "")
    rows = (
        (value, " selected" if value == chosen else "", f"{field.label}: " if value and value == chosen else "", label)
        for value, label in field.field.choices  # type: ignore[attr-defined]
    )
    return format_html_join("", '<option value="{}"{}>{}{}</option>', rows)
