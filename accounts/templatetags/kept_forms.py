"""Whether something that was written waits in this browser; ``{% load kept_forms %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.utils import timezone

from accounts import kept

if TYPE_CHECKING:
    from accounts.kept import Kept

register = template.Library()


@register.simple_tag(takes_context=True)
def kept_forms(context: dict[str, Any]) -> list[Kept]:
    """``{% kept_forms as forms %}``: what this browser's session keeps, the latest last."""
    session = getattr(context.get("request"), "session", None)
    return kept.waiting(session, now=timezone.now()) if session is not None else []
