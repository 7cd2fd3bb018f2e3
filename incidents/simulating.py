"""The question of the Simulate page: what if an incident of a severity began at some moment?"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from incidents.models import Severity

if TYPE_CHECKING:
    from datetime import datetime

YEARS = range(1971, 2999)


class SimulateForm(forms.Form):
    """A severity and a moment in the reader's time zone; an address may also name the moment with its offset."""

    severity = forms.ChoiceField(choices=Severity.choices)
    at = forms.DateTimeField(
        label="Date and time",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_at(self) -> datetime:
        """The moment, in years with which calendars can reckon."""
        at: datetime = self.cleaned_data["at"]
        if at.year not in YEARS:
            raise ValidationError("Enter a year between 1971 and 2998.")
        return at.astimezone(UTC)

    def address(self) -> dict[str, Any]:
        """What an address asks for that means the same moment in every time zone; of a valid form."""
        return address_of(severity=self.cleaned_data["severity"], at=self.cleaned_data["at"])


def address_of(*, severity: str, at: datetime) -> dict[str, str]:
    """The question of an incident of a severity that begins at a moment, as an address has it."""
    return {"severity": severity, "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")}
