"""Django admin on Muster's terms: every change goes into the audit log, and an object's history is read from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse

from accounts import audit
from accounts.access import person
from accounts.models import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.admin.options import BaseModelAdmin
    from django.db.models import ForeignKey, Model, QuerySet
    from django.forms import ModelChoiceField
    from django.http import HttpRequest, HttpResponse

HISTORY_ROWS = 100
LONGEST_KEY = 18  # digits


class SoundChangeList(ChangeList):
    """A list whose address nobody can make fail: Django refuses most odd filters, and fails on the year 0."""

    def get_results(self, request: HttpRequest) -> None:
        """One page of rows; what no date can be counts as a filter that does not exist."""
        try:
            super().get_results(request)
        except (ValueError, OverflowError) as error:
            raise IncorrectLookupParameters(error) from error


class SoundAutocomplete(AutocompleteSelect):
    """Shows a form again whatever was sent in it: Django's looks up the row of a key that may be no number."""

    def optgroups(self, name: str, value: Sequence[Any], attrs: dict[str, Any] | None = None) -> Any:
        """The chosen row, if it can be one."""
        return super().optgroups(name, [each for each in value if _may_be_key(str(each))], attrs)


def _may_be_key(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= LONGEST_KEY


def use_sound_autocomplete(
    owner: BaseModelAdmin[Any], db_field: ForeignKey[Any, Any], request: HttpRequest, options: dict[str, Any]
) -> dict[str, Any]:
    """``options`` of a form field, with our widget where ``owner`` completes the name that is typed."""
    if db_field.name not in owner.get_autocomplete_fields(request):
        return options
    return {"widget": SoundAutocomplete(db_field, owner.admin_site, using=options.get("using"))} | options


class AuditedInline(admin.TabularInline):
    """Rows that are edited with the object that they hang on; the object's admin writes down what changed."""

    extra = 1

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        """With our widget."""
        options = use_sound_autocomplete(self, db_field, request, kwargs)
        return super().formfield_for_foreignkey(db_field, request, **options)


class AuditedAdmin(admin.ModelAdmin):
    """Saves and deletes through ``accounts.audit``. Django's own log is not written: it could be changed."""

    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """The list that takes any address."""
        return SoundChangeList

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> ModelChoiceField | None:
        """With our widget."""
        options = use_sound_autocomplete(self, db_field, request, kwargs)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """By its primary key where the address names an empty field."""
        return super().get_object(request, object_id, from_field or None)

    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Validate, save and write down what changed."""
        audit.save(obj, by=person(request))

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Delete and write down what it was."""
        audit.delete(obj, by=person(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """One by one, so that each has an entry."""
        for obj in queryset:
            audit.delete(obj, by=person(request))

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """What hangs on an object is written down as a change of that object."""
        before = [_line(row) for row in formset.get_queryset()] if change else []
        formset.save()
        after = [_line(row) for row in formset.model._default_manager.filter(**{formset.fk.name: form.instance})]
        name = str(formset.model._meta.verbose_name_plural)
        audit.changed_links(form.instance, by=person(request), name=name, before=before, after=after)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """The audit log has it already."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> None:  # type: ignore[override]
        """The audit log has it already."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        """The audit log has it already."""

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The audit entries of one object, newest first."""
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        if not self.has_view_or_change_permission(request, obj):
            raise PermissionDenied
        entries = AuditEntry.objects.visible_to(person(request)).filter(
            object_type=self.opts.label_lower, object_id=str(obj.pk)
        )
        page = self.get_paginator(request, entries.order_by("-id"), HISTORY_ROWS).get_page(request.GET.get(PAGE_VAR, 1))
        context = {
            **self.admin_site.each_context(request),
            "title": f"History: {obj}",
            "entries": page,
            "object": obj,
            "opts": self.opts,
            "module_name": self.opts.verbose_name_plural,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/audit_history.html", context)


class ReadOnlyAdmin(AuditedAdmin):
    """For what only Muster itself writes."""

    actions: Any = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody; it can still be looked at."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


class ReadOnlyInline(admin.TabularInline):
    """Rows that hang on an object and that only Muster itself writes."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody."""
        return False


def _line(row: Model) -> str:
    values = audit.snapshot(row)
    return f"{row}: " + ", ".join(f"{name}={value}" for name, value in values.items() if name != "id")
