"""The postmortem of an incident: its sections and what they said before, the events it tells, and who reads it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from core.timestamps import Timestamped
from incidents.models import Incident, Severity, StatusUpdate, TimelineEntry
from postmortems.querysets import (
    ConfigurationQuerySet,
    OfPostmortemQuerySet,
    PostmortemQuerySet,
    RevisionQuerySet,
)

if TYPE_CHECKING:
    from datetime import datetime

TITLE_LIMIT = 120
EVENT_LIMIT = 1_000


class Factor(models.Model):
    """A contributing factor, as a tag that figures can count."""

    name = models.CharField(max_length=60)
    description = models.CharField(max_length=200, blank=True)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(Lower("name"), name="postmortems_factor_once"),)

    def __str__(self) -> str:
        return self.name


class Template(Timestamped):
    """What a draft asks for, by severity and team. ``sections`` are objects with ``key``, ``title``, ``prompt`` and
    ``is_required``; those seven that every postmortem has are always among them (``postmortems.outline``)."""

    name = models.CharField(max_length=80, unique=True)
    severity = models.CharField(
        max_length=10, choices=Severity.choices, blank=True, help_text="Empty: for every severity."
    )
    team = models.ForeignKey(
        Team,
        models.CASCADE,
        null=True,
        blank=True,
        related_name="postmortem_templates",
        help_text="Of one of the affected services. Empty: for every team.",
    )
    sections = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.CheckConstraint(
                condition=Q(severity__in=["", *Severity.values]), name="postmortems_template_severity_known"
            ),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Where it is read and changed."""
        return reverse("postmortems:template_edit", args=[self.pk])


class Postmortem(Timestamped):
    """What happened, why, and what changes. Seen by whoever sees its incident; there is one for an incident.

    ``drafted_for`` is the ``resolved_at`` that its generated text speaks of. ``published_at`` is set while it is
    published; ``first_published_at`` stays when it is taken back. All times are aware UTC.
    """

    class State(models.TextChoices):
        """How far it is."""

        DRAFT = "draft", "Draft"
        IN_REVIEW = "in_review", "In review"
        PUBLISHED = "published", "Published"

    incident = models.OneToOneField(Incident, models.CASCADE, related_name="postmortem")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    template = models.ForeignKey(Template, models.SET_NULL, null=True, blank=True, related_name="+")
    owner = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="postmortems", help_text="Who sees to it."
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    drafted_for = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True, help_text="When a person began to work on it.")
    in_review_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    first_published_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When its owner was last reminded of its date."
    )

    meeting_at = models.DateTimeField(null=True, blank=True)
    meeting_minutes = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(5), MaxValueValidator(600)]
    )
    meeting_place = models.CharField(max_length=300, blank=True)
    meeting_changes = models.PositiveIntegerField(default=0, editable=False)  # an invitation's SEQUENCE (RFC 5546)

    public_text = models.TextField(blank=True, help_text="Markdown. What the public may read; never the text inside.")
    public_update = models.ForeignKey(
        StatusUpdate, models.SET_NULL, null=True, blank=True, related_name="+", editable=False
    )

    factors = models.ManyToManyField(Factor, related_name="postmortems", blank=True)
    document = SearchVectorField(editable=False, null=True, help_text="The words of it; postmortems.searching writes.")
    indexed_title = models.CharField(
        max_length=255,
        blank=True,
        db_default="",
        editable=False,
        help_text="The incident's title whose words the document has.",
    )

    objects = PostmortemQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=["draft", "in_review", "published"]), name="postmortems_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="published", published_at__isnull=False)
                | (~Q(state="published") & Q(published_at=None)),
                name="postmortems_published_iff_time",
            ),
        )
        indexes = (
            GinIndex(fields=("document",), name="postmortems_by_words"),
            models.Index(fields=("state", "-id"), name="postmortems_by_state"),
        )

    def __str__(self) -> str:
        return f"Postmortem of INC-{self.incident_id}"

    def get_absolute_url(self) -> str:
        """The page to read it on."""
        return reverse("postmortems:detail", args=[f"INC-{self.incident_id}"])

    @property
    def topic(self) -> str:
        """What open pages of it listen to."""
        return f"postmortem/{self.pk}"

    @property
    def is_published(self) -> bool:
        """Whether it is out, and so stands as it is."""
        return self.state == self.State.PUBLISHED


