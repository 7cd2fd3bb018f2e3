"""Escalation policies in Django admin. Their steps are set on the product's own page, where a step has its targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from accounts.access import person
from accounts.admin_audit import AuditedAdmin, ReadOnlyInline
from core.redirects import see_other
from oncall import changes
from oncall.models import EscalationPolicy, EscalationStep

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
