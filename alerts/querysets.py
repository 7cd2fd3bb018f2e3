"""Reads of integrations and alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

from incidents.models import Incident

if TYPE_CHECKING:
    from accounts.models import User


class IntegrationQuerySet(models.QuerySet[Any]):
    """Reads of integrations."""

    def visible_to(self, user: User) -> IntegrationQuerySet:
        """Every signed-in person may see which monitors report here; keys are never shown."""
        return self


class AlertQuerySet(models.QuerySet[Any]):
    """Reads of alerts."""

    def visible_to(self, user: User) -> AlertQuerySet:
        """Those of incidents that the person may see, and those of no incident."""
        if user.is_staff:
            return self
        return self.filter(Q(group=None) | Q(group__incident__in=Incident.objects.visible_to(user)))

    def for_list(self) -> AlertQuerySet:
        """With what a row of the list shows."""
        return self.select_related("integration", "group__incident").order_by("-id")

    def of_incident(self, incident: Incident) -> AlertQuerySet:
        """Those that opened or joined the incident, and those linked to it by hand."""
        own = Q(group__incident=incident)
        return self.filter(own | Q(links__incident=incident)).select_related("integration").distinct().order_by("id")
