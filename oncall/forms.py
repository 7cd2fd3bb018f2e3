"""Forms of escalation policies. A page without JavaScript adds steps with a button that sends the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from accounts.models import Team, User
from oncall.changes import LONGEST_DELAY, MOST_STEPS, Step, Target
from oncall.models import EscalationPolicy, EscalationTarget, Schedule
from oncall.models.policy import MOST_ACKNOWLEDGEMENTS

if TYPE_CHECKING:
    from collections.abc import Sequence


class PolicyForm(forms.ModelForm):
    """What a policy is called, who owns it and how it repeats."""

    class Meta:
        model = EscalationPolicy
        fields = ("name", "team", "repeat", "repeat_after_minutes", "is_default")
        labels = {
            "repeat": "Extra rounds",
            "repeat_after_minutes": "Minutes between rounds",
            "is_default": "The site's default",
        }
        help_texts = {
            "repeat": "How often the steps are run again when nobody answers.",
            "repeat_after_minutes": "Counted from the last step of a round.",
            "is_default": "For incidents whose services name no policy. It takes the place of the present default.",
        }

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._by = by
        field: Any = self.fields["team"]
        field.queryset = Team.objects.managed_by(by)
        field.empty_label = "No team"
        if not by.manages(None):
            del self.fields["is_default"]

    def clean_team(self) -> Team | None:
        """Only a manager of the site may leave the team out."""
        team: Team | None = self.cleaned_data["team"]
        if team is None and not self._by.manages(None):
            raise ValidationError("Choose one of the teams that you manage.")
        return team

    def _get_validation_exclusions(self) -> set[str]:
        """A new default takes the place of the old one, so that there are two is no mistake of the form."""
        return {*super()._get_validation_exclusions(), "is_default"}  # type: ignore[misc]


class Targets:
    """Everybody a step can page, read once for all steps of a form."""

    def __init__(self, *, also: Sequence[EscalationTarget] = ()) -> None:
        users = {user.pk: user for user in User.objects.active().order_by("name", "username")}
        users |= {target.user.pk: target.user for target in also if target.user}
        schedules = {f"schedule:{row.pk}": row for row in Schedule.objects.order_by("name", "id")}
        self.schedules = [(key, f"{row} (on call)") for key, row in schedules.items()]
        self._found: dict[str, Target] = {f"team:{team.pk}": team for team in Team.objects.order_by("name")}
        self.teams = [(key, f"{team} (team)") for key, team in self._found.items()]
        self._found |= schedules
        self.users = [(f"user:{user.pk}", str(user)) for user in users.values()]
        self._found |= {f"user:{user.pk}": user for user in users.values()}

    def choices(self) -> list[tuple[str, str]]:
        """Schedules first, then people, then teams."""
        return [*self.schedules, *self.users, *self.teams]

    def found(self, keys: Sequence[str]) -> tuple[Target, ...]:
        """What the chosen keys stand for."""
        return tuple(self._found[key] for key in keys)


class StepForm(forms.Form):
    """One step; an empty one is left out."""

    delay_minutes = forms.IntegerField(
        label="Minutes to wait",
        min_value=0,
        max_value=LONGEST_DELAY,
        required=False,
        help_text="After the step before.",
    )
    targets = forms.MultipleChoiceField(label="Page", choices=(), required=False, widget=forms.CheckboxSelectMultiple)
    takes_turns = forms.BooleanField(
        label="Take turns",
        required=False,
        help_text="Page one of them, the next one with each incident. Somebody who cannot be reached is passed over.",
    )
    acknowledgements = forms.IntegerField(
        label="People who must acknowledge",
        min_value=1,
        max_value=MOST_ACKNOWLEDGEMENTS,
        required=False,
        help_text="Paging goes on until so many have. 1 if it is left empty.",
    )

    def __init__(self, *args: Any, targets: Targets, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._targets = targets
        self.fields["targets"].choices = targets.choices()  # type: ignore[attr-defined]

    def step(self) -> Step | None:
        """The step as the domain knows it; None for one that pages nobody or is to be removed."""
        data = self.cleaned_data
        if not data.get("targets") or data.get("DELETE"):
            return None
        return Step(
            data["delay_minutes"] or 0,
            self._targets.found(data["targets"]),
            data["takes_turns"],
            data["acknowledgements"] or 1,
        )


class BaseStepFormSet(forms.BaseFormSet):
    """The steps of a policy, in the order of their numbers."""

    deletion_widget = forms.CheckboxInput

    def steps(self) -> list[Step]:
        """Every step that pages somebody, in order; of equal numbers the upper one first."""
        numbered = [
            (each.cleaned_data.get("ORDER") or position, position, each.step())
            for position, each in enumerate(self.forms, start=1)
        ]
        return [step for _, _, step in sorted(numbered, key=lambda row: row[:2]) if step]

    def clean(self) -> None:
        """At least one."""
        if not any(self.errors) and not self.steps():
            raise ValidationError("A policy needs at least one step that pages somebody.")


def step_formset(*, extra: int) -> type[BaseStepFormSet]:
    """A form set with this many empty steps below the filled ones."""
    return forms.formset_factory(  # type: ignore[return-value]
        StepForm,
        formset=BaseStepFormSet,
        extra=extra,
        can_order=True,
        can_delete=True,
        max_num=MOST_STEPS,
        absolute_max=MOST_STEPS,
        validate_max=True,
    )


def initial_of(policy: EscalationPolicy | None) -> list[dict[str, Any]]:
    """The present steps as the form set takes them; the policy comes with its steps."""
    if policy is None:
        return []
    return [
        {
            "delay_minutes": step.delay_minutes,
            "takes_turns": step.takes_turns,
            "acknowledgements": step.acknowledgements,
            "targets": [
                f"{target.kind}:{target.user_id or target.team_id or target.schedule_id}"
                for target in step.targets.all()
            ],
        }
        for step in policy.steps.all()
    ]
