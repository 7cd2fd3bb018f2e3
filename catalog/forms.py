"""Forms of services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Team
from catalog.changes import RESERVED_SLUGS
from catalog.models import Health, Service

if TYPE_CHECKING:
    from accounts.models import User


class ServiceForm(forms.ModelForm):
    """A service and what it depends on. A manager of one team only gives services to that team."""

    depends_on = forms.ModelMultipleChoiceField(
        Service.objects.none(),
        required=False,
        label="Depends on",
        widget=forms.CheckboxSelectMultiple,
        help_text="What it does not work without.",
    )

    class Meta:
        model = Service
        fields = (
            "name", "slug", "team", "tier", "health", "escalation_policy", "description", "dashboard_url", "logs_url",
            "repo_url", "depends_on",
        )  # fmt: skip
        help_texts = {
            "slug": "Its name in addresses and in the API: small letters, digits and hyphens.",
            "tier": "How much depends on it; tier 1 is the most.",
            "escalation_policy": "Who is paged. Without one, the site's default policy is used.",
        }
        labels = {"dashboard_url": "Dashboard", "logs_url": "Logs", "repo_url": "Repository"}
        widgets = {"description": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._by = by
        self._choices("team", Team.objects.managed_by(by).distinct(), "No team")
        others = Service.objects.visible_to(by).exclude(pk=self.instance.pk).order_by("name", "slug")
        self._choices("depends_on", others)
        self._choices("escalation_policy", None, "The site's default")
        if self.instance.pk:
            self.initial["depends_on"] = list(self.instance.depends_on.all())

    def _choices(self, name: str, queryset: Any, empty: str | None = None) -> None:
        field: Any = self.fields[name]
        if queryset is not None:
            field.queryset = queryset
        if empty is not None:
            field.empty_label = empty

    def clean_slug(self) -> str:
        """Not a word that is an address of its own."""
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED_SLUGS:
            raise ValidationError("This word is an address of its own. Choose another one.")
        return slug

    def clean_team(self) -> Team | None:
        """Only a manager of the site may leave the team out."""
        team: Team | None = self.cleaned_data["team"]
        if team is None and not self._by.manages(None):
            raise ValidationError("Choose one of the teams that you manage.")
        return team


class HealthForm(forms.Form):
    """How a service is."""

    health = forms.ChoiceField(choices=Health.choices)
