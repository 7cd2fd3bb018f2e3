"""The list's filters, as they stand in its address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q

from accounts.models import Membership, Team
from catalog.models import Service
from incidents.fetching import number_of
from incidents.forms import people
from incidents.models import AffectedService, Incident, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from incidents.querysets import IncidentQuerySet

ME, NOBODY, MINE = "me", "none", "mine"


class NameField(forms.ChoiceField):
    """One of the offered names, or any other that exists: people leave and links stay."""

    def valid_value(self, value: str) -> bool:
        """Whether an incident could have it; what does not exist simply finds nothing."""
        return len(value) <= 150 and "\x00" not in value


class NameFilter(django_filters.Filter):
    """Filters by a slug or a username; the offers are read when the form is shown."""

    field_class = NameField

    def __init__(self, offers: Callable[[], Iterable[tuple[str, str]]], **options: Any) -> None:
        super().__init__(choices=offers, required=False, **options)


def _services() -> Iterator[tuple[str, str]]:
    yield "", "Any service"
    yield from Service.objects.order_by("name", "slug").values_list("slug", "name")


def _teams() -> Iterator[tuple[str, str]]:
    yield "", "Any team"
    yield MINE, "My teams"
    yield from Team.objects.order_by("name", "slug").values_list("slug", "name")


def _people() -> Iterator[tuple[str, str]]:
    yield "", "Any assignee"
    yield ME, "Me"
    yield NOBODY, "Nobody"
    yield from ((person.username, str(person)) for person in people())


class IncidentFilter(django_filters.FilterSet):
    """Everything that narrows the list, but for the tab."""

    q = django_filters.CharFilter(method="by_text", max_length=200, label="Title or INC number")
    severity = django_filters.ChoiceFilter(choices=Severity.choices, empty_label="Any severity")
    status = django_filters.ChoiceFilter(choices=Status.choices, empty_label="Any status")
    service = NameFilter(_services, method="by_service", label="Service")
    team = NameFilter(_teams, method="by_team", label="Team")
    assignee = NameFilter(_people, method="by_assignee", label="Assignee")

    class Meta:
        model = Incident
        fields = ("q", "severity", "status", "service", "team", "assignee")

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.data.get(name) for name in self.filters)

    @property
    def chosen(self) -> int:
        """How many of the folded filters are set; the text stands beside them."""
        return sum(bool(self.data.get(name)) for name in self.filters if name != "q")

    def by_text(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """A number finds its incident, and both find words of the title."""
        if "\x00" in value:
            raise ValidationError("Null characters are not allowed.")
        number = number_of(value) or number_of(f"INC-{value.removeprefix('#')}")
        return rows.filter(Q(title__icontains=value) | Q(pk=number)) if number else rows.filter(title__icontains=value)

    def by_service(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """Those that touch the service."""
        return rows.filter(Exists(_links().filter(service__slug=value)))

    def by_team(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """Those that touch a service of the team, or of one's own teams."""
        if value == MINE:
            mine = Membership.objects.filter(user=self.request.user).values("team")
            return rows.filter(Exists(_links().filter(service__team__in=mine)))
        return rows.filter(Exists(_links().filter(service__team__slug=value)))

    def by_assignee(self, rows: IncidentQuerySet, _name: str, value: str) -> IncidentQuerySet:
        """One's own, nobody's, or somebody's."""
        if value == NOBODY:
            return rows.filter(assignee=None)
        return rows.filter(assignee=self.request.user) if value == ME else rows.filter(assignee__username=value)


def _links() -> Any:
    return AffectedService.objects.filter(incident=OuterRef("pk"))
