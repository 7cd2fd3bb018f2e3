"""What people may send about a template: what it is for, and its sections, which buttons that send the form add, move
and remove."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Team
from core.forms import RowFormSet
from incidents.forms import TextField
from postmortems import outline
from postmortems.models import Template

if TYPE_CHECKING:
    from collections.abc import Iterable

    from accounts.models import User


class TemplateForm(forms.ModelForm):
    """What a template is called and for; a manager of one team only gives it to that team."""

    seen = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    class Meta:
        model = Template
        fields = ("name", "severity", "team", "is_active")
        labels = {"is_active": "Use it for new drafts"}
        help_texts = {"severity": "", "team": "It is used where one of the affected services is this team's."}

    def __init__(self, *args: Any, by: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self._by = by
        fields: Any = self.fields
        fields["team"].queryset, fields["team"].empty_label = Team.objects.managed_by(by).distinct(), "Every team"
        fields["severity"].choices = [("", "Every severity"), *fields["severity"].choices[1:]]
        if self.instance.pk:
            self.initial["seen"] = self.instance.updated_at.isoformat()

    def clean_team(self) -> Team | None:
        """Only a manager of the site may leave the team out."""
        team: Team | None = self.cleaned_data["team"]
        if team is None and not self._by.manages(None):
            raise ValidationError("Choose one of the teams that you manage.")
        return team

    def own(self) -> dict[str, Any]:
        """What the valid form says beside the sections."""
        return {name: self.cleaned_data[name] for name in ("name", "severity", "team", "is_active")}


class SectionForm(forms.Form):
    """One section. ``key`` is that of its row, ``part`` that of the section; both stay with it while it moves."""

    use_required_attribute = False

    key = forms.CharField(required=False, max_length=12, widget=forms.HiddenInput)
    part = forms.SlugField(required=False, max_length=outline.KEY_LIMIT, widget=forms.HiddenInput)
    title = forms.CharField(
        required=False, max_length=outline.TITLE_LIMIT, widget=forms.TextInput(attrs={"data-draft": ""})
    )
    prompt = TextField(
        required=False,
        rows=2,
        max_length=outline.PROMPT_LIMIT,
        label="What it asks for",
    )
    is_required = forms.BooleanField(required=False, label="Must be written before it is published")

    @property
    def is_standard(self) -> bool:
        """Whether it is one of the seven, which stay."""
        return str(self["part"].value() or "") in outline.STANDARD_KEYS

    def clean(self) -> dict[str, Any]:
        """A section that says something has a title."""
        data = super().clean() or {}
        says = data.get("part") or data.get("prompt")
        if says and not data.get("title") and "title" not in self.errors:
            self.add_error("title", "Give it a title.")
        return data


class BaseSectionFormSet(RowFormSet):
    """The sections of a template, in order."""

    noun = "section"
    blank: ClassVar = {"part": "", "title": "", "prompt": "", "is_required": ""}

    def sections(self) -> list[dict[str, Any]]:
        """Every section that has a title, as ``outline.checked`` takes them."""
        rows = [form.cleaned_data for form in self.forms if form.cleaned_data.get("title")]
        return [
            {"key": row["part"], "title": row["title"], "prompt": row["prompt"], "is_required": row["is_required"]}
            for row in rows
        ]

    def clean(self) -> None:
        """The seven are there, and each once."""
        if any(self.errors):
            return
        try:
            outline.checked(self.sections())
        except ValidationError as error:
            raise ValidationError(error.messages) from error


SectionFormSet: Any = forms.formset_factory(
    SectionForm,
    formset=BaseSectionFormSet,
    extra=0,
    max_num=outline.MOST_SECTIONS,
    absolute_max=outline.MOST_SECTIONS,
    validate_max=True,
)


def initial_sections(sections: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sections of a template as the form set takes them."""
    return [
        {
            "key": f"s{place}",
            "part": section["key"],
            "title": section["title"],
            "prompt": section["prompt"],
            "is_required": section["is_required"],
        }
        for place, section in enumerate(sections, start=1)
    ]
