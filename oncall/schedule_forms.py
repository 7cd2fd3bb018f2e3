"""Forms of schedules and overrides. People and restrictions are typed as text, so that every browser can."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import Team, User
from core import time_zones
from oncall import windows
from oncall.models import Layer, Schedule
from oncall.schedule_changes import MOST_LAYERS, MOST_PEOPLE, Draft, wrong_years
from oncall.schedule_changes import YEARS as YEARS

if TYPE_CHECKING:
    from collections.abc import Sequence


class ScheduleForm(forms.ModelForm):
    """What a schedule is called, who owns it, and whose clock it follows."""

    time_zone = forms.ChoiceField(label="Time zone", help_text="Handoffs and restrictions are wall time there.")

    class Meta:
        model = Schedule
        fields = ("name", "team", "time_zone", "description")

    def __init__(self, *args: Any, by: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._by = by
        team: Any = self.fields["team"]
        team.queryset = Team.objects.managed_by(by)
        team.empty_label = "No team"
        zone: Any = self.fields["time_zone"]
        zone.choices = time_zones.choices(current=self.instance.time_zone or "UTC")
        zone.initial = self.instance.time_zone if self.instance.pk else timezone.get_current_timezone_name()

    def clean_team(self) -> Team | None:
        """Only a manager of the site may leave the team out."""
        team: Team | None = self.cleaned_data["team"]
        if team is None and not self._by.manages(None):
            raise ValidationError("Choose one of the teams that you manage.")
        return team


class PeopleField(forms.CharField):
    """People in the order of their turns, by username or by a name that only one of them has."""

    def __init__(self, *, known: dict[str, User], **options: Any) -> None:
        super().__init__(**options)
        self._known = known

    def clean(self, value: Any) -> Any:
        """The people; the same one may have several turns."""
        names = [name.strip() for name in (super().clean(value) or "").split(",") if name.strip()]
        unknown = [name for name in names if name.lower() not in self._known]
        if unknown:
            raise ValidationError(f"Nobody is called {', '.join(unknown)}. Use usernames, with commas between them.")
        if len(names) > MOST_PEOPLE:
            raise ValidationError(f"A layer has at most {MOST_PEOPLE} places.")
        return tuple(self._known[name.lower()] for name in names)


class WindowsField(forms.CharField):
    """Restrictions in one line."""

    def clean(self, value: Any) -> Any:
        """The windows."""
        return windows.of_text(super().clean(value) or "")


def known_people() -> dict[str, User]:
    """Active people by what they may be called in lower case; a name that two have stands for neither."""
    rows = list(User.objects.active().order_by("username"))
    named: dict[str, list[User]] = {}
    for row in rows:
        named.setdefault(row.name.lower(), []).append(row)
    found = {name: people[0] for name, people in named.items() if name and len(people) == 1}
    return found | {row.username.lower(): row for row in rows}


class LayerForm(forms.Form):
    """One layer; one without people is left out."""

    name = forms.CharField(max_length=120, required=False, help_text="Such as Weekdays. Empty: Layer 1, 2 …")
    people = forms.CharField()  # replaced, it needs to know who there is
    length = forms.IntegerField(label="Each turn takes", min_value=1, max_value=365, initial=1, required=False)
    unit = forms.ChoiceField(choices=Layer.Unit.choices, initial=Layer.Unit.WEEK, required=False)
    handoff = forms.TimeField(
        label="Handed over at",
        initial=time(9),
        required=False,
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
    )
    starts_on = forms.DateField(
        label="First day", required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    ends_on = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Empty: it goes on.",
    )
    windows = WindowsField(
        label="Only within", required=False, max_length=500, help_text=f"Such as {windows.EXAMPLE}. Empty: always."
    )
    calendar_url = forms.URLField(
        label="Or a calendar",
        required=False,
        max_length=500,
        assume_scheme="https",
        help_text="The iCal address of a calendar whose events name who is on call.",
    )

    def __init__(self, *args: Any, known: dict[str, User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["people"] = PeopleField(
            known=known,
            required=False,
            label="People, in the order of their turns",
            help_text="Usernames with commas between them.",
            widget=forms.TextInput(attrs={"list": "people", "autocomplete": "off"}),
        )

    def clean(self) -> dict[str, Any]:
        """A layer with people needs a first day; a last day is not before it."""
        data = super().clean() or self.cleaned_data
        if data.get("people") and data.get("calendar_url"):
            self.add_error("calendar_url", "A layer has people or a calendar, not both.")
        if data.get("people") and not data.get("starts_on") and "starts_on" not in self.errors:
            self.add_error("starts_on", "Say on which day the first turn begins.")
        for name, words in wrong_years(starts_on=data.get("starts_on"), ends_on=data.get("ends_on")).items():
            self.add_error(name, words)
        if data.get("ends_on") and data.get("starts_on") and data["ends_on"] < data["starts_on"]:
            self.add_error("ends_on", "The last day is the first one, or later.")
        return data

    def draft(self, number: int) -> Draft | None:
        """The layer as the domain knows it; None for one without people and calendar, or that is to be removed."""
        data = self.cleaned_data
        if not (data.get("people") or data.get("calendar_url")) or data.get("DELETE"):
            return None
        return Draft(
            name=data["name"] or f"Layer {number}",
            starts_on=data["starts_on"] or timezone.localdate(),
            people=data["people"],
            unit=data["unit"] or Layer.Unit.WEEK,
            length=data["length"] or 1,
            handoff=data["handoff"] or time(9),
            ends_on=data["ends_on"],
            windows=data["windows"],
            calendar_url=data["calendar_url"],
        )


class BaseLayerFormSet(forms.BaseFormSet):
    """The layers of a schedule, the lowest first."""

    deletion_widget = forms.CheckboxInput

    def drafts(self) -> list[Draft]:
        """Every layer with people, in the order of its numbers; of equal ones the upper form lies lower."""
        numbered = [
            (each.cleaned_data.get("ORDER") or position, position, each.draft(position))
            for position, each in enumerate(self.forms, start=1)
        ]
        return [draft for _, _, draft in sorted(numbered, key=lambda row: row[:2]) if draft]


def layer_formset(*, extra: int) -> type[BaseLayerFormSet]:
    """A form set with this many empty layers above the filled ones."""
    return forms.formset_factory(  # type: ignore[return-value]
        LayerForm,
        formset=BaseLayerFormSet,
        extra=extra,
        can_order=True,
        can_delete=True,
        max_num=MOST_LAYERS,
        absolute_max=MOST_LAYERS,
        validate_max=True,
    )


def initial_of(layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Layers as the form set takes them; they come with their people."""
    return [
        {
            "name": layer.name,
            "people": ", ".join(place.user.username for place in layer.participants.all()),
            "length": layer.length,
            "unit": layer.unit,
            "handoff": layer.handoff,
            "starts_on": layer.starts_on,
            "ends_on": layer.ends_on,
            "windows": windows.to_text(windows.of_json(layer.windows)),
            "calendar_url": layer.calendar_url,
        }
        for layer in layers
    ]


class MomentField(forms.DateTimeField):
    """A moment in the reader's time zone, to the minute."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, **options)


class OverrideForm(forms.Form):
    """Who is on call instead, from when to when."""

    user = forms.ModelChoiceField(
        User.objects.none(), to_field_name="username", label="Who is on call", empty_label=None
    )
    start = MomentField(label="From")
    end = MomentField(label="Until")
    reason = forms.CharField(max_length=200, required=False, label="Why", help_text="Shown beside the shift.")

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user: Any = self.fields["user"]
        user.queryset = people


def next_hours(now: datetime) -> tuple[datetime, datetime]:
    """What an override is offered for: from this minute, for twelve hours."""
    start = now.replace(second=0, microsecond=0)
    return start, start + timedelta(hours=12)


def given_moment(text: str | None) -> datetime | None:
    """A moment that a link names; none where it names none."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at if at.tzinfo and at.year in YEARS else None
