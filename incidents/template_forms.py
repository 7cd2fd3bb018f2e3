"""What people may send about a template of status updates."""

from __future__ import annotations

from typing import Any

from django import forms

from incidents import wordings
from incidents.forms import TextField
from incidents.models import StatusUpdate, UpdateTemplate
from incidents.update_words import MESSAGE_LIMIT


class TemplateForm(forms.ModelForm):
    """Its words, and whom they are for."""

    visibility = forms.ChoiceField(
        label="Who reads it?",
        choices=[(StatusUpdate.Visibility.INTERNAL, "Colleagues"), (StatusUpdate.Visibility.EXTERNAL, "Everybody")],
        widget=forms.RadioSelect,
    )
    status = forms.ChoiceField(choices=StatusUpdate.Status.choices, widget=forms.RadioSelect)
    message = TextField(rows=8, max_length=MESSAGE_LIMIT, help_text="Markdown, with placeholders in braces.")

    class Meta:
        model = UpdateTemplate
        fields = wordings.EDITABLE
        labels = {"title": "What is it called in public?"}
        help_texts = {"title": "Only for everybody; empty where an incident keeps what it is called."}

    def _post_clean(self) -> None:
        """The domain checks the row as a whole, and saves it."""

    def own(self) -> dict[str, Any]:
        """What the valid form says."""
        return {name: self.cleaned_data[name] for name in wordings.EDITABLE}
