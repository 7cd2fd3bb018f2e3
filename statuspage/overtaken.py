"""Two people who change one thing at once: the second sees what the first has saved, and overwrites nothing unseen."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import timezone

from incidents.models.incident import NotAllowedNow

if TYPE_CHECKING:
    from statuspage.models import Component, StatusPage


class Overtaken(NotAllowedNow):
    """Somebody saved it after the one that a change was made from; ``row`` is as it is now."""

    def __init__(self, row: StatusPage | Component) -> None:
        super().__init__("Somebody else has changed this meanwhile.")
        self.row = row


def check(row: StatusPage | Component, *, based_on: datetime | None) -> None:
    """Raise Overtaken where the row, as it is now, was saved since ``based_on``."""
    if based_on not in (None, row.updated_at):
        raise Overtaken(row)


class SeenField(forms.CharField):
    """When what a person saw was saved, out of sight; None where the form does not say."""

    def __init__(self) -> None:
        super().__init__(required=False, max_length=40, widget=forms.HiddenInput)

    def clean(self, value: Any) -> datetime | None:
        """The moment, aware."""
        try:
            at = datetime.fromisoformat(super().clean(value))
        except ValueError:
            return None
        return at if timezone.is_aware(at) else None


def go_on_from(form: forms.Form, row: StatusPage | Component) -> None:
    """Have a form that was sent keep what was typed, and be saved over ``row`` the next time."""
    sent: Any = form.data
    typed = sent.copy()
    typed["based_on"] = row.updated_at.isoformat()
    form.data = typed


def saved_otherwise(form: forms.Form, saved: forms.Form) -> list[tuple[str, str]]:
    """What is kept and was typed otherwise, as (label, words): ``saved`` is the form of what is kept."""
    found = []
    for field in saved.visible_fields():
        kept = _plain(saved.initial.get(field.name))
        if field.name in saved.initial and kept != _plain(form.cleaned_data.get(field.name)):
            found.append((str(field.label), _words(saved.fields[field.name], kept)))
    return found


def _plain(value: Any) -> Any:
    is_several = hasattr(value, "__iter__") and not isinstance(value, str)
    return sorted(value, key=str) if is_several else value


def _words(field: forms.Field, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(field, forms.ChoiceField) and not isinstance(field, forms.ModelChoiceField):
        return str(dict(field.choices).get(value, value))  # type: ignore[arg-type]
    return (", ".join(str(each) for each in value) if isinstance(value, list) else str(value or "")) or "none"
