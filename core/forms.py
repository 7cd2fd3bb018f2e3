"""What forms share."""

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError


def take_errors(form: forms.BaseForm, error: ValidationError) -> None:
    """Show what a domain function refused beside the fields it concerns; what concerns no field goes on top."""
    if not hasattr(error, "error_dict"):
        form.add_error(None, error)
        return
    for name, errors in error.error_dict.items():
        form.add_error(name if name in form.fields else None, errors)
