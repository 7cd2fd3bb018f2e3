"""What an admin sets for the figures of the whole site."""

from __future__ import annotations

from typing import Any

from django import forms

from incidents.models import Severity
from metrics import choosing
from metrics.models import MetricsSettings


class SettingsForm(forms.ModelForm):
    """Currencies may be typed in small letters: the model judges the capitals."""

    currency = forms.CharField(
        required=False, max_length=3, help_text="Three letters, such as EUR. Empty: no cost is shown."
    )

    class Meta:
        model = MetricsSettings
        fields = choosing.FIELDS

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        target: Any = self.fields["target_percent"]
        target.label = "Target for promises kept, in per cent"
        target.help_text = "A share below it is shown in red, for response and for resolution."
        for severity, name in choosing.RATES.items():
            self.fields[name].label = f"An hour of a {Severity(severity).label.lower()} incident costs"
        self.fields["leadership_weekly"].label = "Weekly report to everybody in the leadership team"
        self.fields["leadership_monthly"].label = "Monthly report to everybody in the leadership team"
        self.fields["leadership_weekly"].help_text = "Whoever has chosen for themselves gets what they chose."
        self.fields["leadership_monthly"].help_text = ""

    def clean_currency(self) -> str:
        """EUR of eur."""
        return str(self.cleaned_data["currency"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        """What the domain refuses is said beside its field."""
        found = super().clean() or {}
        if not self.errors:
            values = {name: found.get(name) for name in choosing.FIELDS}
            choosing.check(MetricsSettings(pk=1, **values))
        return found

    def values(self) -> dict[str, Any]:
        """What a domain function takes."""
        return {name: self.cleaned_data[name] for name in choosing.FIELDS}
