"""Parts of the list that a template would write too slowly; ``{% load incident_list %}``."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from django import template
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from django.forms import BoundField

register = template.Library()


@register.simple_tag
def options(field: BoundField) -> SafeString:
    """``{% options field %}``: what a filter offers, hundreds of names perhaps; the chosen one says of what it is."""
    chosen = str(field.value() or "")
    parts = []
    for value, label in field.field.choices:  # type: ignore[attr-defined]
        of_what = f"{field.label}: " if value and value == chosen else ""
        mark = " selected" if value == chosen else ""
        parts.append(f'<option value="{escape(value)}"{mark}>{escape(f"{of_what}{label}")}</option>')
    return SafeString("".join(parts))
