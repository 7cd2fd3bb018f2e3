"""Unavailability: when somebody cannot be on call."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from accounts.models import User
from oncall.querysets import AbsenceQuerySet


class Absence(models.Model):
    """A person is away from ``starts_at`` until ``ends_at``. Nobody's shifts change by it; conflicts are shown."""

    user = models.ForeignKey(User, models.CASCADE, related_name="absences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    objects = AbsenceQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="oncall_absence_ends_after_it_starts"),
        )
        indexes = (models.Index(fields=("user", "ends_at"), name="oncall_absence_by_end"),)

    def __str__(self) -> str:
        return f"{self.user} is away from {self.starts_at:%Y-%m-%d %H:%M} UTC"