class Section(models.Model):
    """A part of a postmortem. ``body`` is Markdown; ``generated`` is what Muster wrote last: while the two are equal,
    nobody has touched it and it may be written anew. ``number`` is that of its newest revision."""

    postmortem = models.ForeignKey(Postmortem, models.CASCADE, related_name="sections")
    key = models.SlugField(max_length=40)
    title = models.CharField(max_length=TITLE_LIMIT)
    position = models.PositiveSmallIntegerField()
    prompt = models.TextField(blank=True, help_text="What the writer is asked for.")
    is_required = models.BooleanField(default=True)
    body = models.TextField(blank=True)
    generated = models.TextField(blank=True, editable=False)
    number = models.PositiveIntegerField(default=1)
    edited_at = models.DateTimeField(null=True, blank=True)
    edited_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = OfPostmortemQuerySet.as_manager()

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(fields=("postmortem", "key"), name="postmortems_section_once"),
            models.UniqueConstraint(fields=("postmortem", "position"), name="postmortems_section_position_once"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_untouched(self) -> bool:
        """Whether it says what Muster wrote."""
        return self.body == self.generated


class Revision(models.Model):
    """What a section said after a save, or several of one person within minutes: ``at`` is the first. ``by`` is empty
    for what Muster wrote."""

    section = models.ForeignKey(Section, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    body = models.TextField(blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    note = models.CharField(max_length=60, blank=True, help_text="Drafted, merged with somebody's text, taken back.")

    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering = ("-number",)
        constraints = (models.UniqueConstraint(fields=("section", "number"), name="postmortems_revision_once"),)

    def __str__(self) -> str:
        return f"{self.section_id} as of {self.number}"


class KeyEvent(models.Model):
    """An event that the postmortem tells or leaves out. Most come from an entry of the timeline, which stays what it
    is: ``source_text`` is what that said. A correction changes ``text`` and ``at`` alone."""

    postmortem = models.ForeignKey(Postmortem, models.CASCADE, related_name="events")
    entry = models.ForeignKey(TimelineEntry, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    text = models.CharField(max_length=EVENT_LIMIT)
    source_at = models.DateTimeField(null=True, blank=True)
    source_text = models.CharField(max_length=EVENT_LIMIT, blank=True)
    is_kept = models.BooleanField(default=True)
    is_generated = models.BooleanField(default=True, help_text="Chosen by rule; nobody has decided on it.")
    changed_at = models.DateTimeField(null=True, blank=True)
    changed_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = OfPostmortemQuerySet.as_manager()

    class Meta:
        ordering = ("at", "id")
        constraints = (models.UniqueConstraint(fields=("postmortem", "entry"), name="postmortems_event_once"),)
        indexes = (models.Index(fields=("postmortem", "at", "id"), name="postmortems_events"),)

    def __str__(self) -> str:
        return self.text

    @property
    def is_corrected(self) -> bool:
        """Whether it says something else than its source does."""
        return bool(self.source_text) and (self.text, self.at) != (self.source_text, self.source_at)


class Reviewer(models.Model):
    """Somebody who was asked to read it before it is published."""

    postmortem = models.ForeignKey(Postmortem, models.CASCADE, related_name="reviewers")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)

    objects = OfPostmortemQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("postmortem", "user"), name="postmortems_reviewer_once"),)

    def __str__(self) -> str:
        return f"{self.user_id} reads {self.postmortem_id}"


class Comment(models.Model):
    """What somebody says of a section, or of the whole; Markdown. It is settled, never removed."""

    postmortem = models.ForeignKey(Postmortem, models.CASCADE, related_name="comments")
    section = models.ForeignKey(Section, models.SET_NULL, null=True, blank=True, related_name="comments")
    text = models.TextField()
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = OfPostmortemQuerySet.as_manager()

    class Meta:
        ordering = ("at", "id")
        indexes = (models.Index(fields=("postmortem", "at", "id"), name="postmortems_comments"),)

    def __str__(self) -> str:
        return f"{self.postmortem_id}: {self.text[:40]}"


def due_at(incident: Incident, *, within_days: int | None) -> datetime | None:
    """By when a postmortem is to be published; None without a promise, or while the incident is open."""
    if incident.resolved_at is None or within_days is None:
        return None
    return incident.resolved_at + timedelta(days=within_days)
