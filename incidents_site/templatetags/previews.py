"""What a link says of itself in a chat; ``{% load previews %}``."""

from __future__ import annotations

from typing import Any

from django import template

from incidents_site import previews

register = template.Library()


@register.simple_tag(takes_context=True)
def preview(context: dict[str, Any]) -> previews.Preview:
    """``{% preview as p %}``: of this page, or, where somebody is asked to sign in, of the page they want to see."""
    request, user = context.get("request"), context.get("user")
    if request is None:
        return previews.preview_of("", is_signed_in=False)
    is_signed_in = bool(user and user.is_authenticated)
    wanted = "" if is_signed_in else request.GET.get("next", "")
    return previews.preview_of(wanted or request.path, is_signed_in=is_signed_in)


register.filter("what_is", previews.what_is)
