"""Settings of reminders in Django admin; reminders are looked at only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin
from followups.models import FollowUpSettings, Reminder

if TYPE_CHECKING:
    from django.http import HttpRequest


@admin.register(FollowUpSettings)
class FollowUpSettingsAdmin(AuditedAdmin):
    """One row."""

    list_display = (
        "__str__", "remind_before_days", "remind_every_days", "escalate_after_days", "escalate_every_days",
        "unowned_after_days",
    )  # fmt: skip

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Its key is always 1."""
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """While there is none."""
        return not FollowUpSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(Reminder)
class ReminderAdmin(ReadOnlyAdmin):
    """Who was reminded of what, and why."""

    list_display = ("sent_at", "action_item", "user", "kind", "for_day")
    list_filter = ("kind", "for_day", ("sent_at", admin.EmptyFieldListFilter))
    list_select_related = ("action_item", "user")
    search_fields = ("=action_item__incident__id", "action_item__title", "user__username", "user__name")
