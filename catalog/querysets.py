"""Reads of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import Role, Team

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from catalog.models import MaintenanceWindow, Service  # noqa: F401 - named in strings


class ServiceQuerySet(models.QuerySet["Service"]):
    """Reads of services."""

    def visible_to(self, user: User) -> ServiceQuerySet:
        """Every signed-in person sees every service."""
        return self

    def for_list(self) -> ServiceQuerySet:
        """With what the list shows of each."""
        rows = self.select_related("team", "escalation_policy").with_maintenance()
        return rows.order_by("tier", "name", "slug")

    def with_maintenance(self, *, now: datetime | None = None) -> ServiceQuerySet:
        """With ``is_in_maintenance``, which ``health_now`` reads."""
        windows: MaintenanceWindowQuerySet = apps.get_model("catalog", "MaintenanceWindow").objects.all()
        running = windows.running(now=now or timezone.now()).filter(services=OuterRef("pk"))
        return self.annotate(is_in_maintenance=Exists(running))

    def in_health(self, health: str) -> ServiceQuerySet:
        """Those whose ``health_now`` it is; of ``with_maintenance``."""
        if health == "operational":
            return self.filter(Q(health=health), Q(is_in_maintenance=False))
        if health == "maintenance":
            return self.filter(Q(health=health) | Q(health="operational", is_in_maintenance=True))
        return self.filter(health=health)

    def matching(self, word: str) -> ServiceQuerySet:
        """Those whose name or slug contains a word."""
        return self.filter(Q(name__icontains=word) | Q(slug__icontains=word))

    def managed_by(self, user: User) -> ServiceQuerySet:
        """Those that the person may change: of the teams they manage, or all of them for a manager of the site."""
        if user.has_role(Role.MANAGER):
            return self
        return self.filter(team__in=Team.objects.managed_by(user)) if user.is_active else self.none()

    def with_policy(self) -> ServiceQuerySet:
        """With the whole escalation policy and the neighbours, for the page of one service."""
        neighbours = self.model.objects.with_maintenance()
        rows: ServiceQuerySet = self.select_related("team", "escalation_policy").prefetch_related(
            "escalation_policy__steps__targets__user",
            "escalation_policy__steps__targets__team__members",
            models.Prefetch("depends_on", neighbours),
            models.Prefetch("dependents", neighbours),
        )
        return rows.with_maintenance()


class MaintenanceWindowQuerySet(models.QuerySet["MaintenanceWindow"]):
    """Reads of maintenance windows."""

    def visible_to(self, user: User) -> MaintenanceWindowQuerySet:
        """Every signed-in person sees every window."""
        return self

    def with_services(self) -> MaintenanceWindowQuerySet:
        """With the services and who announced it."""
        return self.select_related("created_by").prefetch_related("services")

    def of_services(self, services: Iterable[Service]) -> MaintenanceWindowQuerySet:
        """Those that concern one of these."""
        return self.filter(
            Exists(
                self.model.services.through.objects.filter(
                    maintenancewindow=OuterRef("pk"), service__in=[each.pk for each in services]
                )
            )
        )

    def upcoming(self, *, now: datetime) -> MaintenanceWindowQuerySet:
        """Those that have not begun."""
        return self.filter(cancelled_at=None, starts_at__gt=now)

    def running(self, *, now: datetime) -> MaintenanceWindowQuerySet:
        """Those that are under way."""
        return self.filter(cancelled_at=None, ended_at=None, starts_at__lte=now, ends_at__gt=now)

    def past(self, *, now: datetime) -> MaintenanceWindowQuerySet:
        """Those that are over, and those that were called off."""
        return self.filter(Q(cancelled_at__isnull=False) | Q(ended_at__isnull=False) | Q(ends_at__lte=now))

    def in_state(self, state: str, *, now: datetime) -> MaintenanceWindowQuerySet:
        """Those that stand there then."""
        if state == "scheduled":
            return self.upcoming(now=now)
        if state == "in_progress":
            return self.running(now=now)
        return self.past(now=now).filter(cancelled_at__isnull=state == "completed")
