"""Postmortems, their templates and factors in Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin

from accounts.access import person
from accounts.admin_audit import AuditedAdmin, ReadOnlyAdmin, ReadOnlyInline
from core.redirects import see_other
from postmortems import templating
from postmortems.models import Comment, Factor, Postmortem, Reviewer, Section, Template

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@admin.register(Template)
class TemplateAdmin(AuditedAdmin):
    """What they are for; their sections are written in the editor."""

    list_display = ("name", "severity", "team", "is_active", "updated_at")
    list_filter = ("is_active", "severity", "team")
    list_select_related = ("team",)
    search_fields = ("name",)
    autocomplete_fields = ("team",)
    fields = ("name", "severity", "team", "is_active", "sections")
    readonly_fields = ("sections",)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """The editor."""
        return see_other("postmortems:template_new")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through postmortems.templating."""
        own = {name: getattr(obj, name) for name in ("name", "severity", "team", "is_active")}
        templating.change(obj, by=person(request), **own)


@admin.register(Factor)
class FactorAdmin(AuditedAdmin):
    """What postmortems are tagged with. One that is deleted is taken off every postmortem; renaming keeps it."""

    list_display = ("name", "description")
    search_fields = ("name", "description")


class SectionInline(ReadOnlyInline):
    """What it says."""

    model = Section
    fields = ("title", "body", "edited_at", "edited_by")


class ReviewerInline(ReadOnlyInline):
    """Who was asked to read it."""

    model = Reviewer
    fields = ("user", "asked_at", "approved_at")


class CommentInline(ReadOnlyInline):
    """What was said of it."""

    model = Comment
    fields = ("section", "text", "by", "at", "settled_at")


@admin.register(Postmortem)
class PostmortemAdmin(ReadOnlyAdmin):
    """The record; it is written, reviewed and published on its own pages."""

    list_display = ("incident", "state", "owner", "started_at", "published_at")
    list_filter = ("state", "published_at", "factors")
    list_select_related = ("incident", "owner")
    search_fields = ("=incident__id", "incident__title")
    exclude = ("document",)
    inlines = (SectionInline, ReviewerInline, CommentInline)
