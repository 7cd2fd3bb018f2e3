"""Models of what was done: what pages have told of maintenance, and what the static export has written."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from catalog.models import MaintenanceWindow
from statuspage.querysets import ConfigurationQuerySet


class Announced(models.Model):
    """What one page has told of a maintenance window. ``seen_at`` is the window's ``updated_at`` then, ``told_at`` when
    its subscribers last heard of it, ``changes`` how often of a change."""

    page = models.ForeignKey("statuspage.StatusPage", models.CASCADE, related_name="announced")
    maintenance = models.ForeignKey(MaintenanceWindow, models.CASCADE, related_name="+")
    state = models.CharField(max_length=20, choices=MaintenanceWindow.State.choices)
    title = models.CharField(max_length=120)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    components = models.JSONField(default=list, help_text="Public ids.")
    seen_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, blank=True)
    changes = models.PositiveSmallIntegerField(default=0)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("maintenance", "page")
        verbose_name_plural = "announced"
        constraints = (models.UniqueConstraint(fields=("maintenance", "page"), name="statuspage_announced_once"),)

    def __str__(self) -> str:
        return f"{self.maintenance_id} on {self.page_id}"


class Export(models.Model):
    """The static copy at one place: what is there (``files``, the ETag by path), since when it is known to be right
    (``written_at``), and how trying goes."""

    target = models.CharField(max_length=500, unique=True, help_text="Where it is, without secrets.")
    files = models.JSONField(default=dict)
    renewed_at = models.DateTimeField(default=timezone.now, help_text="When everything was last written.")
    written_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(default=timezone.now)
    failures = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("target",)

    def __str__(self) -> str:
        return self.target
