"""What people may send about events, checked before a domain function sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from incidents.forms import ActionForm, MomentField, TextField
from incidents.models import TimelineEntry

if TYPE_CHECKING:
    from datetime import datetime

    from django.http import QueryDict

    from postmortems.models import KeyEvent

MOST_PICKED = 1_000


class EventForm(ActionForm):
    """What happened, and when. The domain knows its limits."""

    text = TextField(label="What happened", required=False, rows=3, help_text="One line, in plain words.")
    at = MomentField(label="When it happened")

    def __init__(self, *args: Any, event: KeyEvent | None = None, **options: Any) -> None:
        self.event = event
        if event:
            options.setdefault("initial", {"text": event.text, "at": event.at})
        super().__init__(*args, **options)

    def clean_at(self) -> datetime:
        """The form shows whole seconds; a time that was not touched stays exactly what it was."""
        moment: datetime = self.cleaned_data["at"]
        return moment if self.event is None or "at" in self.changed_data else self.event.at


class RestForm(forms.Form):
    """Which entries of the timeline are looked for."""

    q = forms.CharField(required=False, max_length=200)
    kind = forms.ChoiceField(required=False, choices=[("", "Every kind"), *TimelineEntry.Kind.choices])


def picked(data: QueryDict, name: str) -> list[int]:
    """The numbers that were sent by a name, as far as they are numbers."""
    given = data.getlist(name)[:MOST_PICKED]
    return [int(number) for number in given if number.isascii() and number.isdecimal() and len(number) < 19]
