"""Guides made of steps, how they have changed, and what came of following one at an incident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from catalog.models import Service
from core.timestamps import Timestamped
from incidents.models import Incident
from runbooks import guides
from runbooks.querysets import RunbookQuerySet, RunQuerySet, RunStepQuerySet, VersionQuerySet

if TYPE_CHECKING:
    from datetime import datetime

RESERVED_SLUGS = frozenset({"new"})  # addresses of their own


class Runbook(Timestamped):
    """A guide, what it is for, and who keeps it true. What it says stands in its versions.

    ``service_slugs`` are all services that it was written for, by name: one of them need not exist yet, and fits as
    soon as it does. ``services`` are those that did exist; they are followed when they are renamed.
    """

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=guides.TITLE_LIMIT)
    team = models.ForeignKey(
        Team, models.SET_NULL, null=True, blank=True, related_name="runbooks", help_text="Its managers may change it."
    )
    services = models.ManyToManyField(Service, related_name="runbooks", blank=True)
    service_slugs = models.JSONField(default=list, blank=True, editable=False)
    severities = models.JSONField(default=list, blank=True, editable=False)
    facts = models.JSONField(
        default=list, blank=True, editable=False, help_text="Pairs of a fact's name and a pattern."
    )
    review_every_days = models.PositiveSmallIntegerField(
        "review every",
        default=180,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Days. Longer after its last review the guide is flagged.",
    )
    reviewed_at = models.DateTimeField(null=True, blank=True, editable=False)
    reviewed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", editable=False)
    is_starter = models.BooleanField("from the starter library", default=False, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    current_version = models.ForeignKey(
        "Version", models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    objects = RunbookQuerySet.as_manager()

    class Meta:
        ordering = ("title", "slug")
        indexes = (models.Index(fields=("title", "id"), name="runbooks_by_title"),)

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        """Not a slug that is an address of its own."""
        if self.slug in RESERVED_SLUGS:
            raise ValidationError({"slug": "This word is an address of its own. Choose another one."})

    def get_absolute_url(self) -> str:
        """The page to read it on."""
        return reverse("runbooks:detail", args=[self.slug])

    @property
    def version(self) -> Version:
        """What it says now."""
        assert self.current_version is not None  # it is made with its first version
        return self.current_version

    @property
    def all_slugs(self) -> list[str]:
        """Slugs of all services that it is for, of those that exist first; reads ``services``."""
        return list(dict.fromkeys([*(service.slug for service in self.services.all()), *self.service_slugs]))

    @property
    def only_called(self) -> list[str]:
        """Slugs of services that it was written for and that did not exist then; reads ``services``."""
        tied = {service.slug for service in self.services.all()}
        return [slug for slug in self.service_slugs if slug not in tied]

    def days_unreviewed(self, *, now: datetime) -> int:
        """Whole days since somebody last said that it is right."""
        return (now - (self.reviewed_at or self.created_at)).days

    def is_stale(self, *, now: datetime) -> bool:
        """Whether its last review is longer ago than it asks for."""
        return now - (self.reviewed_at or self.created_at) > timedelta(days=self.review_every_days)


class Version(models.Model):
    """What a runbook said from one moment on. It never changes; a run keeps the one that it was started with.

    ``text`` is all of it as one text (``runbooks.guides``), with what it was for; searched, and compared by lines.
    """

    runbook = models.ForeignKey(Runbook, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=guides.TITLE_LIMIT)
    summary = models.TextField(blank=True)
    steps = models.JSONField(help_text="Objects with a title, a body and an action.")
    text = models.TextField()
    what_changed = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = VersionQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("runbook", "number"), name="runbooks_version_once"),)

    def __str__(self) -> str:
        return f"{self.title}, version {self.number}"

    def save(self, *args: Any, **options: Any) -> None:
        """Once."""
        if not self._state.adding:
            raise TypeError("a version never changes")
        super().save(*args, **options)


class Run(models.Model):
    """A runbook followed at an incident. Of one runbook only one run is unfinished at a time."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="runs")
    runbook = models.ForeignKey(Runbook, models.CASCADE, related_name="runs")
    version = models.ForeignKey(Version, models.CASCADE, related_name="runs")
    started_at = models.DateTimeField(default=timezone.now)
    started_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("incident", "runbook"), condition=Q(finished_at=None), name="runbooks_one_unfinished_run"
            ),
            models.CheckConstraint(
                condition=Q(finished_at=None) | Q(finished_at__gte=F("started_at")),
                name="runbooks_run_ends_after_start",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version.title} at INC-{self.incident_id}"

    def get_absolute_url(self) -> str:
        """The page of the run as a whole."""
        return reverse("runbooks:run", args=[self.pk])


class RunStep(models.Model):
    """One step of a run. ``text`` is what was seen, or why it was skipped; ``position`` counts from 1."""

    class State(models.TextChoices):
        """Whether it is done."""

        TODO = "todo", "To do"
        DONE = "done", "Done"
        SKIPPED = "skipped", "Skipped"

    run = models.ForeignKey(Run, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.TODO)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(null=True, blank=True)
    text = models.TextField(blank=True)

    objects = RunStepQuerySet.as_manager()

    class Meta:
        ordering = ("run", "position")
        constraints = (
            models.UniqueConstraint(fields=("run", "position"), name="runbooks_step_once"),
            models.CheckConstraint(
                condition=Q(state="todo", at=None) | (~Q(state="todo") & Q(at__isnull=False)),
                name="runbooks_todo_iff_no_time",
            ),
            models.CheckConstraint(condition=~Q(state="skipped") | ~Q(text=""), name="runbooks_skipped_has_reason"),
        )

    def __str__(self) -> str:
        return f"Step {self.position} of run {self.run_id}"
