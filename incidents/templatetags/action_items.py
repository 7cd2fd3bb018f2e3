"""How action items look; ``{% load action_items %}``."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from django import template
from django.utils import dateformat, timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incidents.models import ActionItem

register = template.Library()

NEAR = {0: "today", 1: "tomorrow", -1: "yesterday"}


@register.filter
def undone(items: Iterable[ActionItem]) -> list[ActionItem]:
    """What is still to do: the soonest due first, then what has no date."""
    found = [item for item in items if item.is_undone]
    return sorted(found, key=lambda item: (item.due_on is None, item.due_on or date.max, item.pk))


@register.filter
def done(items: Iterable[ActionItem]) -> list[ActionItem]:
    """What is done, the latest first."""
    found = [item for item in items if item.done_at is not None]
    return sorted(found, key=lambda item: (item.done_at, item.pk), reverse=True)


@register.filter
def accepted(items: Iterable[ActionItem]) -> list[ActionItem]:
    """What is left undone for a reason, the latest first."""
    found = [item for item in items if item.accepted_at is not None]
    return sorted(found, key=lambda item: (item.accepted_at, item.pk), reverse=True)


@register.filter
def day(value: date | str) -> str:
    """21 Oct, with the year where it is another one; also of a time, and of a text such as 2026-10-21."""
    given = date.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(given, datetime):
        given = timezone.localdate(given)
    return dateformat.format(given, "j M" if given.year == timezone.localdate().year else "j M Y")


@register.simple_tag
def due(item: ActionItem) -> SafeString:
    """``{% due item %}``: "due 21 Oct", "due today", or in red "overdue since 9 Oct", by the reader's own calendar."""
    if item.due_on is None:
        return SafeString()
    today = timezone.localdate()
    near = None if not item.is_undone else NEAR.get((item.due_on - today).days)
    return format_html(
        '<time class="{}" datetime="{}" title="{}">{} {}</time>',
        "mu-overdue" if item.is_overdue(today) else "mu-due",
        item.due_on.isoformat(),
        dateformat.format(item.due_on, "l, j F Y"),
        "overdue since" if item.is_overdue(today) else "due",
        near or day(item.due_on),
    )
