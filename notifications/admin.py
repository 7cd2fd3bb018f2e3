"""Contact methods and the outbox in Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError

from accounts.access import person
from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin, ReadOnlyInline
from core.forms import take_errors
from notifications import contacts
from notifications.forms import ContactMethodForm
from notifications.models import Attempt, ContactMethod, Drill, MonthlyDrill, Notification, SweepRun

if TYPE_CHECKING:
    from django.http import HttpRequest


class AdminContactMethodForm(forms.ModelForm):
    """How to reach a person; the address is checked against its kind."""

    is_confirmed = forms.BooleanField(
        required=False,
        label="Confirmed",
        help_text="Pages go to confirmed addresses; to others only while a person has none.",
    )

    class Meta:
        model = ContactMethod
        fields = ("user", "kind", "address")
        help_texts = {"address": ContactMethodForm.base_fields["address"].help_text}

    def clean(self) -> dict[str, Any]:
        """The address as its channel needs it."""
        cleaned = super().clean() or {}
        if "kind" in cleaned and "address" in cleaned:
            try:
                cleaned["address"] = contacts.checked_address(cleaned["kind"], cleaned["address"])
            except ValidationError as error:
                take_errors(self, error)
        return cleaned


@admin.register(ContactMethod)
class ContactMethodAdmin(AuditedAdmin):
    """Added, confirmed and removed; a different address is a new contact method."""

    form = AdminContactMethodForm
    fields = ("user", "kind", "address", "is_confirmed")
    list_display = ("user", "kind", "address", "verified_at")
    list_filter = ("kind", ("verified_at", admin.EmptyFieldListFilter))
    list_select_related = ("user",)
    search_fields = ("address", "user__username", "user__name")
    autocomplete_fields = ("user",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """When it was confirmed stands where confirming happens only once."""
        return ("user", "kind", "address", "verified_at") if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """What it is does not change."""
        return ("user", "kind", "address", "verified_at") if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Looking only; confirming is an action of the list."""
        return False

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """What was on its way there is not sent any more."""
        contacts.remove(obj, by=person(request))

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Each as if it were alone."""
        for method in queryset:
            contacts.remove(method, by=person(request))

    actions = ("confirm",)

    @admin.action(description="Confirm the selected contact methods")
    def confirm(self, request: HttpRequest, queryset: Any) -> None:
        """An admin's word stands for the owner's."""
        for method in queryset:
            contacts.confirm(method, by=person(request))

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through notifications.contacts, which makes the signing secret of a webhook."""
        made, _ = contacts.add(
            obj.user,
            kind=obj.kind,
            address=obj.address,
            by=person(request),
            is_verified=form.cleaned_data["is_confirmed"],
        )
        obj.pk, obj._state.adding = made.pk, False


class AttemptInline(ReadOnlyInline):
    """Each try of a notification."""

    model = Attempt
    fields = ("number", "started_at", "finished_at", "outcome", "detail", "provider_id")


@admin.register(Notification)
class NotificationAdmin(ReadOnlyAdmin):
    """What was to be told to whom, and what came of it."""

    list_display = ("id", "title", "recipient", "channel", "purpose", "state", "created_at", "attempt_count")
    list_filter = ("state", "channel", "purpose", "created_at")
    search_fields = ("title", "recipient", "address", "topic")
    exclude = ("lease_token", "lease_until", "contact_method", "actions")  # an action's link answers in a person's name
    inlines = (AttemptInline,)


@admin.register(Drill)
class DrillAdmin(ReadOnlyAdmin):
    """Who was paged as a drill, and whether they answered."""

    list_display = ("id", "user", "is_monthly", "started_at", "answered_at")
    list_filter = ("is_monthly", ("answered_at", admin.EmptyFieldListFilter), "started_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__name")
    exclude = ("answered_through",)


@admin.register(MonthlyDrill)
class MonthlyDrillAdmin(ReadOnlyAdmin):
    """Who has asked for a drill a month; everybody asks for themselves."""

    list_display = ("user", "next_drill_at")
    list_select_related = ("user",)
    list_filter = ("next_drill_at",)
    search_fields = ("user__username", "user__name")


@admin.register(SweepRun)
class SweepRunAdmin(ReadOnlyAdmin):
    """When each sweep last ran."""

    list_display = ("name", "last_run_at", "host")
    list_filter = ("host",)
    search_fields = ("name",)
