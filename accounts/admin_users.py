"""Forms of the user pages in Django admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AdminUserCreationForm, ReadOnlyPasswordHashField
from django.core.exceptions import ValidationError

from accounts import people
from accounts.models import User
from core import time_zones

FIELDS = ("username", "name", "email", "role", "time_zone")


class NewUserForm(AdminUserCreationForm):
    """A person, with a password or, for sign-in through a reset link, without one."""

    time_zone = forms.ChoiceField(choices=time_zones.choices, initial="UTC")

    class Meta:
        model = User
        fields = FIELDS


class ChangeUserForm(forms.ModelForm):
    """A person; the password has a page of its own."""

    password = ReadOnlyPasswordHashField(label="Password", help_text="It is not stored, only a fingerprint.")
    time_zone = forms.ChoiceField()

    class Meta:
        model = User
        fields = (*FIELDS, "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["time_zone"]
        field.choices = time_zones.choices(current=self.instance.time_zone)

    def clean(self) -> dict[str, Any]:
        """The last active admin stays one."""
        cleaned = super().clean() or {}
        after = User(pk=self.instance.pk, role=cleaned.get("role", ""), is_active=cleaned.get("is_active", False))
        if "role" in cleaned and not after.is_staff and people.is_last_admin(self.instance.pk):
            raise ValidationError("This is the only admin. Make somebody else an admin first.")
        return cleaned
