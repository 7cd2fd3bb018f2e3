"""The page of what is behind a number, from the words of its address to its rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError

from core.pagination import BadCursor
from incidents.filters import DayField
from metrics import drilldown, loads, wording
from metrics.charts import DAY_NAMES
from metrics.drilldown import NEWEST, OFF, SORTS
from metrics.measures import BY_KEY, MEASURES
from metrics.models import WEEK_HOURS, Fact

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from accounts.models import User
    from core.pagination import Page
    from incidents.models import Incident
    from metrics.figures import Figures
    from metrics.measures import Measure
    from metrics.questions import Question

RESPONSES = dict(Fact.Promise.choices)
# The numbers that are the n of a mean, a median and a percentile, and the values that these are of.
_SAMPLES = {"acknowledged": "acknowledge", "resolved": "resolve"}


class BehindForm(forms.Form):
    """Which number of a question is meant: its name, and a week or an hour of the week where it is of only one, or that
    it is of the hours outside working hours."""

    of = forms.ChoiceField(
        choices=[(measure.key, measure.key) for measure in MEASURES],
        required=False,
        error_messages={"invalid_choice": "There is no number “%(value)s”. Come here from a number on a page."},
    )
    week = DayField(required=False)
    hour = forms.IntegerField(
        required=False,
        error_messages={"invalid": "Write the hour of the week as a number from 0 (Monday, 00:00) to 167."},
    )
    hours = forms.ChoiceField(
        choices=[(OFF, "Outside working hours")],
        required=False,
        error_messages={"invalid_choice": "There are no hours “%(value)s”: write off for those outside working hours."},
    )
    sort = forms.ChoiceField(choices=list(SORTS.items()), required=False)

    def clean_week(self) -> date | None:
        """A Monday."""
        week: date | None = self.cleaned_data["week"]
        if week and week.weekday():
            monday = week - timedelta(days=week.weekday())
            raise ValidationError(f"A week is named by its Monday, such as {monday}.")
        return week

    def clean_hour(self) -> int | None:
        """One of the hours of a week."""
        hour: int | None = self.cleaned_data["hour"]
        if hour is not None and not 0 <= hour < WEEK_HOURS:
            raise ValidationError("Write the hour of the week as a number from 0 (Monday, 00:00) to 167.")
        return hour

    def asked(self) -> Asked:
        """What is meant; only of a valid form. An order that the number has not is the usual one."""
        found = self.cleaned_data
        measure = BY_KEY[found["of"] or "incidents"]
        sort = found["sort"] if found["sort"] in drilldown.sorts(measure) else NEWEST
        return Asked(measure, found["week"], found["hour"], sort, is_off=found["hours"] == OFF)


@dataclass(frozen=True, slots=True)
class Asked:
    """One number of a question, and the order of what is behind it; ``is_off`` where only what began outside the site's
    working hours counts."""

    measure: Measure
    week: date | None = None
    hour: int | None = None
    sort: str = NEWEST
    is_off: bool = False

    def rows(self, figures: Figures) -> QuerySet[Fact]:
        """The facts behind it."""
        hours = loads.working_hours()[1] if self.is_off else range(WEEK_HOURS)
        return drilldown.rows(figures, self.measure, week=self.week, hour=self.hour, hours=hours)

    @property
    def parts(self) -> dict[str, str]:
        """What of the address says it."""
        given = {"of": self.measure.key, "week": self.week, "hour": self.hour, "hours": OFF if self.is_off else None}
        return {name: str(value) for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Taken:
    """Something that the rows are narrowed to: the name of its part of the address, and its words."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """An incident behind the number. ``incident`` is None where it was deleted, or made private, a moment ago."""

    fact: Fact
    incident: Incident | None
    acknowledged: str
    resolved: str
    response: str
    amount: str

    @property
    def target(self) -> str:
        """The number of the incident that it was merged into, as text."""
        return str(self.incident.merged_into_id or "") if self.incident else ""

    @property
    def is_changing(self) -> bool:
        """Whether it was left out, or counted again, since the figures were made."""
        return self.incident is not None and self.incident.excluded_from_metrics != (
            self.fact.standing == Fact.Standing.EXCLUDED
        )


@dataclass(frozen=True, slots=True)
class Behind:
    """Everything that the page shows."""

    title: str
    definition: str
    total: str
    sample: str
    taken: list[Taken]
    sorts: dict[str, str]
    sort: str
    amount_label: str
    rows: list[Row]
    page: Page[Fact]


def read(user: User, question: Question, asked: Asked, *, cursor: str | None) -> Behind:
    """What is behind a number for somebody; a cursor of another list leads to the first page."""
    figures, measure = question.figures(user), asked.measure
    rows = asked.rows(figures)
    label, definition = drilldown.words(measure)
    narrowed = taken(question, week=asked.week, hour=asked.hour, is_off=asked.is_off)
    try:
        page = drilldown.page(rows, measure, user=user, sort=asked.sort, cursor=cursor)
    except BadCursor:
        page = drilldown.page(rows, measure, user=user, sort=asked.sort)
    return Behind(
        title=", ".join([label, *(part.label for part in narrowed), wording.days(question.period)]),
        definition=definition,
        total=_total(rows, measure),
        sample=_sample(figures, asked),
        taken=narrowed,
        sorts=drilldown.sorts(measure),
        sort=asked.sort,
        amount_label=_amount_label(measure),
        rows=[_row(fact, measure) for fact in page.items],
        page=page,
    )


def taken(question: Question, *, week: date | None, hour: int | None, is_off: bool = False) -> list[Taken]:
    """What the rows are narrowed to, besides the days."""
    narrowing = question.narrowing
    found = {
        "severity": narrowing.severity,
        "service": str(narrowing.service or ""),
        "team": str(narrowing.team or ""),
        "factor": str(narrowing.factor or ""),
        "week": f"week {week:%G-W%V}, from {wording.day(week, year=True)}" if week else "",
        "hour": hour_words(hour) if hour is not None else "",
        "hours": f"outside {loads.working_hours()[0]}" if is_off else "",
    }
    return [Taken(name, label) for name, label in found.items() if label]


def hour_words(hour: int) -> str:
    """Mondays, 03:00 to 04:00."""
    day, at = divmod(hour, 24)
    return f"{DAY_NAMES[day]}s, {at:02}:00 to {at + 1:02}:00"


def _total(rows: QuerySet[Fact], measure: Measure) -> str:
    count, total = drilldown.totals(rows, measure)
    of = wording.plural(count, "incident")
    if not measure.amount:
        return of
    if drilldown.is_length(measure):
        return f"{wording.length(total)} of {of}"
    return f"{wording.plural(total, measure.unit.removesuffix('s'))} of {of}"


def _amount_label(measure: Measure) -> str:
    if measure.amount in ("", "acknowledge_us", "resolve_us"):  # they have columns of their own
        return ""
    return drilldown.words(measure)[0].removesuffix(", added up")


def _sample(figures: Figures, asked: Asked) -> str:
    """The mean, the median and the percentile whose n the number is."""
    name = _SAMPLES.get(asked.measure.key)
    if name is None or asked.hour is not None or asked.is_off:
        return ""
    sample = figures.sample_of(name, week=asked.week)
    if not sample.n:
        return ""
    return (
        f"Median {wording.length(sample.median)}, mean {wording.length(sample.mean)}, "
        f"90th percentile {wording.length(sample.p90)}"
    )


def _row(fact: Fact, measure: Measure) -> Row:
    amount: Any = getattr(fact, measure.amount) if _amount_label(measure) else None
    is_length = drilldown.is_length(measure)
    return Row(
        fact=fact,
        incident=drilldown.incident_of(fact),
        acknowledged=wording.length(fact.acknowledge_us) if fact.acknowledge_us is not None else "",
        resolved=wording.length(fact.resolve_us) if fact.resolve_us is not None else "",
        response=RESPONSES[fact.response] if fact.response else "",
        amount="" if amount is None else wording.length(amount) if is_length else wording.number(amount),
    )
