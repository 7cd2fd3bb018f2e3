"""Reads of what figures are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import OuterRef, Q

from incidents.models import Incident
from incidents.querysets import is_there

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

COUNTED = "counted"


class OfIncidentQuerySet(models.QuerySet[Any]):
    """Rows that are seen by whoever sees their incident."""

    def visible_to(self, user: User) -> Self:
        """What is not private, and what the person may see of the rest."""
        if user.is_staff:
            return self
        seen = Incident.objects.visible_to(user).filter(pk=OuterRef("incident_id"))
        return self.filter(Q(is_private=False) | Q(is_there(seen)))  # few are private: they are looked up one by one


class FactQuerySet(OfIncidentQuerySet):
    """Reads of facts. An incident that was deleted a moment ago may still have one."""

    def within(self, start: datetime, end: datetime) -> FactQuerySet:
        """Of incidents created from ``start`` on and before ``end``."""
        return self.filter(created_at__gte=start, created_at__lt=end)

    def counted(self) -> FactQuerySet:
        """Without duplicates that were merged into others, and what somebody has left out."""
        return self.filter(standing=COUNTED)


class EverybodysQuerySet(models.QuerySet[Any]):
    """Reads of sums and settings that hold nothing private."""

    def visible_to(self, user: User) -> Self:
        """Every signed-in person sees them."""
        return self


class OwnQuerySet(models.QuerySet[Any]):
    """Reads of what belongs to one person."""

    def visible_to(self, user: User) -> Self:
        """One's own; admins see all."""
        return self if user.is_staff else self.filter(user=user)
