"""Forms of people, teams, tokens and the first admin."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from allauth.account.forms import LoginForm
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import Scope, Team, User
from accounts.people import RESERVED_SLUGS
from core import time_zones

if TYPE_CHECKING:
    from collections.abc import Iterable


class SignInForm(LoginForm):
    """Signing in: whoever comes may type at once. After a mistake, what was wrong has the focus."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_bound:
            self.fields["login"].widget.attrs["autofocus"] = True


class ProfileForm(forms.ModelForm):
    """What people change of themselves."""

    time_zone = forms.ChoiceField(help_text="Every time on every page is shown in it.")

    class Meta:
        model = User
        fields = ("name", "time_zone")
        help_texts = {"name": "How colleagues see you; your username where it is empty."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["time_zone"]
        field.choices = time_zones.choices(current=self.instance.time_zone)


class TokenForm(forms.Form):
    """A new API token."""

    LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked"))

    name = forms.CharField(max_length=100, help_text="What will use it, such as deploy script.")
    scope = forms.ChoiceField(
        choices=Scope.choices, initial=Scope.READ, help_text="At most this, and never more than your role allows."
    )
    lifetime = forms.ChoiceField(choices=LIFETIMES, initial="90", required=False, label="Valid for")

    def expires_at(self) -> datetime | None:
        """The end of the chosen lifetime."""
        days = self.cleaned_data["lifetime"]
        return timezone.now() + timedelta(days=int(days)) if days else None


class TeamForm(forms.ModelForm):
    """A team and its people."""

    members = forms.ModelMultipleChoiceField(
        User.objects.none(), required=False, widget=forms.CheckboxSelectMultiple, help_text="Who is in the team."
    )
    managers = forms.ModelMultipleChoiceField(
        User.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="May change what the team owns: services, policies, addresses, members. They are members too.",
    )

    class Meta:
        model = Team
        fields = ("name", "slug", "description", "members", "managers")
        help_texts = {"slug": "Its name in addresses and in the API: small letters, digits and hyphens."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = list(self.instance.memberships.values_list("user", "is_manager")) if self.instance.pk else []
        people = User.objects.order_by("name", "username")
        # Who is switched off stays in the team until somebody takes them out.
        self._offer("members", people.filter(is_active=True) | people.filter(pk__in=[pk for pk, _ in rows]))
        self._offer("managers", people.filter(is_active=True) | people.filter(pk__in=[pk for pk, _ in rows]))
        self.initial.setdefault("members", [pk for pk, _ in rows])
        self.initial.setdefault("managers", [pk for pk, is_manager in rows if is_manager])

    def _offer(self, name: str, people: Any) -> None:
        field: Any = self.fields[name]
        field.queryset = people

    def clean_slug(self) -> str:
        """Not a word that is an address of its own."""
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED_SLUGS:
            raise ValidationError("This word is an address of its own. Choose another one.")
        return slug

    def fields_of_team(self) -> dict[str, Any]:
        """What is stored on the team itself."""
        return {name: self.cleaned_data[name] for name in ("name", "slug", "description")}

    def people(self) -> dict[str, Iterable[User]]:
        """Members and managers, who are members too."""
        managers = list(self.cleaned_data["managers"])
        return {"members": [*self.cleaned_data["members"], *managers], "managers": managers}


class FirstAdminForm(forms.ModelForm):
    """The first admin of an installation."""

    email = forms.EmailField(label="E-mail address", help_text="For signing in, and where pages are sent.")
    password1 = forms.CharField(
        label="Password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 10 characters.",
    )
    password2 = forms.CharField(
        label="Password again", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = User
        fields = ("username", "name", "email")
        help_texts = {"username": ""}

    def clean(self) -> dict[str, Any]:
        """Twice the same, and good enough."""
        cleaned = super().clean() or {}
        first, second = cleaned.get("password1"), cleaned.get("password2")
        if first and second and first != second:
            self.add_error("password2", "The two passwords differ.")
        elif first:
            try:
                validate_password(first, User(username=cleaned.get("username", ""), email=cleaned.get("email", "")))
            except ValidationError as error:
                self.add_error("password1", error)
        return cleaned
