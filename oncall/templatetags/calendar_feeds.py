"""Panels of calendar feeds: ``{% load calendar_feeds %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template
from django.urls import reverse

from accounts.models import User
from oncall import feeds

if TYPE_CHECKING:
    from django.template import Context

    from oncall.models import Schedule

register = template.Library()


@register.inclusion_tag("oncall/_feed.html", takes_context=True)
def calendar_feed(context: Context, of: User | Schedule) -> dict[str, Any]:
    """``{% calendar_feed schedule %}``, ``{% calendar_feed user %}``: whether there is a feed, and its buttons."""
    may_change = feeds.may_change(context["user"], of)
    names, args = ("own_feed", []) if isinstance(of, User) else ("schedule_feed", [of.pk])
    return {
        "feed": feeds.current(of) if may_change else None,
        "may_change": may_change,
        "is_own": isinstance(of, User),
        "new": reverse(f"oncall:{names}_new", args=args),
        "revoke": reverse(f"oncall:{names}_revoke", args=args),
        "csrf_token": context.get("csrf_token"),
    }
