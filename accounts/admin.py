"""People, teams, tokens and the audit log in Django admin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress, EmailConfirmation
from allauth.mfa.models import Authenticator
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm
from django.contrib.auth.models import Group
from django.utils.decorators import method_decorator
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_post_parameters

from accounts import audit, people, tokens
from accounts.access import person
from accounts.admin_audit import AuditedAdmin, AuditedInline, ReadOnlyAdmin
from accounts.admin_users import FIELDS, ChangeUserForm, NewUserForm
from accounts.models import ApiToken, AuditEntry, Membership, Team, User
from core.redirects import see_other

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

# Rights come from the role alone, and allauth's pages show the secrets of the second step.
for model in (Group, EmailAddress, EmailConfirmation, Authenticator):
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(User)
class UserAdmin(AuditedAdmin, DjangoUserAdmin):
    """People are switched off instead of deleted, so that history keeps their names."""

    form = ChangeUserForm
    add_form = NewUserForm
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("name", "email", "time_zone")}),
        ("Rights", {"fields": ("role", "is_active")}),
        ("Dates", {"fields": ("last_login", "created_at", "updated_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": (*FIELDS, "usable_password", "password1", "password2")}),)
    readonly_fields = ("last_login", "created_at", "updated_at")
    list_display = ("username", "name", "email", "role", "is_active", "last_login")
    list_filter = ("role", "is_active", "teams")
    search_fields = ("username", "name", "email")
    filter_horizontal = ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Through accounts.people, which guards the last admin."""
        names = [name for name in (*FIELDS, "is_active") if name in form.cleaned_data]
        values = {name: form.cleaned_data[name] for name in names}
        if change:
            people.update_user(obj, by=person(request), **values)
            return
        is_usable = form.cleaned_data["set_usable_password"]
        password = form.cleaned_data["password1"] if is_usable else None
        made = people.create_user(**values, password=password, by=person(request))
        obj.pk, obj._state.adding = made.pk, False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody: switch a person off instead."""
        return False

    @method_decorator(sensitive_post_parameters())
    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Django's page, saved through accounts.people."""
        user = self.get_object(request, unquote(id))
        if request.method == "POST" and user is not None and self.has_change_permission(request, user):
            form = AdminPasswordChangeForm(user, request.POST)
            keeps_one = form.is_valid() and form.cleaned_data["set_usable_password"]
            if keeps_one or (form.is_valid() and "unset-password" in request.POST):
                password = form.cleaned_data["password1"] if keeps_one else None
                user = people.set_password(user, password=password, by=person(request))
                if user == request.user:
                    update_session_auth_hash(request, user)
                messages.success(request, "The password was changed.")
                return see_other("admin:accounts_user_change", user.pk)
        response: HttpResponse = super().user_change_password(request, id, form_url)
        return response


class MembershipInline(AuditedInline):
    """Who is in a team."""

    model = Membership
    autocomplete_fields = ("user",)


@admin.register(Team)
class TeamAdmin(AuditedAdmin):
    """Teams and their people. Addresses are set on the team's page, which checks that they can work."""

    list_display = ("name", "slug", "channel_address", "ticket_address")
    search_fields = ("name", "slug")
    list_filter = ("created_at",)
    fields = ("name", "slug", "description", "channel_address", "ticket_address", "created_at", "updated_at")
    readonly_fields = ("channel_address", "ticket_address", "created_at", "updated_at")
    prepopulated_fields = {"slug": ("name",)}  # noqa: RUF012
    inlines = (MembershipInline,)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Through accounts.people."""
        rows = [each.cleaned_data for each in formset.forms if each.cleaned_data.get("user")]
        rows = [row for row in rows if not row.get("DELETE")]
        managers = [row["user"] for row in rows if row["is_manager"]]
        people.set_members(form.instance, members=[row["user"] for row in rows], managers=managers, by=person(request))
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnlyAdmin):
    """Whose tokens are in use. A token is made by its owner only; an admin can end it."""

    list_display = ("name", "user", "prefix", "scope", "created_at", "last_used_at", "expires_at", "revoked_at")
    list_filter = ("scope", "revoked_at", "expires_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__username", "user__name")
    fields = ("user", "name", "prefix", "scope", "created_at", "last_used_at", "expires_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke the selected tokens")
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        """End tokens for good."""
        for token in queryset:
            tokens.revoke(token, by=person(request))
        messages.success(request, "Revoked.")


@admin.register(Authenticator)
class AuthenticatorAdmin(ReadOnlyAdmin):
    """Who has a second step at sign-in. Deleting it lets somebody in again who lost the phone."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "user__name")
    fields = ("user", "type", "created_at", "last_used_at")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Admins, one at a time."""
        return person(request).is_staff

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        """The entry names the person and nothing of the secret."""
        audit.record(by=person(request), action=f"second step removed ({obj.type})", on=obj.user)
        obj.delete()


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who configured what, when, with before and after."""

    list_display = ("at", "actor_label", "action", "object_type", "object_label")
    list_filter = ("action", "object_type", "at")
    search_fields = ("actor_label", "object_label", "object_id")
    fields = ("at", "actor_label", "action", "object_type", "object_id", "object_label", "changes")
    readonly_fields = ("changes",)

    @admin.display(description="Changes")
    def changes(self, entry: AuditEntry) -> SafeString:
        """A line a field: before, after."""
        rows = entry.differences()
        if not rows:
            return SafeString("none")
        lines = format_html_join("", "<tr><th>{}</th><td>{}</td><td>{}</td></tr>", rows)
        return format_html("<table><tr><th>Field</th><th>Before</th><th>After</th></tr>{}</table>", lines)
