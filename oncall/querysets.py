"""Reads of escalation policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from accounts.models import User


class EscalationPolicyQuerySet(models.QuerySet[Any]):
    """Reads of escalation policies."""

    def visible_to(self, user: User) -> EscalationPolicyQuerySet:
        """Every signed-in person may see who is paged."""
        return self

    def with_steps(self) -> EscalationPolicyQuerySet:
        """With steps and targets, for showing or running a whole policy."""
        return self.prefetch_related("steps__targets__user", "steps__targets__team__members")
