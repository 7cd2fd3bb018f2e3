"""What readers and admins send about subscribers, checked before a domain function sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from statuspage import subscriber_files, subscribing
from statuspage.models import Component, Subscriber

if TYPE_CHECKING:
    from statuspage.models import StatusPage


class ComponentsForm(forms.Form):
    """What somebody wants to hear of; nothing chosen is everything. What is wrong is said by the page, in its
    language."""

    component = forms.ModelMultipleChoiceField(
        Component.objects.none(), required=False, to_field_name="public_id", widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, page: StatusPage, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["component"]
        field.queryset = page.components.order_by("group__position", "group", "position", "id")


class SubscribeForm(ComponentsForm):
    """An address, and what it wants to hear of."""

    address = forms.CharField(required=False, strip=True)

    def clean_address(self) -> tuple[str, str]:
        """Its kind, and the address as it is kept."""
        kind, address = subscribing.checked_address(self.cleaned_data["address"])
        return kind.value, address

    def arguments(self) -> dict[str, Any]:
        """What ``subscribing.ask`` takes."""
        kind, address = self.cleaned_data["address"]
        return {"kind": kind, "address": address, "components": list(self.cleaned_data["component"])}


class SubscriberFilterForm(forms.Form):
    """Which subscribers a list shows."""

    q = forms.CharField(required=False, max_length=254, label="Address")
    state = forms.ChoiceField(
        required=False,
        choices=[("", "Any state"), ("active", "Active"), ("waiting", "Not confirmed"), ("ended", "Ended")],
    )
    kind = forms.ChoiceField(required=False, choices=[("", "E-mail and webhooks"), *Subscriber.Kind.choices])


class ImportForm(forms.Form):
    """Addresses, pasted or as a file."""

    text = forms.CharField(
        required=False,
        label="Addresses",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
        max_length=subscriber_files.LARGEST,
        help_text="One in a line; after a comma the components, separated by semicolons, as they are called here.",
    )
    file = forms.FileField(required=False, label="Or a CSV file", help_text="UTF-8, at most 5 MB and 50,000 lines.")
    has_consent = forms.BooleanField(
        required=False,
        label="Everybody here has agreed to get these messages",
        help_text="Otherwise each address is asked first, and hears nothing until it confirms.",
    )

    def clean_file(self) -> str:
        """The file as text."""
        file = self.cleaned_data["file"]
        if file is None:
            return ""
        if file.size > subscriber_files.LARGEST:
            raise ValidationError("This file is larger than 5 MB.")
        try:
            text: str = file.read().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValidationError("This is no text in UTF-8. Save it as CSV UTF-8.") from None
        return text

    def clean(self) -> dict[str, Any]:
        """One of both."""
        found = super().clean() or {}
        if not self.errors and bool(found.get("text")) == bool(found.get("file")):
            raise ValidationError("Paste addresses, or choose a file.")
        return found

    def arguments(self) -> dict[str, Any]:
        """What ``subscriber_files.take`` takes."""
        data = self.cleaned_data
        return {"text": data["text"] or data["file"], "has_consent": data["has_consent"]}
