"""Reads of escalation policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count

if TYPE_CHECKING:
    from accounts.models import User
    from oncall.models import EscalationPolicy  # noqa: F401 - named in strings


class EscalationPolicyQuerySet(models.QuerySet["EscalationPolicy"]):
    """Reads of escalation policies."""

    def visible_to(self, user: User) -> EscalationPolicyQuerySet:
        """Every signed-in person may see who is paged."""
        return self

    def with_steps(self) -> EscalationPolicyQuerySet:
        """With steps and targets, for showing or running a whole policy."""
        return self.prefetch_related("steps__targets__user", "steps__targets__team__members")

    def for_list(self) -> EscalationPolicyQuerySet:
        """With what a row of the list shows: the team, the steps, and how many services use it."""
        rows: EscalationPolicyQuerySet = self.with_steps().select_related("team")
        return rows.annotate(service_count=Count("services"))
