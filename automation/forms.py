"""The form that asks for an action, made of its parameters, and what people write when they decide."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.html import escape

from automation import asking, parameters, places
from automation.parameters import VALUE_LIMIT
from incidents.forms import AcknowledgeForm, ActionForm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import QueryDict

    from automation.models import Action
    from automation.parameters import Parameter, Value

PREFIX = "value-"  # before a parameter's name, so that none is taken for a field of ours
KEY = re.compile(r"[0-9a-f]{8,64}")


class AskForm(AcknowledgeForm):
    """The values of an action's parameters; what they are checked against is the action's own declaration."""

    key = forms.CharField(required=False, widget=forms.HiddenInput)
    place = forms.CharField(required=False, widget=forms.HiddenInput)
    rollback_of = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)

    def __init__(
        self,
        data: QueryDict | None,
        action: Action,
        *,
        facts: Mapping[str, object],
        values: Mapping[str, object] | None = None,
        about: Mapping[str, object] | None = None,
    ) -> None:
        """``facts`` are the incident's labels; ``values`` are offered before those; ``about`` fills what is hidden."""
        self._takes, more = action.takes, values or {}
        found = parameters.offered(self._takes, facts)
        found |= {
            one.name: one.check(more[one.name]) for one in self._takes if one.name in more and one.fits(more[one.name])
        }
        named = {f"{PREFIX}{name}": value for name, value in found.items()}
        super().__init__(data, initial={"key": secrets.token_hex(16), **(about or {}), **named})
        for one in self._takes:
            self.fields[f"{PREFIX}{one.name}"] = _field(one, facts, found.get(one.name))

    def clean_place(self) -> str:
        """What it belongs to; anything else is left out."""
        place: str = self.cleaned_data["place"]
        return place if places.step_of(place) else ""

    def clean_key(self) -> str:
        """One of those that forms are given; without one, what is sent twice is asked for twice."""
        key: str = self.cleaned_data["key"]
        return key if KEY.fullmatch(key) else ""

    def values(self) -> dict[str, Any]:
        """What was given for each parameter; nothing for one that was left empty."""
        given = {one.name: self.cleaned_data.get(f"{PREFIX}{one.name}") for one in self._takes}
        return {name: value for name, value in given.items() if value not in (None, "")}

    def take(self, error: ValidationError) -> None:
        """Show what the domain refused beside the parameter that it concerns."""
        for name, errors in error.error_dict.items():
            field = f"{PREFIX}{name}"
            self.add_error(field if field in self.fields else None, errors)

    def parameter_fields(self) -> list[Any]:
        """The bound fields of the parameters, in order."""
        return [self[f"{PREFIX}{one.name}"] for one in self._takes]


class RefuseForm(ActionForm):
    """Why somebody says no."""

    reason = forms.CharField(label="Why not", max_length=asking.REASON_LIMIT)


def hidden_values(action: Action, facts: Mapping[str, object]) -> list[tuple[str, Value]] | None:
    """What a button sends that asks without a form: everything that is offered, where that is all it needs; None
    where somebody has to look first."""
    offers = parameters.offered(action.takes, facts)
    _, wrong = parameters.check(action.takes, offers)
    if wrong or not action.is_read_only or parameters.refused_facts(action.takes, facts):
        return None
    return [(f"{PREFIX}{name}", value) for name, value in offers.items() if value is not False]


def _field(one: Parameter, facts: Mapping[str, object], offered: Value | None) -> forms.Field:
    shared: dict[str, Any] = {
        "label": str(one),
        "required": one.is_required and one.default is None,
        "help_text": _help(one, facts, offered),
        "error_messages": {"required": f"{one} is missing. It takes {one.takes}."},
    }
    typed = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    match one.type:
        case "boolean":
            return forms.BooleanField(**shared | {"required": False})
        case "choice":
            nothing = ("", "Choose one" if shared["required"] else "Nothing" if one.default is None else "As usual")
            empty = [] if shared["required"] and offered is not None else [nothing]
            wrong = {"invalid_choice": f"Choose one of: {', '.join(one.choices)}."}
            shared["error_messages"] |= wrong
            return forms.ChoiceField(choices=[*empty, *((each, each) for each in one.choices)], **shared)
        case "integer":
            limits = {"min": one.minimum, "max": one.maximum, "step": 1, "inputmode": "numeric"}
            return forms.CharField(widget=forms.NumberInput(attrs=typed | limits), max_length=VALUE_LIMIT, **shared)
        case _:
            return forms.CharField(widget=forms.TextInput(attrs=typed), max_length=VALUE_LIMIT, **shared)


def _help(one: Parameter, facts: Mapping[str, object], offered: Value | None) -> str:
    """What it takes, and where the value in it came from, as HTML."""
    said = [] if one.type in ("boolean", "choice") else [f"{one.takes[0].upper()}{one.takes[1:]}."]
    given = facts.get(one.fact) if one.fact else None
    if given and not one.fits(given):
        said.append(f"The alert's {one.fact} does not fit and was left out.")
    elif given and offered == one.check(given):
        said.append(f"From the alert's label {one.fact}.")
    return escape(" ".join(said))
