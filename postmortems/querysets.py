"""Reads of postmortems and of what belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Prefetch, Q

from incidents.models import Incident
from incidents.querysets import UNLISTED, seen_by

if TYPE_CHECKING:
    from django.contrib.postgres.search import SearchQuery

    from accounts.models import User
    from postmortems.models import Postmortem  # noqa: F401 - named in strings

UNLISTED_OF_INCIDENT = tuple(f"incident__{name}" for name in UNLISTED)


class PostmortemQuerySet(models.QuerySet["Postmortem"]):
    """Reads of postmortems; everything that is shown goes through ``visible_to``."""

    def visible_to(self, user: User) -> PostmortemQuerySet:
        """Those of incidents that the person may see."""
        return self if user.is_staff else self.filter(seen_by(user, beside="incident__"))

    def for_list(self) -> PostmortemQuerySet:
        """With what a row of the list shows: three queries, whatever the number of rows."""
        rows = self.defer("document", *UNLISTED_OF_INCIDENT).select_related("incident", "owner")
        return rows.prefetch_related("factors", "incident__affected_services")

    def whole(self) -> PostmortemQuerySet:
        """With everything that its page shows but its discussion (``postmortems.discussion``) and history."""
        rows = self.defer("document").select_related("incident__assignee", "owner", "created_by", "published_by")
        section: Any = self.model._meta.get_field("sections").related_model
        return rows.prefetch_related(Prefetch("sections", section.objects.select_related("edited_by")), "factors")

    def matching(self, query: SearchQuery) -> PostmortemQuerySet:
        """Whose title and sections have the words of a search (``incidents.search.query_for``)."""
        return self.filter(document=query)

    def of_service(self, slug: str) -> PostmortemQuerySet:
        """Those of incidents that touched a service."""
        return self.filter(incident__affected_services__slug=slug)

    def unfinished(self) -> PostmortemQuerySet:
        """Not published."""
        return self.filter(published_at=None)


class OfPostmortemQuerySet(models.QuerySet[Any]):
    """Rows that are seen by whoever sees their postmortem."""

    def visible_to(self, user: User) -> OfPostmortemQuerySet:
        """Those of postmortems that the person may see."""
        return self if user.is_staff else self.filter(seen_by(user, beside="postmortem__incident__"))


class RevisionQuerySet(models.QuerySet[Any]):
    """Reads of what sections said."""

    def visible_to(self, user: User) -> RevisionQuerySet:
        """Those of postmortems that the person may see."""
        return self if user.is_staff else self.filter(seen_by(user, beside="section__postmortem__incident__"))


class ConfigurationQuerySet(models.QuerySet[Any]):
    """Reads of what postmortems are made with: templates and contributing factors."""

    def visible_to(self, user: User) -> ConfigurationQuerySet:
        """Every signed-in person may know them."""
        return self

    def for_incident(self, incident: Incident, team_ids: list[int]) -> ConfigurationQuerySet:
        """Templates that fit an incident: of its severity or of any, of one of its teams or of all."""
        return self.filter(
            Q(severity="") | Q(severity=incident.severity), Q(team=None) | Q(team__in=team_ids), is_active=True
        )
