"""What somebody asks of the figures, as it stands in an address: a period, another to compare with, which incidents."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.urls import reverse

from accounts.models import Team
from catalog.models import Service
from core.together import together
from incidents.filters import DayField
from incidents.models import Severity
from metrics import periods
from metrics.figures import Figures, Narrowing, sums_zone
from metrics.periods import LONGEST_DAYS, Period
from postmortems.models import Factor

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from accounts.models import User

COMPARED = {"previous": "The period before", "year": "A year earlier", "none": "Nothing"}
DEFAULT = "13w"
YEAR = timedelta(days=364)  # 52 weeks, so that Mondays are compared with Mondays


@dataclass(frozen=True, slots=True)
class Question:
    """A period, the one that it is compared with, and which incidents are meant; ``asked`` is what the address says,
    without what is empty."""

    period: Period
    against: Period | None
    narrowing: Narrowing
    asked: dict[str, str] = field(default_factory=dict)

    def figures(self, user: User | None) -> Figures:
        """What a person may know of it; without one, what is not private."""
        return Figures(user, self.period, self.narrowing, zone=self.period.zone)

    def compared(self, user: User | None) -> Figures | None:
        """What they may know of the period it is compared with."""
        return Figures(user, self.against, self.narrowing, zone=self.period.zone) if self.against else None

    def address(self, route: str, **changes: str | int) -> str:
        """The same question elsewhere, with some parts changed; an empty part goes."""
        return _address(route, {**self.asked, **changes})

    def pinned(self, route: str, *, period: Period | None = None, **changes: str | int) -> str:
        """The same, with the days themselves in place of "13 weeks": the link leads to the same days tomorrow."""
        first, last = (period or self.period).days
        kept = {name: value for name, value in self.asked.items() if name not in ("period", "from", "to", "compare")}
        return _address(route, {**kept, "from": first.isoformat(), "to": last.isoformat(), **changes})


def _address(route: str, parts: Mapping[str, str | int]) -> str:
    given = {name: str(value) for name, value in parts.items() if value != ""}
    return f"{reverse(route)}?{urlencode(given)}" if given else reverse(route)


class QuestionForm(forms.Form):
    """Reads and shows a question. Bound to the address's query; what is missing has its default."""

    period = forms.ChoiceField(choices=list(periods.CHOICES.items()), required=False)
    compare = forms.ChoiceField(choices=list(COMPARED.items()), required=False, label="Compared with")
    severity = forms.ChoiceField(choices=[("", "All severities"), *Severity.choices], required=False)
    service = forms.ChoiceField(required=False)
    team = forms.ChoiceField(required=False)
    factor = forms.ChoiceField(required=False, label="Cause")

    def __init__(self, data: Mapping[str, Any], *, now: datetime, **options: Any) -> None:
        super().__init__(data, **options)
        self.now, self.zone = now, sums_zone()
        self.fields["from"] = DayField(required=False, label="From")
        self.fields["to"] = DayField(required=False, label="To, with that day")
        self._rows = together(
            service=Service.objects.order_by("name", "slug"),
            team=Team.objects.order_by("name", "slug"),
            factor=Factor.objects.order_by("name"),
        )
        for name, key, first in (
            ("service", "slug", "services"),
            ("team", "slug", "teams"),
            ("factor", "pk", "causes"),
        ):
            offered = [(str(getattr(row, key)), str(row)) for row in self._rows[name]]
            choice: Any = self.fields[name]
            choice.choices = [("", f"All {first}"), *offered]
            choice.error_messages["invalid_choice"] = f"There is no {choice.label or name} “%(value)s”; choose another."

    def clean(self) -> dict[str, Any]:
        """Days in order, and not too many."""
        found = super().clean() or {}
        first, last = found.get("from"), found.get("to")
        if first and last and first > last:
            raise ValidationError({"to": "Choose a day that is not before the first one."})
        if first and ((last or self._today) - first).days > LONGEST_DAYS:
            raise ValidationError({"from": f"Choose at most {LONGEST_DAYS} days."})
        if first and not last and first > self._today:
            raise ValidationError({"from": "Choose a day that has begun, or say until when."})
        return found

    @property
    def _today(self) -> date:
        return periods.chosen("30d", now=self.now, zone_name=self.zone).days[1]

    def question(self) -> Question:
        """What is asked; only of a valid form."""
        found = self.cleaned_data
        period = self._period()
        rows = {name: self._chosen(name) for name in ("service", "team", "factor")}
        step = (
            periods.STEP[found["period"] or DEFAULT] if not (found["from"] or found["to"]) else periods.length(period)
        )
        against = {"none": None, "year": period.earlier(YEAR)}.get(found["compare"], period.earlier(step))
        asked = {name: str(self.data.get(name, "")) for name in self.fields if self.data.get(name)}
        return Question(period, against, Narrowing(severity=found["severity"], **rows), asked)

    def _period(self) -> Period:
        first, last = self.cleaned_data["from"], self.cleaned_data["to"]
        if not (first or last):
            return periods.chosen(self.cleaned_data["period"] or DEFAULT, now=self.now, zone_name=self.zone)
        last = last or self._today
        return Period.of_days(first or last - 29 * periods.DAY, last, self.zone)

    def _chosen(self, name: str) -> Any:
        value, key = self.cleaned_data[name], "pk" if name == "factor" else "slug"
        return next((row for row in self._rows[name] if str(getattr(row, key)) == value), None)
