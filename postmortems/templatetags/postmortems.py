"""How a postmortem's text looks; ``{% load postmortems %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template

from postmortems import prose

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def section_text(text: str, is_writer: bool = True) -> SafeString:
    """``{% section_text part.text can_respond %}``: Markdown with its gaps."""
    return prose.render(text, is_writer=is_writer)
