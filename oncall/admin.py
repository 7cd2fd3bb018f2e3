"""Escalation policies and schedules in Django admin. Steps and layers are set on the product's own pages, which know
what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from accounts.access import person
from accounts.admin_audit import AuditedAdmin, ReadOnlyInline
from core.redirects import see_other
from oncall import changes, schedule_changes
from oncall.models import EscalationPolicy, EscalationStep, Layer, Override, Schedule

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class StepInline(ReadOnlyInline):
    """The steps in order, and whom each pages."""

    model = EscalationStep
    fields = ("position", "delay_minutes", "people")
    readonly_fields = ("people",)

    @admin.display(description="Targets")
    def people(self, step: EscalationStep) -> str:
        """Users and teams."""
        return ", ".join(str(target) for target in step.targets.select_related("user", "team")) or "nobody"


@admin.register(EscalationPolicy)
class EscalationPolicyAdmin(AuditedAdmin):
    """What a policy is called and how often it repeats."""

    list_display = ("name", "team", "repeat", "repeat_after_minutes", "is_default")
    list_filter = ("is_default", "team")
    list_select_related = ("team",)
    search_fields = ("name",)
    autocomplete_fields = ("team",)
    fields = ("name", "team", "repeat", "repeat_after_minutes", "is_default", "steps_page")
    readonly_fields = ("steps_page",)
    inlines = (StepInline,)

    @admin.display(description="Steps")
    def steps_page(self, policy: EscalationPolicy) -> str:
        """Where they are set."""
        return format_html('<a href="{}">Edit the steps</a>', reverse("oncall:policy_edit", args=[policy.pk]))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A policy without steps pages nobody, so a new one is made where steps are."""
        return see_other("oncall:policy_new")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through oncall.changes; the steps stay."""
        changes.update_policy(obj, by=person(request), **{name: getattr(obj, name) for name in changes.EDITABLE})

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Nothing here is written."""
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []


class LayerInline(ReadOnlyInline):
    """The layers in order, the lowest first, and who takes turns."""

    model = Layer
    fields = ("position", "name", "unit", "length", "handoff", "starts_on", "ends_on", "people")
    readonly_fields = ("people",)

    @admin.display(description="People")
    def people(self, layer: Layer) -> str:
        """In the order of their turns."""
        return ", ".join(str(place.user) for place in layer.participants.select_related("user")) or "nobody"


@admin.register(Schedule)
class ScheduleAdmin(AuditedAdmin):
    """What a schedule is called, who owns it, and whose clock it follows."""

    list_display = ("name", "team", "time_zone")
    list_filter = ("team",)
    list_select_related = ("team",)
    search_fields = ("name",)
    autocomplete_fields = ("team",)
    fields = ("name", "description", "team", "time_zone", "layers_page")
    readonly_fields = ("layers_page",)
    inlines = (LayerInline,)

    @admin.display(description="Layers")
    def layers_page(self, schedule: Schedule) -> str:
        """Where they are set."""
        return format_html('<a href="{}">Edit the layers</a>', reverse("oncall:schedule_edit", args=[schedule.pk]))

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """A schedule without layers has nobody, so a new one is made where layers are."""
        return see_other("oncall:schedule_new")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through oncall.schedule_changes; the layers stay."""
        fields = {name: getattr(obj, name) for name in schedule_changes.EDITABLE}
        schedule_changes.save_schedule(obj, by=person(request), **fields)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Nothing here is written."""
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []


@admin.register(Override)
class OverrideAdmin(AuditedAdmin):
    """Who stands in, when, and why."""

    list_display = ("schedule", "user", "starts_at", "ends_at", "reason", "created_by")
    list_filter = ("schedule",)
    list_select_related = ("schedule", "user", "created_by")
    search_fields = ("user__username", "user__name", "reason")
    autocomplete_fields = ("schedule", "user")
    fields = ("schedule", "user", "starts_at", "ends_at", "reason")
