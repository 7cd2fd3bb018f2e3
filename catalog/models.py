"""What can break: services, who owns them, what they depend on, and how they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.urls import reverse

from accounts.models import Team, User
from catalog.querysets import MaintenanceWindowQuerySet, ServiceQuerySet
from core.public_ids import public_id
from core.timestamps import Timestamped
from oncall.models import EscalationPolicy

if TYPE_CHECKING:
    from datetime import datetime


class Health(models.TextChoices):
    """How a service is, from best to worst; maintenance is announced and counts as neither."""

    OPERATIONAL = "operational", "Operational"
    DEGRADED = "degraded", "Degraded"
    PARTIAL_OUTAGE = "partial_outage", "Partial outage"
    MAJOR_OUTAGE = "major_outage", "Major outage"
    MAINTENANCE = "maintenance", "Maintenance"


class Service(Timestamped):
    """Something people depend on. Its escalation policy says who is paged when it breaks."""

    class Tier(models.IntegerChoices):
        """How much depends on the service; 1 is the most."""

        ONE = 1, "Tier 1"
        TWO = 2, "Tier 2"
        THREE = 3, "Tier 3"
        FOUR = 4, "Tier 4"

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="services")
    description = models.TextField(blank=True, help_text="Markdown.")
    tier = models.PositiveSmallIntegerField(choices=Tier.choices, default=Tier.THREE)
    health = models.CharField(max_length=20, choices=Health.choices, default=Health.OPERATIONAL)
    dashboard_url = models.URLField("dashboard", max_length=500, blank=True)
    logs_url = models.URLField("logs", max_length=500, blank=True)
    repo_url = models.URLField("repository", max_length=500, blank=True)
    escalation_policy = models.ForeignKey(
        EscalationPolicy, models.SET_NULL, null=True, blank=True, related_name="services"
    )
    depends_on = models.ManyToManyField(
        "self", through="Dependency", symmetrical=False, related_name="dependents", blank=True
    )
    is_demo = models.BooleanField(default=False, editable=False)

    objects = ServiceQuerySet.as_manager()

    class Meta:
        ordering = ("name", "slug")
        constraints = (models.CheckConstraint(condition=Q(health__in=Health.values), name="catalog_health_known"),)

    def __str__(self) -> str:
        return self.name

    @property
    def health_now(self) -> str:
        """How it is, with maintenance while some is under way; what responders said to be broken stays broken. Of
        querysets ``with_maintenance``; others give what was set."""
        is_planned = self.health == Health.OPERATIONAL and getattr(self, "is_in_maintenance", False)
        return Health.MAINTENANCE if is_planned else self.health

    @property
    def links(self) -> list[tuple[str, str]]:
        """(label, address) of the dashboard, logs and repository that are set."""
        pairs = [("Dashboard", self.dashboard_url), ("Logs", self.logs_url), ("Repository", self.repo_url)]
        return [(label, url) for label, url in pairs if url]


class MaintenanceWindow(Timestamped):
    """Work on services that is announced beforehand. Its words are public wherever its services are shown.

    It begins and ends by the clock; ``ended_at`` is set where it was over sooner, ``cancelled_at`` where it never
    began. ``created_by`` is empty where a program announced it.
    """

    class State(models.TextChoices):
        """Where it stands, in the words that status pages use."""

        SCHEDULED = "scheduled", "Scheduled"
        IN_PROGRESS = "in_progress", "In progress"
        COMPLETED = "completed", "Completed"
        CANCELLED = "cancelled", "Cancelled"

    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True, help_text="Markdown. What readers will notice and need to do.")
    services = models.ManyToManyField(Service, related_name="maintenance_windows", blank=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    is_public = models.BooleanField(default=True, help_text="Announced on the status pages that show its services.")
    is_demo = models.BooleanField(default=False, editable=False)

    objects = MaintenanceWindowQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="catalog_maintenance_ends_later"),
            models.CheckConstraint(
                condition=Q(ended_at=None) | (Q(ended_at__gte=F("starts_at")) & Q(ended_at__lte=F("ends_at"))),
                name="catalog_maintenance_ended_within",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(cancelled_at=None), name="catalog_maintenance_ended_or_cancelled"
            ),
        )
        indexes = (models.Index(fields=("ends_at", "id"), name="catalog_maintenance_by_end"),)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("catalog:maintenance_detail", args=[self.public_id])

    @property
    def over_at(self) -> datetime:
        """When it is over, or was."""
        return self.ended_at or self.ends_at

    def state_at(self, now: datetime) -> str:
        """Where it stands then."""
        if self.cancelled_at is not None and self.cancelled_at <= now:
            return self.State.CANCELLED
        if now < self.starts_at:
            return self.State.SCHEDULED
        return self.State.IN_PROGRESS if now < self.over_at else self.State.COMPLETED


class Dependency(models.Model):
    """``service`` does not work without ``depends_on``."""

    service = models.ForeignKey(Service, models.CASCADE, related_name="dependencies")
    depends_on = models.ForeignKey(Service, models.CASCADE, related_name="dependent_links")

    class Meta:
        ordering = ("service", "depends_on")
        verbose_name_plural = "dependencies"
        constraints = (
            models.UniqueConstraint(fields=("service", "depends_on"), name="catalog_dependency_once"),
            models.CheckConstraint(condition=~Q(service=F("depends_on")), name="catalog_no_self_dependency"),
        )

    def __str__(self) -> str:
        return f"{self.service} depends on {self.depends_on}"
