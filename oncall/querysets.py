"""Reads of schedules and escalation policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from oncall.models import EscalationPolicy, Override, Schedule  # noqa: F401 - named in strings


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    """Reads of schedules."""

    def visible_to(self, user: User) -> ScheduleQuerySet:
        """Every signed-in person may see who is on call."""
        return self


class OverrideQuerySet(models.QuerySet["Override"]):
    """Reads of overrides."""

    def visible_to(self, user: User) -> OverrideQuerySet:
        """Every signed-in person may see who is on call."""
        return self

    def within(self, start: datetime, end: datetime | None = None) -> OverrideQuerySet:
        """Those that touch an interval, or have not ended at its start where it has no end; the newest last."""
        rows = self.filter(ends_at__gt=start)
        return (rows if end is None else rows.filter(starts_at__lt=end)).order_by("id")


class EscalationPolicyQuerySet(models.QuerySet["EscalationPolicy"]):
    """Reads of escalation policies."""

    def visible_to(self, user: User) -> EscalationPolicyQuerySet:
        """Every signed-in person may see who is paged."""
        return self

    def with_steps(self) -> EscalationPolicyQuerySet:
        """With steps and targets, for showing or running a whole policy."""
        named = ("steps__targets__user", "steps__targets__team__members", "steps__targets__schedule")
        return self.prefetch_related(*named)

    def for_list(self) -> EscalationPolicyQuerySet:
        """With what a row of the list shows: the team, the steps, and how many services use it."""
        rows: EscalationPolicyQuerySet = self.with_steps().select_related("team")
        return rows.annotate(service_count=Count("services"))
