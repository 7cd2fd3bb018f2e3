"""Reads of runbooks and their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import DateTimeField, ExpressionWrapper, F, Func, Q, Value
from django.db.models.functions import Coalesce

from accounts.models import Role, Team
from incidents.models import Incident

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from runbooks.models import Run, Runbook, RunStep, Version  # noqa: F401 - named in strings

MOST_WORDS = 10


class RunbookQuerySet(models.QuerySet["Runbook"]):
    """Reads of runbooks."""

    def visible_to(self, user: User) -> RunbookQuerySet:
        """Every signed-in person reads every runbook."""
        return self

    def managed_by(self, user: User) -> RunbookQuerySet:
        """Those that the person may change: of the teams they manage, or all of them for a manager of the site."""
        if user.has_role(Role.MANAGER):
            return self
        return self.filter(team__in=Team.objects.managed_by(user)) if user.is_active else self.none()

    def current(self) -> RunbookQuerySet:
        """Not archived."""
        return self.filter(archived_at=None)

    def for_list(self) -> RunbookQuerySet:
        """With what a row shows: two queries, whatever the number of rows."""
        return self.select_related("team", "current_version", "reviewed_by").prefetch_related("services")

    def of_service(self, slug: str) -> RunbookQuerySet:
        """Those for a service, whether it is tied to them or only called by its slug."""
        return self.filter(Q(services__slug=slug) | Q(service_slugs__contains=[slug])).distinct()

    def matching(self, words: str) -> RunbookQuerySet:
        """Whose newest text has all of the words, as parts of words too."""
        rows = self
        for word in words.split()[:MOST_WORDS]:
            rows = rows.filter(Q(current_version__text__icontains=word) | Q(slug__icontains=word))
        return rows

    def stale(self, *, now: datetime) -> RunbookQuerySet:
        """Whose last review is longer ago than they ask for."""
        days = Func(Value(0), Value(0), Value(0), F("review_every_days"), function="make_interval")
        due = ExpressionWrapper(Coalesce("reviewed_at", "created_at") + days, output_field=DateTimeField())
        return self.alias(due=due).filter(due__lt=now)


class VersionQuerySet(models.QuerySet["Version"]):
    """Reads of versions."""

    def visible_to(self, user: User) -> VersionQuerySet:
        """Every signed-in person reads every runbook, also as it was."""
        return self


class RunQuerySet(models.QuerySet["Run"]):
    """Reads of runs."""

    def visible_to(self, user: User) -> RunQuerySet:
        """Those at incidents that the person may see."""
        return self.filter(incident__in=Incident.objects.visible_to(user))

    def unfinished(self) -> RunQuerySet:
        """Those with something left to do."""
        return self.filter(finished_at=None)

    def with_steps(self) -> RunQuerySet:
        """With everything that a run shows; two queries, whatever the number of runs."""
        rows = self.select_related("incident", "runbook", "version", "started_by")
        return rows.prefetch_related("steps__by")


class RunStepQuerySet(models.QuerySet["RunStep"]):
    """Reads of a run's steps."""

    def visible_to(self, user: User) -> RunStepQuerySet:
        """Those at incidents that the person may see."""
        return self.filter(run__incident__in=Incident.objects.visible_to(user))
