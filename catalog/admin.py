"""Services and maintenance windows in Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.access import person
from accounts.admin_audit import AuditedAdmin, AuditedInline
from catalog import changes, maintenance
from catalog.maintenance_forms import MaintenanceAdminForm
from catalog.models import Dependency, MaintenanceWindow, Service

if TYPE_CHECKING:
    from django.http import HttpRequest


class DependencyInline(AuditedInline):
    """What a service does not work without."""

    model = Dependency
    fk_name = "service"
    autocomplete_fields = ("depends_on",)


@admin.register(Service)
class ServiceAdmin(AuditedAdmin):
    """Services, through catalog.changes."""

    list_display = ("name", "slug", "tier", "health", "team", "escalation_policy")
    list_filter = ("tier", "health", "team")
    list_select_related = ("team", "escalation_policy")
    search_fields = ("name", "slug")
    autocomplete_fields = ("team", "escalation_policy")
    prepopulated_fields = {"slug": ("name",)}  # noqa: RUF012
    fields = (
        "name", "slug", "team", "tier", "health", "escalation_policy", "description", "dashboard_url", "logs_url",
        "repo_url",
    )  # fmt: skip
    inlines = (DependencyInline,)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new one, or what changed."""
        values = {name: getattr(obj, name) for name in changes.EDITABLE}
        if change:
            changes.update_service(obj, by=person(request), **values)
        else:
            obj.pk = changes.create_service(by=person(request), **values).pk
            obj._state.adding = False

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The dependencies."""
        rows = [each.cleaned_data for each in formset.forms if each.cleaned_data.get("depends_on")]
        wanted = [row["depends_on"] for row in rows if not row.get("DELETE")]
        changes.update_service(form.instance, by=person(request), depends_on=wanted)
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []


@admin.register(MaintenanceWindow)
class MaintenanceWindowAdmin(AuditedAdmin):
    """Maintenance windows, through catalog.maintenance. None is deleted: what was announced is cancelled or ends."""

    form = MaintenanceAdminForm
    list_display = ("title", "starts_at", "ends_at", "ended_at", "cancelled_at", "is_public")
    list_filter = ("is_public",)
    search_fields = ("title",)
    autocomplete_fields = ("services",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new one, or what changed."""
        values = {name: form.cleaned_data[name] for name in (*maintenance.EDITABLE, "services")}
        if change:
            maintenance.change(obj, by=person(request), **values)
        else:
            obj.pk = maintenance.schedule(by=person(request), **values).pk
            obj._state.adding = False

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The services are saved already."""
