"""Severity policy, site-wide settings and holidays in Django admin; incidents are looked at only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError

from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin
from core import time_zones
from incidents import wordings
from incidents.models import (
    ActionItem,
    Holiday,
    Incident,
    IncidentSettings,
    SeverityPolicy,
    StatusUpdate,
    TimelineEntry,
    UpdateTemplate,
)

if TYPE_CHECKING:
    from django.http import HttpRequest

WEEKDAYS = list(enumerate(("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), start=1))


class SettingsForm(forms.ModelForm):
    """The time zone by name, the working days by ticks."""

    time_zone = forms.ChoiceField(help_text="Business hours are wall time in this zone.")
    weekdays = forms.TypedMultipleChoiceField(
        choices=WEEKDAYS, coerce=int, widget=forms.CheckboxSelectMultiple, label="Working days"
    )

    class Meta:
        model = IncidentSettings
        fields = ("leadership", "last_resort", "time_zone", "opens_at", "closes_at", "weekdays")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["time_zone"]
        field.choices = time_zones.choices(current=self.instance.time_zone)

    def clean_weekdays(self) -> list[int]:
        """In the order of the week."""
        return sorted(set(self.cleaned_data["weekdays"]))


@admin.register(IncidentSettings)
class IncidentSettingsAdmin(AuditedAdmin):
    """One row."""

    form = SettingsForm
    list_display = ("__str__", "leadership", "last_resort", "time_zone", "opens_at", "closes_at")
    autocomplete_fields = ("leadership", "last_resort")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Its key is always 1."""
        obj.pk = 1
        super().save_model(request, obj, form, change)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """While there is none."""
        return not IncidentSettings.objects.exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(SeverityPolicy)
class SeverityPolicyAdmin(AuditedAdmin):
    """What each severity promises; the four rows stay. Incidents under way keep the promises they began with."""

    list_display = (
        "severity", "impact", "response_words", "notification_words", "resolve_within_minutes",
        "needs_postmortem", "follow_up_within_days",
    )  # fmt: skip
    list_filter = ("page_on_call", "notify_leadership", "notify_channel", "open_ticket", "needs_postmortem")
    search_fields = ("severity", "impact")
    readonly_fields = ("severity", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("severity", "impact")}),
        ("Promises", {"fields": ("response_label", "respond_within_minutes", "resolve_within_minutes")}),
        ("Once it is answered", {"fields": ("remind_after_minutes",)}),
        ("While it is open", {"fields": ("update_every_minutes",)}),
        (
            "Once it is over",
            {"fields": ("needs_postmortem", "postmortem_within_days", "follow_up_within_days")},
        ),
        (
            "Who is told",
            {
                "fields": (
                    "page_on_call", "notify_leadership", "leadership_after_minutes", "notify_channel", "open_ticket",
                )
            },
        ),
        ("Dates", {"fields": ("created_at", "updated_at")}),
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: there are four severities."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


@admin.register(Holiday)
class HolidayAdmin(AuditedAdmin):
    """Days on which nobody is expected to answer a low-severity incident."""

    list_display = ("date", "name")
    list_filter = ("date",)
    search_fields = ("name",)
    date_hierarchy = "date"


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    """Incidents change on their own page, where each change is on the timeline."""

    list_display = ("reference", "title", "severity", "status", "assignee", "created_at", "resolved_at", "is_private")
    list_filter = ("severity", "status", "is_private", "excluded_from_metrics", "created_at")
    list_select_related = ("assignee",)
    search_fields = ("=id", "title")
    exclude = ("severity_rank", "status_rank", "ended_after", "affected_services")

    def view_on_site(self, obj: Incident) -> str:
        """The page people work on."""
        return obj.get_absolute_url()


@admin.register(TimelineEntry)
class TimelineEntryAdmin(ReadOnlyAdmin):
    """What happened to incidents."""

    list_display = ("at", "incident", "kind", "actor")
    list_filter = ("kind", "at")
    list_select_related = ("incident", "by")
    search_fields = ("=incident__id", "incident__title", "text")


@admin.register(StatusUpdate)
class StatusUpdateAdmin(ReadOnlyAdmin):
    """What was said about how incidents stood."""

    list_display = (
        "at", "incident", "status", "visibility", "by", "due_at", "published_at", "cancelled_at", "edited_at",
    )  # fmt: skip
    list_filter = ("status", "visibility", ("published_at", admin.EmptyFieldListFilter), "at")
    list_select_related = ("incident", "by")
    search_fields = ("=incident__id", "incident__title", "title", "message")


class UpdateTemplateForm(forms.ModelForm):
    """Words with placeholders, checked as the pages of managers check them."""

    class Meta:
        model = UpdateTemplate
        fields = wordings.EDITABLE

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        try:
            wordings.checked(self.instance)
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined]


@admin.register(UpdateTemplate)
class UpdateTemplateAdmin(AuditedAdmin):
    """Words to begin status updates with."""

    form = UpdateTemplateForm
    list_display = ("name", "visibility", "status", "title", "updated_at")
    list_filter = ("visibility", "status")
    search_fields = ("name", "title", "message")


@admin.register(ActionItem)
class ActionItemAdmin(ReadOnlyAdmin):
    """What incidents left to do; it is changed on the incident's page, where each change is on the timeline."""

    list_display = ("title", "incident", "kind", "owner", "due_on", "done_at", "accepted_at")
    list_filter = (
        ("done_at", admin.EmptyFieldListFilter), ("accepted_at", admin.EmptyFieldListFilter), "kind", "due_on",
        "created_at",
    )  # fmt: skip
    list_select_related = ("incident", "owner", "done_by")
    search_fields = ("=incident__id", "incident__title", "title", "owner__username", "owner__name")
