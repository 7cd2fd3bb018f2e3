"""Forms of cover, swaps and absences."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils import dateformat, timezone

from accounts.models import Role, User
from oncall.schedule_forms import MomentField

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from django.db.models import QuerySet

    from oncall.shifts import Shift


class CoverForm(forms.Form):
    """Which stretch of one's shifts a colleague should take."""

    start = MomentField(label="From")
    end = MomentField(label="Until")
    note = forms.CharField(max_length=200, required=False, label="Why", help_text="Colleagues read it.")


class SwapForm(forms.Form):
    """Two shifts whose people take each other's. A shift is named by its end."""

    first = forms.TypedChoiceField(coerce=datetime.fromisoformat, label="The first shift")
    second = forms.TypedChoiceField(coerce=datetime.fromisoformat, label="The second shift")

    def __init__(self, *args: Any, shifts: Sequence[Shift], people: Mapping[int, User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [(row.end.isoformat(), f"{people[row.holder or 0]}, {_stretch(row)}") for row in shifts]
        for name in ("first", "second"):
            field: Any = self.fields[name]
            field.choices = offered
        if len(shifts) > 1:
            other = next((row for row in shifts if row.holder != shifts[0].holder), shifts[1])
            self.initial.setdefault("second", other.end.isoformat())


def _stretch(row: Shift) -> str:
    """From when to when, without the second day where it is the first one."""
    begins, ends = timezone.localtime(row.start), timezone.localtime(row.end)
    last = "H:i" if begins.date() == ends.date() else "D j M H:i"
    return f"{dateformat.format(begins, 'D j M H:i')} to {dateformat.format(ends, last)}"


class AbsenceForm(forms.Form):
    """When somebody is away; managers choose who."""

    user = forms.ModelChoiceField(User.objects.none(), to_field_name="username", label="Who", empty_label=None)
    start = MomentField(label="Away from")
    end = MomentField(label="Until")
    note = forms.CharField(
        max_length=200, required=False, label="Note", help_text="Read by the person and their managers alone."
    )

    def __init__(self, *args: Any, people: QuerySet[User], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user: Any = self.fields["user"]
        user.queryset = people
        if people.count() == 1:
            user.widget = user.hidden_widget()


def people_for(user: User) -> QuerySet[User]:
    """Whose absences a person may enter."""
    people = User.objects.active().order_by("name", "username")
    if user.has_role(Role.MANAGER):
        return people
    managed = user.memberships.filter(is_manager=True).values("team")
    return people.filter(pk__in=User.objects.filter(teams__in=managed).order_by().values("pk")) | people.filter(
        pk=user.pk
    )


def coming_day(now: datetime) -> tuple[datetime, datetime]:
    """What an absence is offered for: the whole of tomorrow, where the reader is."""
    day = timezone.localdate(now) + timedelta(days=1)
    begins, ends = (
        timezone.make_aware(datetime.combine(each, time.min))  # noqa: DTZ001 - made aware here
        for each in (day, day + timedelta(days=1))
    )
    return begins, ends
