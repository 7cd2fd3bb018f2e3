"""The forms that define actions and runners. Without JavaScript too, buttons that send the form add and remove rows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.db.models import Q
from django.forms.utils import ErrorDict

from automation import defining
from automation.models import Action, Runner, Way
from automation.parameters import FACT_LIMIT, LABEL_LIMIT, MOST_PARAMETERS, TYPES, VALUE_LIMIT, Parameter
from catalog.models import Service
from core.forms import RowFormSet
from incidents.forms import TextField

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import QueryDict

# Which of the fields of a row say something about its type; the others are hidden, and left out.
OF_TYPE = {"integer": ("minimum", "maximum"), "choice": ("choices",), "text": ("pattern",), "name": (), "boolean": ()}


class DefinitionForm(forms.ModelForm):
    """What an action is and does. What makes no sense is said by ``automation.defining``, beside the fields."""

    authorization = forms.CharField(
        required=False,
        max_length=2000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="The Authorization header, such as <code>Bearer …</code>. It is never shown again.",
    )
    forget_authorization = forms.BooleanField(label="Take the authorization away", required=False)

    class Meta:
        model = Action
        fields = ("name", "slug", "summary", "kind", "way", "runner", "command", "url", "format", "target", "seconds",
                  "services", "rollback", "is_read_only", "is_destructive", "has_dry_run", "is_automatic")  # fmt: skip
        widgets = {
            "way": forms.RadioSelect,
            "kind": forms.RadioSelect,
            "summary": forms.Textarea(attrs={"rows": 3}),
            "services": forms.CheckboxSelectMultiple,
        }
        labels = {"way": "How it is carried out", "rollback": "What takes it back"}
        help_texts = {
            "slug": "Its name in runbooks, addresses and the API: small letters, digits and hyphens.",
            "summary": "Markdown. And what one should see then.",
            "services": "Their incidents offer it.",
            "rollback": "An action with parameters of the same names.",
            "seconds": "Seconds, at most 3,600. Then the runner ends it.",
        }

    def __init__(self, data: QueryDict | None, *, instance: Action | None, initial: Mapping[str, Any] | None = None):
        super().__init__(data, instance=instance, initial=dict(initial or {}), auto_id="action-%s")
        fields: Any = self.fields
        own = self.instance
        fields["services"].queryset = Service.objects.order_by("name", "slug")
        fields["runner"].queryset, fields["runner"].empty_label = Runner.objects.order_by("name"), "Choose a runner"
        others = Action.objects.filter(Q(archived_at=None) | Q(pk=own.rollback_id)).exclude(pk=own.pk)
        fields["rollback"].queryset, fields["rollback"].empty_label = others.order_by("name"), "Nothing"
        fields["format"].required = False
        if own.pk:
            del fields["slug"]
        if not own.authorization:
            del fields["forget_authorization"]
        else:
            fields["authorization"].help_text = "One is set. Leave this empty to keep it; it is never shown."

    def _post_clean(self) -> None:
        """Nothing: ``defining`` checks the whole, in words of its own, and writes it."""

    def arguments(self) -> dict[str, Any]:
        """The valid form as arguments of ``defining.change``."""
        data = self.cleaned_data
        found = {name: data[name] for name in defining.EDITABLE}
        found["format"] = found["format"] or Action.Format.GENERIC
        given = data["authorization"] or ("" if data.get("forget_authorization") else None)
        return found | {"services": data["services"], "authorization": given}


class ParameterForm(forms.Form):
    """One parameter; a row without a name is left out."""

    use_required_attribute = False

    key = forms.CharField(required=False, max_length=12, widget=forms.HiddenInput)
    name = forms.CharField(
        required=False, max_length=40, widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="As the other side knows it.",
    )  # fmt: skip
    label = forms.CharField(required=False, max_length=LABEL_LIMIT, help_text="As people read it.")
    type = forms.ChoiceField(choices=list(TYPES.items()), label="Takes")
    default = forms.CharField(required=False, max_length=VALUE_LIMIT, label="If left empty")
    minimum = forms.IntegerField(required=False, label="Smallest")
    maximum = forms.IntegerField(required=False, label="Largest")
    choices = TextField(required=False, rows=3, label="Choices", help_text="One a line.")
    pattern = forms.CharField(
        required=False,
        max_length=VALUE_LIMIT,
        help_text="The whole text has to fit, such as <code>[a-z]+-[0-9]+</code>.",
    )
    fact = forms.CharField(
        required=False,
        max_length=FACT_LIMIT,
        label="Label of the alert",
        help_text="Its value is proposed, where it fits.",
    )
    is_required = forms.BooleanField(required=False, label="Has to be given")

    def clean(self) -> dict[str, Any]:
        """A row that says something has a name."""
        data = super().clean() or {}
        if not data.get("name") and any(data.get(part) for part in ("label", "choices", "pattern", "fact", "default")):
            self.add_error("name", "Give it a name, or remove the row.")
        return data

    def parameter(self) -> Parameter | None:
        """The valid row as a parameter, without what its type does not have."""
        data = self.cleaned_data
        if not data.get("name"):
            return None
        more: dict[str, Any] = {part: data[part] for part in OF_TYPE[data["type"]]}
        if "choices" in more:
            more["choices"] = tuple(line.strip() for line in more["choices"].splitlines() if line.strip())
        made = Parameter(
            name=data["name"],
            type=data["type"],
            label=data["label"],
            is_required=data["is_required"],
            fact=data["fact"],
            **more,
        )
        default = data["default"]
        if not default:
            return made
        is_typed = made.type in ("integer", "boolean") and made.fits(default)
        return replace(made, default=made.check(default) if is_typed else default)


class BaseParameterFormSet(RowFormSet):
    """The parameters of an action, in order."""

    noun = "parameter"
    blank: ClassVar = {"type": "name", "is_required": "on"}

    def parameters(self) -> list[Parameter]:
        """Every row that says something."""
        return [one for form in self.forms if (one := form.parameter())]


ParameterFormSet: Any = forms.formset_factory(
    ParameterForm,
    formset=BaseParameterFormSet,
    extra=0,
    max_num=MOST_PARAMETERS,
    absolute_max=MOST_PARAMETERS,
    validate_max=True,
)


class RunnerForm(forms.ModelForm):
    """What a runner is called."""

    class Meta:
        model = Runner
        fields = ("name",)
        help_texts = {"name": "Such as the place where it runs: eu-central, build-server."}

    def _post_clean(self) -> None:
        """Nothing: ``automation.runners`` checks and writes it."""


def initial_rows(parameters: tuple[Parameter, ...]) -> list[dict[str, Any]]:
    """The parameters as the form set takes them."""
    words = {True: "yes", False: "no"}
    return [
        {
            **one.stored(),
            "key": f"p{place}",
            "choices": "\n".join(one.choices),
            "default": words[one.default] if isinstance(one.default, bool) else one.default,
        }
        for place, one in enumerate(parameters, start=1)
    ]


def offered_by(runner: Runner, command: str) -> tuple[dict[str, Any], tuple[Parameter, ...]]:
    """What a runner's file says of a command, as the beginning of an action; as little as can be read of it."""
    about: dict[str, Any] = {"way": Way.RUNNER, "runner": runner.pk, "command": command}
    offer: Any = runner.offer(command)
    if offer is None:
        return about, ()
    name = command.replace("_", " ").replace("-", " ").replace(".", " ")
    about |= {
        "name": f"{name[:1].upper()}{name[1:]}",
        "slug": re.sub(r"[^a-z0-9_-]+", "-", command.lower()).strip("-"),
        "summary": offer.get("description", ""),
        "is_read_only": offer.get("read_only", False),
        "has_dry_run": offer.get("has_dry_run", False),
        "kind": Action.Kind.DIAGNOSTICS if offer.get("read_only") else Action.Kind.FIX,
    }
    rows = [row for row in offer.get("parameters", []) if isinstance(row, dict)]
    return about, tuple(_offered(row) for row in rows[:MOST_PARAMETERS])


def as_typed(form: DefinitionForm, rows: Any, focus: str) -> None:
    """What was typed, without complaints: nobody has asked to save it. The row to be looked at has the focus."""
    for one in (form, *rows.forms):
        one._errors = ErrorDict()
    for row in rows.forms:
        if row.row_key == focus:
            row.fields["name"].widget.attrs["autofocus"] = True


def _offered(row: Mapping[str, Any]) -> Parameter:
    """One of a runner's own parameters. Its description becomes the label; what is not of its kind is left out."""
    kind = row["type"] if isinstance(row.get("type"), str) and row["type"] in TYPES else "name"
    whole = {name: row[name] for name in ("minimum", "maximum") if type(row.get(name)) is int}
    choices = row.get("choices") if isinstance(row.get("choices"), list) else []
    default = row.get("default")
    return Parameter(
        name=str(row.get("name") or ""),
        type=str(kind),
        label=str(row.get("description") or "").rstrip(".")[:LABEL_LIMIT],
        is_required=default is None,
        default=default if isinstance(default, str | int) else None,
        choices=tuple(map(str, choices or [])),
        pattern=str(row.get("pattern") or ""),
        **whole,
    )
