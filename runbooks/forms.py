"""Forms of runbooks and runs. Without JavaScript too, buttons that send the form add, move and remove steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Team
from catalog.models import Service
from core.forms import RowFormSet
from incidents.fetching import number_of
from incidents.forms import ActionForm, TextField
from incidents.models import Incident
from runbooks import guides
from runbooks.guides import Guide, Step
from runbooks.models import Runbook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User


class RunbookForm(forms.ModelForm):
    """What a runbook is called and for; a manager of one team only gives it to that team."""

    based_on = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    services = forms.ModelMultipleChoiceField(
        Service.objects.none(), required=False, widget=forms.CheckboxSelectMultiple
    )
    also_services = forms.CharField(
        label="Services that are not here yet",
        required=False,
        max_length=1000,
        help_text="Slugs with commas, such as kafka. The runbook fits as soon as there is such a service.",
    )
    severities = forms.MultipleChoiceField(
        required=False,
        choices=[(name, name.capitalize()) for name in guides.SEVERITIES],
        widget=forms.CheckboxSelectMultiple,
        help_text="None means any.",
    )
    facts = TextField(
        rows=3,
        required=False,
        label="Facts of the incident",
        help_text="One a line: the name of a label, a colon, a pattern; such as <code>alertname: Kafka*Lag*</code>. "
        "One that fits is enough.",
    )
    summary = TextField(
        rows=4, required=False, help_text="Markdown: what it is for, how to know that it is the right one."
    )
    what_changed = forms.CharField(label="What you changed", required=False, max_length=200)

    class Meta:
        model = Runbook
        fields = ("title", "slug", "team", "review_every_days")
        labels = {"review_every_days": "Review every so many days", "team": "Owner"}
        help_texts = {
            "slug": "Its name in addresses and in the API: small letters, digits and hyphens.",
            "review_every_days": "Longer after its last review it is flagged.",
        }

    def __init__(self, *args: Any, by: User, guide: Guide | None = None, **options: Any) -> None:
        super().__init__(*args, **options)
        self._by = by
        fields: Any = self.fields
        fields["team"].queryset, fields["team"].empty_label = Team.objects.managed_by(by).distinct(), "No team"
        fields["services"].queryset = Service.objects.visible_to(by).order_by("name", "slug")
        if guide is None:
            del fields["what_changed"], fields["based_on"]
            return
        del fields["slug"]
        here = list(Service.objects.visible_to(by).filter(slug__in=guide.services))
        elsewhere = [slug for slug in guide.services if slug not in {service.slug for service in here}]
        more = {
            "based_on": self.instance.version.number,
            "services": here,
            "also_services": ", ".join(elsewhere),
            "severities": list(guide.severities),
            "facts": "\n".join(f"{name}: {pattern}" for name, pattern in guide.facts),
            "summary": guide.summary,
        }
        self.initial = {**self.initial, **more}

    def clean_also_services(self) -> list[str]:
        """Slugs, each once."""
        slugs = self.cleaned_data["also_services"].replace(",", " ").split()
        if wrong := [slug for slug in slugs if not guides.SLUG.fullmatch(slug)]:
            raise ValidationError(f"“{wrong[0][:80]}” is no slug: letters, digits, hyphens and underscores.")
        return list(dict.fromkeys(slugs))

    def clean_facts(self) -> list[tuple[str, str]]:
        """Pairs of a name and a pattern."""
        try:
            return guides.facts_of(self.cleaned_data["facts"])
        except guides.BadGuide as error:
            raise ValidationError(str(error)) from None

    def clean_team(self) -> Team | None:
        """Only a manager of the site may leave the team out."""
        team: Team | None = self.cleaned_data["team"]
        if team is None and not self._by.manages(None):
            raise ValidationError("Choose one of the teams that you manage.")
        return team

    def guide(self, steps: Sequence[Step]) -> Guide:
        """What the valid form says, with these steps."""
        data = self.cleaned_data
        return Guide(
            title=data["title"],
            summary=data["summary"],
            steps=tuple(steps),
            services=(*(service.slug for service in data["services"]), *data["also_services"]),
            severities=tuple(data["severities"]),
            facts=tuple(data["facts"]),
        )

    def own(self) -> dict[str, Any]:
        """What is the runbook's and no part of its versions."""
        return {name: self.cleaned_data[name] for name in ("team", "review_every_days")}


class StepForm(forms.Form):
    """One step; an empty one is left out. ``key`` stays with it while it moves, so that a draft does too."""

    use_required_attribute = False

    key = forms.CharField(required=False, max_length=12, widget=forms.HiddenInput)
    title = forms.CharField(
        required=False, max_length=guides.TITLE_LIMIT, widget=forms.TextInput(attrs={"data-draft": ""})
    )
    body = TextField(rows=6, required=False, label="What to do", help_text="Markdown; commands between ``` lines.")
    action = forms.CharField(
        required=False, max_length=80, help_text="The slug of an action that can do this step, if there is one."
    )

    def clean(self) -> dict[str, Any]:
        """A step that says something has a title."""
        data = super().clean() or {}
        if not data.get("title") and (data.get("body") or data.get("action")) and "title" not in self.errors:
            self.add_error("title", "Say in a few words what to do.")
        return data


class BaseStepFormSet(RowFormSet):
    """The steps of a runbook, in order."""

    noun = "step"
    blank: ClassVar = {"title": "", "body": "", "action": ""}

    def steps(self) -> list[Step]:
        """Every step that says something."""
        rows = [form.cleaned_data for form in self.forms]
        return [Step(row["title"], row["body"], row["action"]) for row in rows if row.get("title")]

    def clean(self) -> None:
        """At least one."""
        if not any(self.errors) and not self.steps():
            raise ValidationError("A runbook has at least one step.")


StepFormSet: Any = forms.formset_factory(
    StepForm,
    formset=BaseStepFormSet,
    extra=0,
    max_num=guides.MOST_STEPS,
    absolute_max=guides.MOST_STEPS,
    validate_max=True,
)


def initial_steps(guide: Guide | None, number: int) -> list[dict[str, str]]:
    """The steps of version ``number`` as the form set takes them; two empty ones for a new runbook."""
    if guide is None:
        return [{"key": "new1"}, {"key": "new2"}]
    return [
        {"key": f"v{number}s{place}", "title": step.title, "body": step.body, "action": step.action}
        for place, step in enumerate(guide.steps, start=1)
    ]


class StartForm(ActionForm):
    """At which incident."""

    incident = forms.CharField(max_length=40)

    def __init__(self, *args: Any, by: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self._by = by

    def clean_incident(self) -> Incident:
        """One that the person may see."""
        number = number_of(self.cleaned_data["incident"].strip())
        found: Incident | None = Incident.objects.visible_to(self._by).filter(pk=number or 0).first()
        if found is None:
            raise ValidationError("There is no such incident for you. Write it as INC-42.")
        return found


class SkipForm(ActionForm):
    """Why a step is left out."""

    reason = forms.CharField(label="Why it is left out", max_length=2000)


class SeenForm(ActionForm):
    """What was seen at a step."""

    text = TextField(
        rows=5, label="What you saw", max_length=20_000, help_text="Markdown. It is added to the timeline."
    )
