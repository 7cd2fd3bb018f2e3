"""Forms of contact methods, team addresses and the outbox."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Team
from core.forms import take_errors
from notifications import contacts
from notifications.addresses import validate_address
from notifications.models import LONGEST_ADDRESS, Channel, Notification


class ContactMethodForm(forms.Form):
    """A way to be reached."""

    kind = forms.ChoiceField(
        choices=[
            (Channel.EMAIL, "E-mail"),
            (Channel.WEBHOOK, "Signed webhook"),
            (Channel.CHAT, "Slack, Mattermost, Rocket.Chat or Discord"),
        ],
        widget=forms.RadioSelect,
        initial=Channel.EMAIL,
    )
    address = forms.CharField(
        max_length=LONGEST_ADDRESS,
        help_text="An e-mail address, or the https:// address of the webhook; for a chat, of its incoming webhook. "
        "Whoever reads the chat can answer as you, so take one that only you read.",
    )

    def clean(self) -> dict[str, Any]:
        """The address as its channel needs it."""
        cleaned = super().clean() or {}
        if "kind" in cleaned and "address" in cleaned:
            try:
                cleaned["address"] = contacts.checked_address(cleaned["kind"], cleaned["address"])
            except ValidationError as error:
                take_errors(self, error)
        return cleaned


class TeamAddressesForm(forms.ModelForm):
    """Where a team is told of medium and low incidents."""

    class Meta:
        model = Team
        fields = ("channel_address", "ticket_address")
        labels = {"channel_address": "Team channel", "ticket_address": "Team tickets"}
        help_texts = {
            "channel_address": "Told of medium incidents. Empty: the team's inbox page.",
            "ticket_address": "Told of low incidents. Empty: the team's inbox page.",
        }

    def clean_channel_address(self) -> str:
        """One that a channel can serve, or none."""
        return self._checked("channel_address")

    def clean_ticket_address(self) -> str:
        """One that a channel can serve, or none."""
        return self._checked("ticket_address")

    def _checked(self, name: str) -> str:
        address: str = self.cleaned_data[name].strip()
        if address:
            validate_address(address)
        return address


class OutboxFilter(forms.Form):
    """What the outbox shows; a value that is not known filters nothing."""

    state = forms.ChoiceField(required=False, choices=[("", "Any state"), *Notification.State.choices], label="State")
    channel = forms.ChoiceField(required=False, choices=[("", "Any channel"), *Channel.choices], label="Channel")
    recipient = forms.CharField(required=False, max_length=200, label="Recipient")
    topic = forms.CharField(required=False, max_length=80, widget=forms.HiddenInput)

    def chosen(self) -> dict[str, str]:
        """The filters that are set and make sense."""
        self.full_clean()
        return {name: value for name, value in self.cleaned_data.items() if value}
