"""Runbooks, their versions and runs in Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.access import person
from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin
from core.redirects import see_other
from runbooks import editing
from runbooks.models import Run, Runbook, Version

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@admin.register(Runbook)
class RunbookAdmin(AuditedAdmin):
    """Whose they are and how often they are reviewed; what they say is written in the editor, and kept for ever."""

    list_display = ("title", "slug", "team", "reviewed_at", "review_every_days", "is_starter", "archived_at")
    list_filter = ("is_starter", ("archived_at", admin.EmptyFieldListFilter), "team", "services")
    list_select_related = ("team",)
    search_fields = ("title", "slug")
    autocomplete_fields = ("team",)
    fields = (
        *editing.EDITABLE, "title", "slug", "service_slugs", "severities", "facts", "current_version", "reviewed_at",
        "reviewed_by", "is_starter", "archived_at",
    )  # fmt: skip

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Everything that the editor writes."""
        return tuple(name for name in self.fields if name not in editing.EDITABLE)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The editor."""
        return see_other("runbooks:new")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through runbooks.editing."""
        editing.change(obj, by=person(request), **{name: getattr(obj, name) for name in editing.EDITABLE})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: it is archived."""
        return False


@admin.register(Version)
class VersionAdmin(ReadOnlyAdmin):
    """What runbooks said."""

    list_display = ("title", "number", "what_changed", "created_at", "created_by")
    list_filter = ("created_at",)
    list_select_related = ("created_by",)
    search_fields = ("title", "runbook__slug")


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Runbooks that were followed."""

    list_display = ("id", "runbook", "incident", "started_at", "started_by", "finished_at")
    list_filter = (("finished_at", admin.EmptyFieldListFilter), "runbook", "started_at")
    list_select_related = ("runbook", "incident", "started_by")
    search_fields = ("=id", "=incident__id", "runbook__title")
