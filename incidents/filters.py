"""The list's filters, as they stand in its address."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Team
from catalog.models import Service
from core.together import together
from incidents import search
from incidents.fetching import number_of
from incidents.forms import people
from incidents.models import AffectedService, Incident, Severity, Status
from incidents.querysets import is_there

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from incidents.querysets import IncidentQuerySet

MOST_COUNTED_OF_SOME = 1_000  # what filters let through lies scattered, and is dearer to count
MOST_COUNTED_BY_SERVICE = 200  # dearer still: for each incident, its services have to be looked up
ME, NOBODY, MINE = "me", "none", "mine"
NAMES = ("service", "team", "assignee")
YEARS = range(1970, 3000)


class TextField(forms.CharField):
    """Words to search for, or the number of an incident."""

    def validate(self, value: str) -> None:
        """A text that is neither finds nothing, which deserves a word."""
        super().validate(value)
        if value and "\x00" not in value and not search.words_of(value):
            raise ValidationError("Type at least one word or a number; there is only punctuation.", code="no_words")


class TextFilter(django_filters.Filter):
    """Filters by words and number."""

    field_class = TextField


class NameField(forms.ChoiceField):
    """One of the offered names, or any other that exists: people leave and links stay."""

    def valid_value(self, value: str) -> bool:
        """Whether an incident could have it; what does not exist simply finds nothing."""
        return len(value) <= 150 and "\x00" not in value


class NameFilter(django_filters.Filter):
    """Filters by a slug or a username; the offers are read when the form is shown, after those that are ``first``."""

    def __init__(self, *first: tuple[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.first = first

    @property
    def field(self) -> NameField:
        """The form's field; its offers are the filter set's."""
        return NameField(
            label=self.label,
            required=False,
            choices=lambda: [*self.first, *self.parent.offers[self.field_name]],
        )


class DayField(forms.DateField):
    """A day, as 2026-10-14."""

    def __init__(self, **options: Any) -> None:
        messages = {"invalid": "Write a date as 2026-10-14."}
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(input_formats=["%Y-%m-%d"], widget=widget, error_messages=messages, **options)

    def validate(self, value: date | None) -> None:
        """Days around which there is a day before and a day after in every time zone."""
        super().validate(value)
        if value and value.year not in YEARS:
            raise ValidationError(f"Choose a year from {YEARS[0]} to {YEARS[-1]}.", code="year")


class DayFilter(django_filters.Filter):
    """Filters by a day of the reader's time zone."""

    field_class = DayField


