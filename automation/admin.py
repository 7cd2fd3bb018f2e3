"""Actions, runners and executions in Django admin: to read. No secret is among the fields."""

from __future__ import annotations

from django.contrib import admin

from accounts.admin_audit import ReadOnlyAdmin
from automation.models import Action, Execution, Runner


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin):
    """What Muster may have done; defined on its own pages."""

    list_display = (
        "name",
        "slug",
        "kind",
        "way",
        "runner",
        "is_read_only",
        "is_destructive",
        "revision",
        "archived_at",
    )
    list_filter = ("kind", "way", "is_destructive", "is_automatic", ("archived_at", admin.EmptyFieldListFilter))
    list_select_related = ("runner",)
    search_fields = ("name", "slug")
    fields = (
        "name", "slug", "summary", "kind", "way", "runner", "command", "format", "url", "target", "parameters",
        "is_read_only", "is_destructive", "has_dry_run", "is_automatic", "seconds", "services", "rollback", "revision",
        "archived_at",
    )  # fmt: skip


@admin.register(Runner)
class RunnerAdmin(ReadOnlyAdmin):
    """What carries actions out."""

    list_display = ("name", "prefix", "host", "version", "heard_at", "is_enabled")
    list_filter = ("is_enabled",)
    search_fields = ("name", "host")
    fields = ("name", "is_enabled", "prefix", "version", "host", "offers", "heard_at")


@admin.register(Execution)
class ExecutionAdmin(ReadOnlyAdmin):
    """Each time one was asked for."""

    list_display = ("id", "action", "incident", "state", "is_dry_run", "asked_at", "asked_by", "decided_by")
    list_filter = ("state", "is_dry_run", "is_automatic", "asked_at")
    list_select_related = ("action", "incident", "asked_by", "decided_by")
    search_fields = ("=id", "=incident__id", "action__name", "action__slug")
    fields = (
        "action", "revision", "incident", "place", "way", "values", "is_dry_run", "is_automatic", "rollback_of",
        "state", "due_at", "asked_at", "asked_by", "decided_at", "decided_by", "stopped_at", "stopped_by", "runner",
        "started_at", "finished_at", "exit_code", "http_status", "detail", "output", "left_out",
    )  # fmt: skip
