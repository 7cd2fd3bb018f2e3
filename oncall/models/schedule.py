"""Who is on call when: schedules of layers, and what lies above them. ``oncall.shifts`` computes with them."""

from __future__ import annotations

from datetime import time

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from accounts.models import Team, User
from core import time_zones
from core.timestamps import Timestamped
from oncall.querysets import OverrideQuerySet, ScheduleQuerySet
from oncall.windows import check_windows

LONGEST_TURN = 365  # units


class Schedule(Timestamped):
    """Layers of rotations in one time zone; at every instant the highest layer that somebody holds decides."""

    name = models.CharField(max_length=120, unique=True)
    description = models.CharField(max_length=300, blank=True)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="schedules")
    time_zone = models.CharField(max_length=64, default="UTC", validators=[time_zones.validate])
    is_demo = models.BooleanField(default=False, editable=False)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Layer(models.Model):
    """People who take turns of ``length`` units, handed over at ``handoff`` (wall time of the schedule's zone), from
    the day ``starts_on`` to the end of the day ``ends_on``. A higher position lies above a lower one.

    ``windows`` restrict it, as the API has them: ``[{"days": ["mon"], "from": "09:00", "to": "17:00"}]``.
    """

    class Unit(models.TextChoices):
        """Days and weeks are local dates, hours are real hours."""

        HOUR = "hour", "Hours"
        DAY = "day", "Days"
        WEEK = "week", "Weeks"

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="layers")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=4, choices=Unit.choices, default=Unit.WEEK)
    length = models.PositiveSmallIntegerField(
        default=1, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_TURN)]
    )
    handoff = models.TimeField(default=time(9))
    starts_on = models.DateField()
    ends_on = models.DateField(null=True, blank=True)
    windows = models.JSONField(default=list, blank=True, validators=[check_windows])
    calendar_url = models.CharField(
        max_length=500, blank=True, help_text="A calendar feed whose events are the turns, in place of a rotation."
    )

    class Meta:
        ordering = ("schedule", "position")
        constraints = (
            models.UniqueConstraint(
                fields=("schedule", "position"),
                name="oncall_layer_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(condition=Q(length__gte=1), name="oncall_layer_has_length"),
            models.CheckConstraint(
                condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="oncall_layer_ends_after_it_starts"
            ),
        )

    def __str__(self) -> str:
        return f"{self.name} of {self.schedule}"


class Participant(models.Model):
    """A person's place in the order of a layer; the same person may have several."""

    layer = models.ForeignKey(Layer, models.CASCADE, related_name="participants")
    position = models.PositiveSmallIntegerField()
    user = models.ForeignKey(User, models.CASCADE, related_name="rotations")

    class Meta:
        ordering = ("layer", "position")
        constraints = (
            models.UniqueConstraint(
                fields=("layer", "position"),
                name="oncall_participant_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.layer}"


class Override(models.Model):
    """Somebody is on call from ``starts_at`` until ``ends_at``, whatever the layers say; a newer one lies above."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="overrides")
    user = models.ForeignKey(User, models.CASCADE, related_name="overrides")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = OverrideQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")), name="oncall_override_ends_after_it_starts"
            ),
        )
        indexes = (models.Index(fields=("schedule", "ends_at"), name="oncall_override_by_end"),)

    def __str__(self) -> str:
        return f"{self.user} for {self.schedule} from {self.starts_at:%Y-%m-%d %H:%M} UTC"

    def clean(self) -> None:
        """Raises ValidationError where it ends before it begins."""
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": "An override ends after it begins."})
