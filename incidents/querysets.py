"""Reads of incidents."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.db.models.functions import Cast, Concat

from accounts.models import Membership
from notifications.models import Notification

if TYPE_CHECKING:
    from datetime import datetime

    from django.contrib.postgres.search import SearchQuery

    from accounts.models import User
    from incidents.models import Incident  # noqa: F401 - named in strings

OPEN_STATUSES = ("triggered", "acknowledged", "investigating", "mitigating")


class IncidentQuerySet(models.QuerySet["Incident"]):
    """Reads of incidents; everything that is shown goes through ``visible_to``."""

    def visible_to(self, user: User) -> IncidentQuerySet:
        """Public ones; private ones to admins, the assignee, who declared it, its teams, and who was told of it."""
        if user.is_staff:
            return self
        topic = Concat(Value("incident/"), Cast(OuterRef("pk"), models.TextField()))
        told = Notification.objects.filter(user=user, topic=topic)
        in_team = Membership.objects.filter(user=user, team__services__incident_links__incident=OuterRef("pk"))
        concerned = Q(assignee=user) | Q(created_by=user) | Exists(told) | Exists(in_team)
        return self.filter(Q(is_private=False) | concerned)

    def open(self) -> IncidentQuerySet:
        """Still being worked on."""
        return self.filter(status__in=OPEN_STATUSES, merged_into=None)

    def recent(self, *, now: datetime, days: int = 14) -> IncidentQuerySet:
        """Open, or created in the last ``days``."""
        since = now - timedelta(days=days)
        return self.filter(Q(status__in=OPEN_STATUSES) | Q(created_at__gte=since))

    def matching(self, query: SearchQuery) -> IncidentQuerySet:
        """Whose title, description and notes have the words of a search (``incidents.search.query_for``)."""
        return self.filter(document=query)

    def for_list(self) -> IncidentQuerySet:
        """With what a row of the list shows; four queries, whatever the number of rows.

        The assignee is not joined: a join makes PostgreSQL sort everything where it misjudges how many rows follow
        a cursor, instead of reading the index in its order.
        """
        return self.prefetch_related("assignee", "affected_services", "clocks")


class IncidentManager(models.Manager.from_queryset(IncidentQuerySet)):  # type: ignore[misc]
    """Leaves the words that only searches read where they are, and locks incidents before they are changed."""

    def get_queryset(self) -> IncidentQuerySet:
        """Incidents without their documents."""
        rows: IncidentQuerySet = super().get_queryset().defer("note_words", "document")
        return rows

    def locked(self, pk: int) -> Any:
        """The incident, locked for this transaction. Raises Incident.DoesNotExist."""
        return self.select_for_update(of=("self",)).get(pk=pk)
