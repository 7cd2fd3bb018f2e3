"""Addresses under which a calendar program reads shifts, and those from which layers read theirs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from oncall.models.schedule import Schedule
from oncall.querysets import CalendarSourceQuerySet, FeedQuerySet, ImportedTurnQuerySet


class Feed(models.Model):
    """The shifts of one person, or of one schedule, for whoever has the secret address. Only the secret's SHA-256 is
    stored; the address itself is shown once. At most one of each is in use; a revoked row stays, to say what was."""

    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="feeds")
    schedule = models.ForeignKey(Schedule, models.CASCADE, null=True, blank=True, related_name="feeds")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = FeedQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        verbose_name = "calendar feed"
        constraints = (
            models.CheckConstraint(
                condition=Q(user__isnull=False, schedule=None) | Q(user=None, schedule__isnull=False),
                name="oncall_feed_of_person_or_schedule",
            ),
            models.UniqueConstraint(fields=("user",), condition=Q(revoked_at=None), name="oncall_one_feed_a_person"),
            models.UniqueConstraint(
                fields=("schedule",), condition=Q(revoked_at=None), name="oncall_one_feed_a_schedule"
            ),
        )

    def __str__(self) -> str:
        return f"Calendar feed of {self.user or self.schedule}"


class CalendarSource(models.Model):
    """A calendar that somebody else keeps, whose events are the turns of a schedule's layer. It is read every hour;
    what was read last stays while it cannot be read, and ``problem`` says why."""

    schedule = models.ForeignKey(Schedule, models.CASCADE, related_name="calendar_sources")
    url = models.CharField(max_length=500)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    read_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=300, blank=True)

    objects = CalendarSourceQuerySet.as_manager()

    class Meta:
        ordering = ("schedule", "id")
        constraints = (models.UniqueConstraint(fields=("schedule", "url"), name="oncall_calendar_source_once"),)

    def __str__(self) -> str:
        return f"Calendar of {self.schedule}"


class ImportedTurn(models.Model):
    """One event of a calendar, of somebody whom Muster knows."""

    source = models.ForeignKey(CalendarSource, models.CASCADE, related_name="turns")
    user = models.ForeignKey(User, models.CASCADE, related_name="imported_turns")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects = ImportedTurnQuerySet.as_manager()

    class Meta:
        ordering = ("starts_at", "id")
        indexes = (models.Index(fields=("source", "ends_at"), name="oncall_imported_turn_by_end"),)

    def __str__(self) -> str:
        return f"{self.user} from {self.starts_at:%Y-%m-%d %H:%M} UTC"
