"""How schedules are shown; ``{% load schedules %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import template

from oncall.windows import of_json, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from accounts.models import User
    from oncall.models import CalendarSource, Layer
    from oncall.shifts import Shift

register = template.Library()


@register.filter
def holder(shift: Shift, users: Mapping[int, User]) -> User | None:
    """``{{ shift|holder:users }}``: whose shift it is; nobody's in a gap."""
    return None if shift.holder is None else users[shift.holder]


@register.filter
def source(layer: Layer, sources: Mapping[str, CalendarSource]) -> CalendarSource | None:
    """``{{ layer|source:sources }}``: the calendar that a layer is read from."""
    return sources.get(layer.calendar_url)


@register.filter
def windows_text(value: Any) -> str:
    """``{{ layer.windows|windows_text }}``: mon-fri 09:00-17:00."""
    return to_text(of_json(value))
