"""Forms of maintenance windows. Times are typed and shown in the reader's zone."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from catalog import maintenance
from catalog.models import MaintenanceWindow, Service
from core.text import single_line
from oncall.schedule_forms import MomentField

if TYPE_CHECKING:
    from accounts.models import User


class MaintenanceForm(forms.Form):
    """What is announced: the work, the services, from when to when."""

    title = forms.CharField(
        max_length=120, help_text="Everybody who reads a status page reads it: what is done, not why."
    )
    description = forms.CharField(
        required=False,
        max_length=maintenance.LONGEST_DESCRIPTION,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What readers will notice and need to do. Markdown.",
    )
    starts_at = MomentField(label="From")
    ends_at = MomentField(label="Until")
    services = forms.ModelMultipleChoiceField(
        Service.objects.none(), to_field_name="slug", widget=forms.CheckboxSelectMultiple
    )
    is_public = forms.BooleanField(
        required=False,
        initial=True,
        label="Announce it",
        help_text="On the status pages that show these services, and to who has subscribed to them.",
    )
    based_on = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, by: User, window: MaintenanceWindow | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._window = window
        services: Any = self.fields["services"]
        services.queryset = Service.objects.visible_to(by).order_by("name", "slug")
        if window is None:
            del self.fields["based_on"]

    def clean_title(self) -> str:
        """On one line."""
        return single_line(self.cleaned_data["title"])

    def clean_based_on(self) -> datetime | None:
        """When what the person saw was saved; None where the form does not say."""
        try:
            at = datetime.fromisoformat(self.cleaned_data["based_on"])
        except ValueError:
            return None
        return at if timezone.is_aware(at) else None

    def clean(self) -> dict[str, Any]:
        """With the times as they were where nobody changed them."""
        return _unchanged(super().clean() or {}, self._window)


class UntilForm(forms.Form):
    """A later end."""

    until = MomentField(label="Until")


def _unchanged(values: dict[str, Any], window: MaintenanceWindow | None) -> dict[str, Any]:
    """A form shows minutes, or seconds, and a window that was started by a button began between them."""
    for name in ("starts_at", "ends_at"):
        was = getattr(window, name) if window is not None and window.pk else None
        if was is not None and values.get(name) in (was.replace(second=0, microsecond=0), was.replace(microsecond=0)):
            values[name] = was
    return values


class MaintenanceAdminForm(forms.ModelForm):
    """The same in Django admin."""

    class Meta:
        model = MaintenanceWindow
        fields = (*maintenance.EDITABLE, "services")

    def clean(self) -> dict[str, Any]:
        """What the domain would refuse."""
        window = self.instance
        values = _unchanged(super().clean() or {}, window)
        now = timezone.now()
        if window.pk and window.state_at(now) not in (MaintenanceWindow.State.SCHEDULED, "in_progress"):
            raise ValidationError("It is over or was cancelled, and stays as it is.")
        if not values.get("services"):
            self.add_error("services", "Choose at least one service.")
        if "starts_at" in values and "ends_at" in values:
            began = window.starts_at if window.pk else None
            if began is not None and began <= now and values["starts_at"] != began:
                self.add_error("starts_at", "It has begun already, so its beginning stays.")
            maintenance.check(starts_at=values["starts_at"], ends_at=values["ends_at"], now=now, began=began)
        return values
