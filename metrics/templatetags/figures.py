"""How numbers look that lead to what is behind them; ``{% load figures %}``."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from django import template
from django.template.defaulttags import querystring
from django.utils.safestring import SafeString

from metrics.links import Num

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.template.context import RequestContext

register = template.Library()


@register.simple_tag
def num(number: Num, classes: str = "") -> SafeString:
    """``{% num row.n %}``: the number as a link, or alone where nothing is behind it."""
    found = " ".join(filter(None, ["mu-num" if number.href else "", "mu-overdue" * number.is_missed, classes]))
    title = f' title="{escape(number.title)}"' if number.title else ""
    if number.href:
        return SafeString(f'<a class="{found}" href="{escape(number.href)}"{title}>{escape(number.text)}</a>')
    return SafeString(f'<span class="{found}"{title}>{escape(number.text)}</span>' if found else escape(number.text))


@register.simple_tag
def said(parts: Iterable[str | Num]) -> SafeString:
    """``{% said card.change %}``: a sentence, its numbers as links."""
    return SafeString("".join(num(part) if isinstance(part, Num) else escape(part) for part in parts))


@register.simple_tag(takes_context=True)
def without(context: RequestContext, name: str) -> str:
    """``{% without part.name %}``: this page's first rows, with one part of its address taken away."""
    return str(querystring(context, **{name: None, "cursor": None}))
