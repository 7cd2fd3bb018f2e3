"""Reads of services."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from accounts.models import User


class ServiceQuerySet(models.QuerySet[Any]):
    """Reads of services."""

    def visible_to(self, user: User) -> ServiceQuerySet:
        """Every signed-in person sees every service."""
        return self

    def for_list(self) -> ServiceQuerySet:
        """With what the list shows of each."""
        return self.select_related("team", "escalation_policy").order_by("tier", "name", "slug")
