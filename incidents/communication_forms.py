"""What people may send about action items, checked before a domain function sees it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from incidents import action_items
from incidents.action_items import LATEST_DUE_YEARS, REASON_LIMIT, TITLE_LIMIT
from incidents.forms import ActionForm, AssigneeField, TextField
from incidents.models import ActionItem

if TYPE_CHECKING:
    from datetime import date

    from incidents.models import Incident


@dataclass(frozen=True, slots=True)
class DueByPolicy:
    """The day by which the severity policy wants an item done, and why."""

    day: date
    words: str

    @classmethod
    def of(cls, incident: Incident) -> DueByPolicy | None:
        """For an item that is written down today, where the reader is; None where the policy names no day."""
        today = timezone.localdate()
        day = action_items.due_by_policy(incident, today=today)
        if day is None:
            return None
        severity, days = incident.get_severity_display().lower(), (day - today).days
        return cls(
            day,
            f"By policy: {days} day{'s' if days != 1 else ''} for a {severity} incident. Choose another day, or none.",
        )


class DayField(forms.DateField):
    """A day to come, by the browser's own calendar."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(widget=widget, input_formats=["%Y-%m-%d"], **options)


KINDS = {
    ActionItem.Kind.PREVENTIVE: "so that it does not happen again",
    ActionItem.Kind.DETECTIVE: "so that it is noticed sooner",
    ActionItem.Kind.MITIGATING: "so that it hurts less",
}


class ActionItemForm(ActionForm):
    """A task that an incident left. Of an ``item`` that exists, a valid form holds only what was changed; a new one is
    due on the day that policy wants, ``by_policy``, unless somebody chooses another."""

    # Each field carries what the person saw, so that an old page takes nothing back that somebody else has written.
    title = forms.CharField(
        label="What is to be done?",
        max_length=TITLE_LIMIT,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Say in a few words what is to be done."},
        show_hidden_initial=True,
    )
    owner = AssigneeField(empty_label="Nobody yet", help_text="They are told.", show_hidden_initial=True)
    due_on = DayField(label="Due on", required=False, show_hidden_initial=True)
    kind = forms.ChoiceField(
        required=False,
        choices=[("", "Not said"), *((kind.value, f"{kind.label}: {words}") for kind, words in KINDS.items())],
        help_text="What it is for, as the postmortem tells them apart.",
        show_hidden_initial=True,
    )

    def __init__(
        self, *args: Any, item: ActionItem | None = None, by_policy: DueByPolicy | None = None, **options: Any
    ) -> None:
        self.item = item
        if item:
            username = item.owner.username if item.owner else ""
            known = {"title": item.title, "kind": item.kind, "owner": username, "due_on": item.due_on}
            options.setdefault("initial", known)
        elif by_policy:
            options.setdefault("initial", {"due_on": by_policy.day})
        super().__init__(*args, **options)
        if by_policy:
            self.fields["due_on"].help_text = by_policy.words
        today = timezone.localdate()
        self._offer_days(today, min(item.due_on, today) if item and item.due_on else today)
        if item and item.owner and not item.owner.is_active:  # they stay until somebody else is chosen
            owner: Any = self.fields["owner"]
            owner.queryset = User.objects.filter(Q(is_active=True) | Q(pk=item.owner_id)).order_by("name", "username")

    def _offer_days(self, today: date, first: date) -> None:
        last = today.replace(year=today.year + LATEST_DUE_YEARS, month=12, day=31)
        self.fields["due_on"].widget.attrs |= {"min": first.isoformat(), "max": last.isoformat()}

    def clean(self) -> dict[str, Any]:
        """Everything that is new."""
        super().clean()
        if self.item is None:
            return self.cleaned_data
        return {name: value for name, value in self.cleaned_data.items() if name in self.changed_data}


class AcceptRiskForm(ActionForm):
    """We live with it."""

    reason = TextField(
        label="Why can we live with it?",
        max_length=REASON_LIMIT,
        help_text="Whoever looks at this next year should understand it.",
        error_messages={"required": "Say why we can live with it."},
    )
