"""What forms share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import forms
from django.core.exceptions import ValidationError

if TYPE_CHECKING:
    from django.http import QueryDict


def take_errors(form: forms.BaseForm, error: ValidationError) -> None:
    """Show what a domain function refused beside the fields it concerns; what concerns no field goes on top."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)


def with_one_more(data: QueryDict, prefix: str, *, most: int) -> QueryDict:
    """What was typed, with room for one more form of a form set: a button that works without a script."""
    data = data.copy()
    name = f"{prefix}-TOTAL_FORMS"
    count = data.get(name, "0")
    data[name] = str(min(int(count) + 1, most)) if count.isdecimal() else "1"
    return data
