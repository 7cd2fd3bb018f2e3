"""Settings of reminders in Django admin; reminders, trackers and tickets are looked at only. No secret is a field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin
from followups.models import FollowUpSettings, Reminder, Ticket, Tracker

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


@admin.register(Tracker)
class TrackerAdmin(ReadOnlyAdmin):
    """Where tickets are kept; defined on its own pages."""

    list_display = ("name", "kind", "base_url", "project", "team", "is_active")
    list_filter = ("kind", "is_active")
    list_select_related = ("team",)
    search_fields = ("name", "project", "base_url")
    fields = ("name", "kind", "base_url", "project", "username", "issue_type", "team", "is_active")

    def view_on_site(self, obj: Tracker) -> str:
        """Where it is changed."""
        return obj.get_absolute_url()


@admin.register(Ticket)
class TicketAdmin(ReadOnlyAdmin):
    """What items became elsewhere."""

    list_display = ("__str__", "action_item", "tracker", "state", "error", "due_at", "checked_at")
    list_filter = ("state", "tracker", ("error", admin.EmptyFieldListFilter))
    list_select_related = ("action_item", "tracker")
    search_fields = ("key", "action_item__title", "=action_item__incident__id", "marker")
    fields = (
        "action_item", "tracker", "marker", "state", "key", "url", "due_at", "may_exist", "attempts", "misses", "error",
        "asked_at", "asked_by", "exported_at", "checked_at", "closed_at",
    )  # fmt: skip
