"""Cover: the holder of a shift asks that somebody else takes it."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from accounts.models import User
from oncall.models.schedule import Schedule
from oncall.querysets import CoverRequestQuerySet


class CoverRequest(models.Model):
    """Somebody who is on call asks to be relieved. It is open until a colleague takes it (which makes an override),
    the asker withdraws it, or its time has passed."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="cover_requests")
    user = models.ForeignKey(User, models.CASCADE, related_name="cover_requests")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    taken_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    objects = CoverRequestQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "id")
        constraints = (
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="oncall_cover_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(taken_by=None) | Q(taken_at__isnull=False), name="oncall_cover_taken_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(taken_at=None) | Q(withdrawn_at=None), name="oncall_cover_taken_or_withdrawn"
            ),
        )
        indexes = (
            models.Index(
                fields=("schedule", "ends_at"),
                condition=Q(taken_at=None, withdrawn_at=None),
                name="oncall_cover_open",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} asks for cover of {self.schedule} from {self.starts_at:%Y-%m-%d %H:%M} UTC"
