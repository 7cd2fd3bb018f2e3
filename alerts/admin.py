"""Integrations, raw events and alerts in Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.access import person
from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin
from alerts import integrations
from alerts.models import Alert, Event, Group, Integration
from core.redirects import see_other

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


@admin.register(Integration)
class IntegrationAdmin(AuditedAdmin):
    """Switched off instead of deleted: its alerts are history. A new one is made on the page that shows its key."""

    list_display = ("name", "format", "service", "default_severity", "is_enabled", "key_prefix")
    list_filter = ("format", "is_enabled", "default_severity", "service__team")
    list_select_related = ("service",)
    search_fields = ("name", "key_prefix", "service__name")
    autocomplete_fields = ("service",)
    fields = (*integrations.EDITABLE, "format", "key_prefix", "created_at", "updated_at")
    readonly_fields = ("format", "key_prefix", "created_at", "updated_at")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The page that shows the key."""
        return see_other("alerts:integration_new")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through alerts.integrations."""
        integrations.update(obj, by=person(request), **{name: getattr(obj, name) for name in integrations.EDITABLE})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """What senders sent; the body is on the integration's page."""

    list_display = ("id", "integration", "received_at", "state", "attempt_count", "applied_at")
    list_filter = ("state", "integration", "received_at")
    search_fields = ("=id", "group_key", "detail")
    exclude = ("body",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Without the bodies, which may be 16 MB each."""
        return super().get_queryset(request).select_related("integration").defer("body")


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    """What fires or fired."""

    list_display = ("reference", "title", "severity", "status", "integration", "started_at", "times_received")
    list_filter = ("status", "severity", "integration", "received_at")
    list_select_related = ("integration",)
    search_fields = ("=id", "title", "fingerprint")


@admin.register(Group)
class GroupAdmin(ReadOnlyAdmin):
    """Alerts that are one matter, and the incident they belong to."""

    list_display = ("id", "group_key", "integration", "incident", "opened_at", "closed_at")
    list_filter = ("integration", ("closed_at", admin.EmptyFieldListFilter))
    list_select_related = ("integration", "incident")
    search_fields = ("group_key", "=incident__id")
