"""What people may send about what they want to hear of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Team
from catalog.models import Service
from incidents import subscriptions
from incidents.fetching import number_of
from incidents.models import Incident, Severity
from incidents.subscriptions import Wish
from notifications.models import ContactMethod

if TYPE_CHECKING:
    from accounts.models import User

NOTHING = "Choose what to hear of from the list."
LONGEST = 200


class WishForm(forms.Form):
    """One thing, as ``service:kafka``, ``team:crew``, ``severity:critical`` or ``incident:INC-42``."""

    what = forms.CharField(max_length=LONGEST, label="What", error_messages={"required": NOTHING})

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_what(self) -> Wish:
        """The thing itself, of those that the person may see."""
        kind, _, key = self.cleaned_data["what"].partition(":")
        thing: Service | Team | Incident | str | None = None
        if kind == "service":
            thing = Service.objects.visible_to(self.user).filter(slug=key).first()
        elif kind == "team":
            thing = Team.objects.visible_to(self.user).filter(slug=key).first()
        elif kind == "incident":
            thing = Incident.objects.visible_to(self.user).filter(pk=number_of(key) or 0).first()
        elif kind == "severity" and key in Severity.values:
            thing = key
        if thing is None:
            raise ValidationError(NOTHING)
        return Wish.of(thing)


class FollowForm(WishForm):
    """The thing, and how it is to come."""

    method = forms.ModelChoiceField(
        queryset=ContactMethod.objects.none(),
        required=False,
        label="By",
        error_messages={"invalid_choice": "Choose one of the ways listed."},
    )
    field_order = ("what", "method")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        method: Any = self.fields["method"]
        method.queryset = subscriptions.methods_of(self.user)
        method.empty_label = f"E-mail of my account ({self.user.email})" if self.user.email else "Choose"
        self.fields["what"].widget = forms.Select(choices=_choices(self.user))


def _choices(user: User) -> list[tuple[str, Any]]:
    """Everything that there is to follow on the page; one incident is followed from its own."""
    severities = [(f"severity:{value}", f"{label} incidents") for value, label in Severity.choices]
    teams = Team.objects.visible_to(user).order_by("name", "slug").values_list("slug", "name")
    services = Service.objects.visible_to(user).order_by("name", "slug").values_list("slug", "name")
    return [
        ("", "Choose"),
        ("Every incident of a severity", severities),
        ("Services of a team", [(f"team:{slug}", name) for slug, name in teams]),
        ("A service", [(f"service:{slug}", name) for slug, name in services]),
    ]
