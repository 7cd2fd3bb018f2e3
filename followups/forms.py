"""What people send about trackers and tickets, checked before a domain function sees it."""

from __future__ import annotations

from typing import Any

from django import forms

from accounts.models import Team
from followups.models import Tracker
from incidents.forms import ActionForm
from incidents.models import Incident


class TrackerForm(forms.ModelForm):
    """A tracker. The secret goes in and is never shown; empty it stays what it is."""

    team = forms.ModelChoiceField(
        Team.objects.order_by("name", "slug"), required=False, to_field_name="slug", empty_label="Every team"
    )
    secret = forms.CharField(
        required=False,
        label="Token, or signing secret",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )

    class Meta:
        model = Tracker
        fields = ("kind", "name", "base_url", "project", "username", "issue_type", "team", "is_active")

    field_order = ("kind", "name", "base_url", "project", "username", "issue_type", "secret", "team", "is_active")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        is_new = self.instance.pk is None
        if is_new:
            kind: Any = self.fields["kind"]
            kind.choices = Tracker.Kind.choices  # the first is as good a guess as any
        else:
            del self.fields["kind"]
        self.fields["secret"].help_text = (
            "GitHub: a token that may read and write issues. GitLab: one with the scope api. Jira: an API token. "
            "Webhook: empty, and one is made and shown once. It is stored and never shown again."
            if is_new
            else "Empty: it stays. It is never shown."
        )

    def arguments(self) -> dict[str, Any]:
        """What a domain function takes."""
        return dict(self.cleaned_data)


class ExportForm(ActionForm):
    """To which tracker."""

    tracker = forms.ModelChoiceField(
        Tracker.objects.none(),
        empty_label=None,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a tracker.", "invalid_choice": "This tracker takes nothing from here."},
    )

    def __init__(self, *args: Any, incident: Incident, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["tracker"]
        field.queryset = Tracker.objects.on().taking(incident)
        field.label_from_instance = lambda tracker: f"{tracker}: {tracker.label}" if tracker.project else str(tracker)
