"""Forms of alerts and integrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from alerts import linking
from alerts.models import Alert, Integration
from catalog.models import Service

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User


class LinkAlertsForm(forms.Form):
    """Alerts to tie to an incident: ticked among the recent ones, or named as ALR-7."""

    recent = forms.MultipleChoiceField(
        label="Recent alerts", required=False, widget=forms.CheckboxSelectMultiple, choices=()
    )
    references = forms.CharField(
        label="Or by id",
        required=False,
        max_length=500,
        help_text="Such as ALR-7; several are separated by commas or spaces.",
    )

    def __init__(self, *args: Any, user: User, recent: Iterable[Alert] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user
        self.alerts: list[Alert] = []
        self.fields["recent"].choices = [(alert.reference, _line(alert)) for alert in recent]  # type: ignore[attr-defined]

    def clean_references(self) -> list[str]:
        """References in upper case, each once."""
        return list(dict.fromkeys(self.cleaned_data["references"].replace(",", " ").upper().split()))

    def clean(self) -> dict[str, Any]:
        """At least one, and each one that the person may see."""
        cleaned = super().clean() or {}
        wanted = [*cleaned.get("recent", []), *cleaned.get("references", [])]
        if not wanted and not self.errors:
            raise ValidationError("Choose an alert, or write its id.")
        try:
            self.alerts = linking.find(wanted, user=self._user)
        except linking.UnknownAlerts as error:
            self.add_error("references", str(error))
        return cleaned


def _line(alert: Alert) -> str:
    return ", ".join(part for part in (str(alert), alert.place, alert.get_status_display().lower()) if part)


class IntegrationForm(forms.ModelForm):
    """What a person sets of an integration; ``services`` are those whose teams the person manages."""

    class Meta:
        model = Integration
        fields = ("name", "format", "service", "default_severity", "is_enabled")
        labels = {"is_enabled": "Accept alerts", "service": "Affected service"}
        help_texts = {
            "name": "How people recognise it, such as Prometheus eu-west.",
            "service": "Its escalation policy is paged. Without one, the site's default policy is.",
        }

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._by = by
        field: Any = self.fields["service"]
        field.queryset = Service.objects.managed_by(by)
        field.empty_label = "No service"
        if self.instance.pk:
            del self.fields["format"]
        else:
            del self.fields["is_enabled"]

    def clean_service(self) -> Service | None:
        """Whoever manages one team only must say for which of its services this is."""
        service: Service | None = self.cleaned_data["service"]
        if service is None and not self._by.manages(None):
            raise ValidationError("Choose one of your team's services.")
        return service
