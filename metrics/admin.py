"""Settings of the figures and the reports that were made, in Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin
from metrics.models import MetricsSettings, Report
from metrics.settings_forms import SettingsForm

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(MetricsSettings)
class MetricsSettingsAdmin(AuditedAdmin):
    """One row."""

    form = SettingsForm
    list_display = ("__str__", "target_percent", "currency", "leadership_weekly", "leadership_monthly")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Its key is always 1."""
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """While there is none."""
        return not MetricsSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """What was made and sent."""

    list_display = ("__str__", "due_at", "made_at", "sent_to")
    list_filter = ("kind",)
