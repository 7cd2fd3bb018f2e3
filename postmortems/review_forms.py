"""What people may send about a review, a comment, a meeting and a publication, before a domain function sees it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from accounts.models import Role, User
from core import time_zones
from incidents import seeing
from incidents.communication import PUBLIC_LIMIT
from incidents.forms import ActionForm, TextField
from postmortems import audience
from postmortems.comments import TEXT_LIMIT
from postmortems.factors import NAME_LIMIT
from postmortems.meeting import LONGEST, PLACE_LIMIT, SHORTEST
from postmortems.models import Factor

if TYPE_CHECKING:
    from postmortems.models import Postmortem, Section

MOST_SUGGESTED = 30


class WallTimeField(forms.DateTimeField):
    """A moment by the reader's clock, to the minute. An hour that daylight saving leaves out begins when it is over,
    and of one that is there twice the first is meant."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        super().__init__(widget=widget, **options)

    def to_python(self, value: Any) -> datetime | None:
        """The instant."""
        if value in self.empty_values or isinstance(value, datetime):
            return value or None
        try:
            wall = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        if wall.tzinfo is not None or not 2000 <= wall.year <= 9000:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return time_zones.instant(wall.date(), wall.time(), time_zones.zone(str(timezone.get_current_timezone())))


class ReviewersForm(ActionForm):
    """Who is to read it: those who are likely, and anybody else who sees the incident."""

    reviewers = forms.ModelMultipleChoiceField(
        User.objects.none(),
        to_field_name="username",
        required=False,
        label="Who has to do with it",
        widget=forms.CheckboxSelectMultiple,
    )
    also = forms.ModelChoiceField(
        User.objects.none(),
        to_field_name="username",
        required=False,
        label="Somebody else",
        empty_label="Nobody else",
        help_text="They are told. Send again to add more people.",
    )

    def __init__(self, *args: Any, postmortem: Postmortem, by: User, **options: Any) -> None:
        super().__init__(*args, **options)
        asked = {row.user_id for row in postmortem.reviewers.all()}
        seen = seeing.people_of(postmortem.incident).exclude(pk__in=asked)
        near = Q(pk__in=audience.took_part(postmortem)) | Q(teams__services__incidents=postmortem.incident)
        likely = list(seen.filter(near).exclude(pk=by.pk).distinct().values_list("pk", flat=True)[:MOST_SUGGESTED])
        fields: Any = self.fields
        fields["reviewers"].queryset = seen.filter(pk__in=likely)
        fields["also"].queryset = seen.exclude(pk__in=likely)
        if not likely:
            del fields["reviewers"]

    def clean(self) -> dict[str, Any]:
        """Everybody who was chosen."""
        data = super().clean() or {}
        chosen = list(data.get("reviewers", ()))
        return {"reviewers": [*chosen, *([data["also"]] if data.get("also") else [])]}


class OwnerForm(ActionForm):
    """Who sees to it."""

    owner = forms.ModelChoiceField(
        User.objects.none(),
        to_field_name="username",
        required=False,
        empty_label="Nobody yet",
        help_text="They are told, and reminded when it is due.",
    )

    def __init__(self, *args: Any, postmortem: Postmortem, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["owner"]
        field.queryset = seeing.people_of(postmortem.incident).exclude(role=Role.VIEWER)
        self.initial.setdefault("owner", postmortem.owner.username if postmortem.owner else "")


class FactorsForm(ActionForm):
    """What contributed: of those that there are, and a new one."""

    factors = forms.ModelMultipleChoiceField(
        Factor.objects.none(), required=False, label="What contributed", widget=forms.CheckboxSelectMultiple
    )
    new = forms.CharField(
        required=False,
        max_length=NAME_LIMIT,
        label="Another one",
        help_text="In a few words. It can be chosen everywhere from then on.",
    )

    def __init__(self, *args: Any, postmortem: Postmortem, **options: Any) -> None:
        super().__init__(*args, **options)
        field: Any = self.fields["factors"]
        field.queryset = Factor.objects.all()
        self.initial.setdefault("factors", [factor.pk for factor in postmortem.factors.all()])
        if not Factor.objects.exists():
            del self.fields["factors"]

    def clean(self) -> dict[str, Any]:
        """The arguments of ``factors.choose``."""
        data = super().clean() or {}
        return {"factors": list(data.get("factors", ())), "new": [data["new"]] if data.get("new") else []}


class CommentForm(ActionForm):
    """What one wants to say, and of what."""

    section = forms.ChoiceField(required=False, label="On")
    text = TextField(
        label="Comment",
        rows=5,
        max_length=TEXT_LIMIT,
        help_text="Markdown works.",
        error_messages={"required": "Write what you want to say."},
    )

    def __init__(self, *args: Any, sections: list[Section], **options: Any) -> None:
        super().__init__(*args, **options)
        self._sections = {section.key: section for section in sections}
        field: Any = self.fields["section"]
        field.choices = [("", "The whole postmortem"), *((section.key, section.title) for section in sections)]
        self.fields["text"].widget.attrs["autofocus"] = True

    def clean_section(self) -> Section | None:
        """The section itself; none for the whole."""
        return self._sections.get(self.cleaned_data["section"])


class MeetingForm(ActionForm):
    """When and where it is talked about."""

    at = WallTimeField(label="When", error_messages={"required": "Say when.", "invalid": "Enter a day and a time."})
    minutes = forms.IntegerField(label="Minutes", min_value=SHORTEST, max_value=LONGEST, initial=60)
    place = forms.CharField(
        label="Where", required=False, max_length=PLACE_LIMIT, help_text="A room, or the link of a call."
    )

    def __init__(self, *args: Any, postmortem: Postmortem, **options: Any) -> None:
        super().__init__(*args, **options)
        self._was = postmortem.meeting_at
        if self._was:
            self.initial = {
                "at": self._was,
                "minutes": postmortem.meeting_minutes,
                "place": postmortem.meeting_place,
                **self.initial,
            }
        zone = timezone.get_current_timezone_name()
        self.fields["at"].help_text = f"Your time: {zone}. Everybody gets it in their own."

    def clean_at(self) -> datetime:
        """A time that was not touched stays the instant that it was, also in an hour that is there twice."""
        at: datetime = self.cleaned_data["at"]
        shown = self.data.get(self.add_prefix("at"), "")
        if self._was and shown == f"{timezone.localtime(self._was):%Y-%m-%dT%H:%M}":
            return self._was
        return at


class PublicForm(ActionForm):
    """What the public is to read."""

    base = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    public_text = TextField(
        label="Public version",
        required=False,
        rows=16,
        max_length=PUBLIC_LIMIT,
        help_text="Markdown. Anybody may read it once it is published; nothing of the postmortem itself goes with it.",
    )


class PublishForm(ActionForm):
    """That it is to be published, and what the person has seen before."""

    with_public = forms.BooleanField(required=False, label="Publish this public version too")
    public_mark = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    anyway = forms.CharField(required=False, max_length=200, widget=forms.HiddenInput)
