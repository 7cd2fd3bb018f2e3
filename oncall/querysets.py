"""Reads of schedules and escalation policies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count, Q

from accounts.models import Team

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from oncall.models import (  # noqa: F401 - named in strings
        Absence,
        CalendarSource,
        CoverRequest,
        EscalationPolicy,
        Feed,
        ImportedTurn,
        Override,
        Schedule,
    )


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


class CoverRequestQuerySet(models.QuerySet["CoverRequest"]):
    """Reads of requests for cover."""

    def visible_to(self, user: User) -> CoverRequestQuerySet:
        """Every signed-in person may see who is on call, and so who asks for cover."""
        return self

    def open(self, now: datetime) -> CoverRequestQuerySet:
        """Those that can still be taken, with what a line about them shows."""
        rows = self.filter(taken_at=None, withdrawn_at=None, ends_at__gt=now)
        return rows.select_related("user", "schedule__team").order_by("starts_at", "id")

    def concerning(self, user: User) -> CoverRequestQuerySet:
        """A person's own, and those of the schedules whose turns they take or whose team they are in."""
        mine = Q(schedule__layers__participants__user=user) | Q(schedule__team__members=user)
        return self.filter(pk__in=self.model._default_manager.filter(mine | Q(user=user)).order_by().values("pk"))


class AbsenceQuerySet(models.QuerySet["Absence"]):
    """Reads of when people are away."""

    def visible_to(self, user: User) -> AbsenceQuerySet:
        """Colleagues may see who is away and when; why is for the person and their managers."""
        return self

    def within(self, start: datetime, end: datetime | None = None) -> AbsenceQuerySet:
        """Those that touch an interval, or have not ended at its start where it has no end."""
        rows = self.filter(ends_at__gt=start)
        return (rows if end is None else rows.filter(starts_at__lt=end)).order_by("starts_at", "id")


class FeedQuerySet(models.QuerySet["Feed"]):
    """Reads of calendar feeds."""

    def visible_to(self, user: User) -> FeedQuerySet:
        """The own one, and those of schedules that the person manages."""
        schedules = Q(schedule__team__in=Team.objects.managed_by(user))
        if user.manages(None):
            schedules = Q(schedule__isnull=False)
        return self.filter(Q(user=user) | schedules)

    def in_use(self) -> FeedQuerySet:
        """Those that nobody has revoked."""
        return self.filter(revoked_at=None)


class CalendarSourceQuerySet(models.QuerySet["CalendarSource"]):
    """Reads of calendars that others keep."""

    def visible_to(self, user: User) -> CalendarSourceQuerySet:
        """Their addresses are often secret: only who manages the schedule."""
        if user.manages(None):
            return self
        return self.filter(schedule__team__in=Team.objects.managed_by(user))

    def due(self, now: datetime) -> CalendarSourceQuerySet:
        """Those that are to be read, the longest due first."""
        return self.filter(due_at__lte=now).order_by("due_at", "id")


class ImportedTurnQuerySet(models.QuerySet["ImportedTurn"]):
    """Reads of turns that came from calendars."""

    def visible_to(self, user: User) -> ImportedTurnQuerySet:
        """Every signed-in person may see who is on call."""
        return self

    def within(self, start: datetime, end: datetime | None = None) -> ImportedTurnQuerySet:
        """Those that touch an interval, or have not ended at its start where it has no end."""
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
