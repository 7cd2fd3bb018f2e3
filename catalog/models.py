"""What can break: services, who owns them, what they depend on, and how they are."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import Team
from catalog.querysets import ServiceQuerySet
from core.timestamps import Timestamped
from oncall.models import EscalationPolicy


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
    def links(self) -> list[tuple[str, str]]:
        """(label, address) of the dashboard, logs and repository that are set."""
        pairs = [("Dashboard", self.dashboard_url), ("Logs", self.logs_url), ("Repository", self.repo_url)]
        return [(label, url) for label, url in pairs if url]


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
