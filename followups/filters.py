"""What the list of follow-ups can be narrowed by, as it stands in its address."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import django_filters
from django.core.exceptions import ValidationError
from django.utils import timezone

from accounts.models import Team
from catalog.models import Service
from core.together import together
from followups.listing import AGES, created_within
from incidents.fetching import number_of
from incidents.filters import ME, MINE, NOBODY, NameField, NameFilter
from incidents.forms import people
from incidents.models import ActionItem, Severity

if TYPE_CHECKING:
    from incidents.models.communication import ActionItemQuerySet

NONE = "none"
KINDS = [*ActionItem.Kind.choices, (NONE, "No kind")]


class ReferenceField(NameField):
    """The number of an incident."""

    def validate(self, value: str) -> None:
        """Only what names one."""
        if value and number_of(value) is None:
            raise ValidationError("Write an incident as INC-42.")


class ReferenceFilter(django_filters.Filter):
    """Filters by an incident."""

    field_class = ReferenceField


class ScopeFilter(django_filters.FilterSet):
    """What the figures above the list speak of: whose, after which incidents, of which kind."""

    team = NameFilter(("", "Any team"), (MINE, "My teams"), (NONE, "No team"), method="by_team", label="Team")
    service = NameFilter(("", "Any service"), method="by_service", label="Service")
    severity = django_filters.ChoiceFilter(method="by_severity", choices=Severity.choices, empty_label="Any severity")
    kind = django_filters.ChoiceFilter(method="by_kind", choices=KINDS, empty_label="Any kind")
    incident = ReferenceFilter(method="by_incident", label="Incident")

    class Meta:
        model = ActionItem
        fields = ("team", "service", "severity", "kind", "incident")

    @property
    def is_narrowed(self) -> bool:
        """Whether any filter is set."""
        return any(self.data.get(name) for name in self.filters)

    @property
    def chosen(self) -> int:
        """How many are."""
        return sum(bool(self.data.get(name)) for name in self.filters)

    @cached_property
    def offers(self) -> dict[str, list[tuple[str, str]]]:
        """The names to choose from, read in one statement."""
        found = together(
            service=Service.objects.only("slug", "name").order_by("name", "slug"),
            team=Team.objects.only("slug", "name").order_by("name", "slug"),
            owner=people().only("username", "name"),
        )
        keys = {"service": "slug", "team": "slug", "owner": "username"}
        return {name: [(row[key], row["name"] or row[key]) for row in found.plain(name)] for name, key in keys.items()}

    def filter_queryset(self, rows: ActionItemQuerySet) -> ActionItemQuerySet:
        """What the filters let through. A wrong one is left out, and what cannot be a name finds nothing."""
        found: ActionItemQuerySet = super().filter_queryset(rows)
        names = ("team", "service", "owner")
        return found.none() if any(map(self.form.has_error, names)) else found

    def by_team(self, rows: ActionItemQuerySet, _name: str, value: str) -> ActionItemQuerySet:
        """After incidents of services of a team, of one's own teams, or of none."""
        if value == NONE:
            return rows.without_team()
        if value == MINE:
            return rows.of_services(Service.objects.filter(team__memberships__user=self.request.user))
        return rows.of_services(Service.objects.filter(team__slug=value))

    def by_service(self, rows: ActionItemQuerySet, _name: str, value: str) -> ActionItemQuerySet:
        """After incidents that touched a service."""
        return rows.of_services(Service.objects.filter(slug=value))

    def by_severity(self, rows: ActionItemQuerySet, _name: str, value: str) -> ActionItemQuerySet:
        """After incidents as bad as that."""
        return rows.of_severity(value)

    def by_kind(self, rows: ActionItemQuerySet, _name: str, value: str) -> ActionItemQuerySet:
        """Of a kind, or of none."""
        return rows.filter(kind="" if value == NONE else value)

    def by_incident(self, rows: ActionItemQuerySet, _name: str, value: str) -> ActionItemQuerySet:
        """Of one incident."""
        return rows.filter(incident=number_of(value))


class FollowUpFilter(ScopeFilter):
    """Everything that narrows the list, but for its tab."""

    owner = NameFilter(("", "Any owner"), (ME, "Me"), (NOBODY, "Nobody"), method="by_owner", label="Owner")
    age = django_filters.ChoiceFilter(
        method="by_age", choices=[(key, label) for key, (label, _, _) in AGES.items()], empty_label="Any age"
    )

    class Meta:
        model = ActionItem
        fields = ("owner", "team", "service", "severity", "kind", "age", "incident")

    def by_owner(self, rows: ActionItemQuerySet, _name: str, value: str) -> ActionItemQuerySet:
        """One's own, nobody's, or somebody's."""
        if value == NOBODY:
            return rows.filter(owner=None)
        return rows.filter(owner=self.request.user) if value == ME else rows.filter(owner__username=value)

    def by_age(self, rows: ActionItemQuerySet, _name: str, value: str) -> ActionItemQuerySet:
        """Written down so long ago."""
        return rows.filter(**created_within(value, now=timezone.now()))