class _Tick(forms.CheckboxInput):
    """A box that an address may also leave empty by saying so."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> bool:
        return str(data.get(name, "")).lower() not in ("", "0", "false", "no", "off")


class TickField(forms.BooleanField):
    """Ticked or not."""

    widget = _Tick


class TickFilter(django_filters.Filter):
    """Filters when it is ticked."""

    field_class = TickField


class IncidentFilter(django_filters.FilterSet):
    """Everything that narrows the list, but for the tab."""

    q = TextFilter(method="by_text", max_length=200, label="Words or INC number")
    severity = django_filters.ChoiceFilter(method="by_severity", choices=Severity.choices, empty_label="Any severity")
    status = django_filters.ChoiceFilter(method="by_status", choices=Status.choices, empty_label="Any status")
    service = NameFilter(("", "Any service"), method="by_service", label="Service")
    team = NameFilter(("", "Any team"), (MINE, "My teams"), method="by_team", label="Team")
    assignee = NameFilter(("", "Any assignee"), (ME, "Me"), (NOBODY, "Nobody"), method="by_assignee", label="Assignee")
    mine = TickFilter(method="by_mine", label="Mine")
    since = DayFilter(method="by_since", label="Created since")
    until = DayFilter(method="by_until", label="Created until")

    class Meta:
        model = Incident
        fields = ("q", "severity", "status", "service", "team", "assignee", "mine", "since", "until")

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.data.get(name) for name in self.filters)

    @property
    def chosen(self) -> int:
        """How many of the folded filters are set; the text stands beside them."""
        return sum(bool(self.data.get(name)) for name in self.filters if name != "q")

    @cached_property
    def offers(self) -> dict[str, list[tuple[str, str]]]:
        """The names to choose from, read in one statement."""
        found = together(
            service=Service.objects.only("slug", "name").order_by("name", "slug"),
            team=Team.objects.only("slug", "name").order_by("name", "slug"),
            assignee=people().only("username", "name"),
        )
        keys = {"service": "slug", "team": "slug", "assignee": "username"}
        return {name: [(row[key], row["name"] or row[key]) for row in found.plain(name)] for name, key in keys.items()}

    def filter_queryset(self, rows: IncidentQuerySet) -> IncidentQuerySet:
        """What the filters let through. A wrong one is left out, but a text without words finds nothing, and neither
        does what cannot be a name."""
        found: IncidentQuerySet = super().filter_queryset(rows)
        if self.form.has_error("q", "no_words") or any(map(self.form.has_error, NAMES)):
            return found.none()
        if self.is_narrowed:
            found.count_at_most(MOST_COUNTED_OF_SOME)
        return found

    def by_text(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """A number finds its incident, and both find words of the title, the description and the notes; the last word
        may be unfinished, as in the search box."""
        query = search.query_for(value, as_typed=True)
        number = number_of(value) or number_of(f"INC-{value.removeprefix('#')}")
        return rows.matching(query, number=number) if query else rows.none()

    def by_severity(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """Those of a severity; by its rank, whose index has the newest first."""
        return rows.filter(severity_rank=Severity.values.index(value))

    def by_status(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """Those in a status; by its rank, whose index has the newest first."""
        return rows.filter(status_rank=Status.values.index(value))

    def by_service(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """Those that touch the service."""
        return _by_service(rows, Exists(_links_to(Service.objects.filter(slug=value))))

    def by_team(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """Those that touch a service of the team, or of one's own teams."""
        services = self._of_my_teams() if value == MINE else Service.objects.filter(team__slug=value)
        return _by_service(rows, Exists(_links_to(services)))

    def by_assignee(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """One's own, nobody's, or somebody's."""
        if value == NOBODY:
            return rows.filter(assignee=None)
        return rows.filter(assignee=self.request.user) if value == ME else rows.filter(assignee__username=value)

    def by_mine(self, rows: IncidentQuerySet, _name: str, value: bool) -> IncidentQuerySet:
        """Those that one is assigned to, and those that touch a service of one's teams."""
        if not value:
            return rows
        touching = is_there(_links_to(self._of_my_teams()))
        return _by_service(rows, Q(assignee=self.request.user) | Q(touching))

    def by_since(self, rows: IncidentQuerySet, _name: str, value: date) -> IncidentQuerySet:
        """Created on that day or later."""
        return rows.filter(created_at__gte=_beginning_of(value))

    def by_until(self, rows: IncidentQuerySet, _name: str, value: date) -> IncidentQuerySet:
        """Created on that day or earlier."""
        return rows.filter(created_at__lt=_beginning_of(value + timedelta(days=1)))

    def _of_my_teams(self) -> QuerySet[Service]:
        return Service.objects.filter(team__memberships__user=self.request.user)


def _by_service(rows: IncidentQuerySet, condition: Any) -> IncidentQuerySet:
    """The rows of a condition that asks for the services of each."""
    found = rows.filter(condition)
    found.count_at_most(MOST_COUNTED_BY_SERVICE)
    return found


def _links_to(services: QuerySet[Service]) -> Any:
    """What ties an incident to one of some services. These are read here: PostgreSQL knows how common a service is,
    but not one that it would first have to find."""
    keys = list(services.values_list("pk", flat=True))
    return AffectedService.objects.filter(incident=OuterRef("pk"), service_id__in=keys)


def _beginning_of(day: date) -> datetime:
    """The first moment of a day where the reader is."""
    return timezone.make_aware(datetime.combine(day, time.min))
