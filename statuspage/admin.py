"""Status pages in Django admin: pages, groups and components through their domain functions; what is told, to read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.urls import reverse

from accounts.access import person
from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin
from statuspage import components, pages, subscribing
from statuspage.models import (
    Component,
    ComponentGroup,
    Delivery,
    Document,
    Impact,
    Mailing,
    Report,
    StatusPage,
    Subscriber,
)
from statuspage.page_forms import ComponentAdminForm, GroupAdminForm, PageAdminForm

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest


@admin.register(StatusPage)
class StatusPageAdmin(AuditedAdmin):
    """What the public reads. Its own form takes a logo, and says what goes with a page before it is removed."""

    form = PageAdminForm
    list_display = ("name", "slug", "domain", "locale", "time_zone", "is_default", "rendered_at", "exported_at")
    list_filter = ("is_default", "locale")
    search_fields = ("name", "slug", "domain")
    prepopulated_fields = {"slug": ("name",)}  # noqa: RUF012
    fields = (*pages.EDITABLE, "changed_at", "rendered_at", "exported_at")
    # Which page is the default is a matter of two pages, and so is said on the page's own form.
    readonly_fields = ("is_default", "changed_at", "rendered_at", "exported_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, here."""
        return False

    def view_on_site(self, obj: StatusPage) -> str:
        """Its own form."""
        return reverse("statuspage:page_detail", args=[obj.slug])

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new one, or what changed."""
        values = {name: getattr(obj, name) for name in pages.EDITABLE if name != "is_default"}
        if change:
            pages.change(obj, by=person(request), **values)
        else:
            obj.pk = pages.create(by=person(request), **values).pk
            obj._state.adding = False


class PartAdmin(AuditedAdmin):
    """What stands on one page for good, at a place there that a new one gets by itself."""

    list_filter = ("page",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """A new one comes last, so there is no place to ask for."""
        return [name for name in super().get_fields(request, obj) if obj or name not in {"position", "public_id"}]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """The page is chosen once."""
        return ("page", "public_id") if obj else ()

    def view_on_site(self, obj: Any) -> str:
        """The page that it stands on."""
        return reverse("statuspage:page_detail", args=[obj.page.slug])


@admin.register(ComponentGroup)
class ComponentGroupAdmin(PartAdmin):
    """Components that stand together; without their group they stay."""

    form = GroupAdminForm
    list_display = ("name", "page", "position")
    list_select_related = ("page",)
    search_fields = ("name", "page__name")
    autocomplete_fields = ("page",)
    fields = ("page", "name", "position", "public_id")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new one, another name, another place."""
        if not change:
            obj.pk = components.add_group(obj.page, name=obj.name, by=person(request)).pk
            obj._state.adding = False
            return
        components.rename_group(obj, name=obj.name, by=person(request))
        if "position" in form.changed_data:
            components.move_group(obj, to=obj.position, by=person(request))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Readers see its components without it."""
        components.remove_group(obj, by=person(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ComponentGroup]) -> None:
        """One by one."""
        for group in queryset:
            components.remove_group(group, by=person(request))


@admin.register(Component)
class ComponentAdmin(PartAdmin):
    """A part of what readers use. It is removed on its page, which says that its history goes with it."""

    form = ComponentAdminForm
    list_display = ("name", "page", "group", "position", "since")
    list_select_related = ("page", "group")
    search_fields = ("name", "page__name", "public_id")
    autocomplete_fields = ("page", "services")
    fields = ("page", "group", "name", "description", "position", "services", "since", "public_id")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody, here."""
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """A new one, what changed, another place."""
        values = {name: form.cleaned_data[name] for name in (*components.EDITABLE, "services")}
        if not change:
            obj.pk = components.add_component(obj.page, by=person(request), **values).pk
            obj._state.adding = False
            return
        components.change_component(obj, by=person(request), **values)
        if "position" in form.changed_data:
            components.move_component(obj, to=obj.position, by=person(request))

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """The services are saved already."""


@admin.register(Report)
class ReportAdmin(ReadOnlyAdmin):
    """An incident as a page tells it."""

    list_display = ("name", "page", "status", "incident", "created_at", "resolved_at")
    list_filter = ("page", "status", ("resolved_at", admin.EmptyFieldListFilter))
    list_select_related = ("page", "incident")
    search_fields = ("name", "public_id", "=incident__id")
    fields = (
        "page", "incident", "public_id", "name", "status", "started_at", "created_at", "updated_at", "resolved_at",
    )  # fmt: skip


@admin.register(Impact)
class ImpactAdmin(ReadOnlyAdmin):
    """How a component was, and when; uptime is made of these."""

    list_display = ("component", "health", "started_at", "ended_at", "report")
    list_filter = ("health", ("ended_at", admin.EmptyFieldListFilter))
    list_select_related = ("component", "report")
    search_fields = ("component__name", "report__name")
    fields = ("report", "component", "health", "started_at", "ended_at")


@admin.register(Document)
class DocumentAdmin(ReadOnlyAdmin):
    """What readers get at one address; rendered anew when something changes."""

    list_display = ("path", "page", "content_type", "etag", "rendered_at")
    list_filter = ("page",)
    list_select_related = ("page",)
    search_fields = ("path",)
    fields = ("page", "path", "content_type", "etag", "rendered_at")


@admin.register(Subscriber)
class SubscriberAdmin(ReadOnlyAdmin):
    """Who hears of a page's news; added, imported and removed on the page's own list. Neither secret is a field."""

    list_display = ("address", "page", "kind", "confirmed_at", "ended_at", "ended_why", "failures")
    list_filter = ("page", "kind", "ended_why", ("confirmed_at", admin.EmptyFieldListFilter))
    list_select_related = ("page",)
    search_fields = ("address",)
    fields = (
        "page", "kind", "address", "components", "created_at", "asked_at", "confirmed_at", "ended_at", "ended_why",
        "failures",
    )  # fmt: skip
    actions = ("end",)

    @admin.action(description="Remove the selected subscribers")
    def end(self, request: HttpRequest, queryset: QuerySet[Subscriber]) -> None:
        """As on the page's own list: they hear nothing more, and are not asked again until they are forgotten."""
        for subscriber in queryset.select_related("page"):
            subscribing.remove(subscriber, by=person(request))
        messages.success(request, "Removed.")


@admin.register(Mailing)
class MailingAdmin(ReadOnlyAdmin):
    """One piece of news, as subscribers get it."""

    list_display = ("subject", "page", "kind", "key", "created_at", "fanned_at")
    list_filter = ("page", "kind", ("fanned_at", admin.EmptyFieldListFilter))
    list_select_related = ("page",)
    search_fields = ("subject", "=key")
    fields = (
        "page", "key", "kind", "report", "maintenance", "components", "subject", "text", "payload", "created_at",
        "fanned_to", "fanned_at",
    )  # fmt: skip


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """One obligation to send a mailing, or a request to confirm, to a subscriber."""

    list_display = ("subscriber", "mailing", "state", "due_at", "finished_at", "attempt_count", "error")
    list_filter = ("state", ("error", admin.EmptyFieldListFilter))
    list_select_related = ("subscriber", "mailing")
    search_fields = ("subscriber__address", "mailing__subject")
    fields = ("subscriber", "mailing", "state", "due_at", "finished_at", "attempt_count", "lease_until", "error")
