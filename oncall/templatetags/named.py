"""Who is needed for paging, on the pages of other rooms; ``{% load named %}``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.utils.text import get_text_list

from oncall.named import naming

if TYPE_CHECKING:
    from accounts.models import User

register = template.Library()


@register.simple_tag
def named_by(user: User) -> str:
    """``{% named_by user as places %}``: the schedules and policies that name a person, in words; empty for none."""
    return get_text_list(naming(user), "and")
