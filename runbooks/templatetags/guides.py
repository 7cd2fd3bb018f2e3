"""How a guide's text looks; ``{% load guides %}``."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString

from core import markdown
from core.templatetags.muster import icon

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automation.models import Action

register = template.Library()

SAMPLE = '<code class="language-text">'


@register.filter
def of_slug(found: Mapping[str, Action] | None, slug: str) -> Action | None:
    """``{{ defined|of_slug:step.action }}``: what a step's slug names, if anything."""
    return found.get(slug) if found else None


@register.filter
def copyable(text: str, prefix: str) -> SafeString:
    """``{{ step.body|copyable:"step-1" }}``: Markdown whose blocks of code have a button that copies them, but not
    those that are marked as ``text``, which show what is printed.

    The only ``<pre>`` in it are those of the renderer: what a person wrote is escaped.
    """
    html, numbers = str(markdown.render(text)), count(1)
    parts = html.split("<pre>")
    made = [parts[0]]
    for part in parts[1:]:
        name = escape(f"{prefix}-code-{next(numbers)}")
        code, _, rest = part.partition("</pre>")
        if code.startswith(SAMPLE):
            made.append(f"<pre>{code}</pre>{rest}")
            continue
        made.append(
            f'<div class="mu-copyable"><pre id="{name}">{code}</pre>'
            f'<button class="btn mu-needs-js" type="button" data-copy="{name}">{icon("copy")}'
            f"<span data-label>Copy</span></button></div>{rest}"
        )
    return SafeString("".join(made))
