"""The incident: what people respond to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from catalog.models import Service
from core.timestamps import Timestamped
from incidents.models.policy import Severity
from incidents.models.words import Joined, Words
from incidents.querysets import IncidentManager

if TYPE_CHECKING:
    from datetime import datetime, timedelta


class Status(models.TextChoices):
    """The lifecycle, in order. Reopening is an event, not a status."""

    TRIGGERED = "triggered", "Triggered"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    INVESTIGATING = "investigating", "Investigating"
    MITIGATING = "mitigating", "Mitigating"
    RESOLVED = "resolved", "Resolved"
    POSTMORTEM = "postmortem", "Postmortem"


OPEN = (Status.TRIGGERED, Status.ACKNOWLEDGED, Status.INVESTIGATING, Status.MITIGATING)
ANSWERED = OPEN[1:]
DONE = (Status.RESOLVED, Status.POSTMORTEM)

# The one table of legal moves. People skip ahead; going back happens by reopening, or when a fix did not hold, and back
# to triggered only when somebody lets go of it or its snooze ends.
MOVES: dict[str, frozenset[str]] = {
    Status.TRIGGERED: frozenset(
        {Status.ACKNOWLEDGED, Status.INVESTIGATING, Status.MITIGATING, Status.RESOLVED},
    ),
    Status.ACKNOWLEDGED: frozenset({Status.INVESTIGATING, Status.MITIGATING, Status.RESOLVED, Status.TRIGGERED}),
    Status.INVESTIGATING: frozenset({Status.MITIGATING, Status.RESOLVED, Status.TRIGGERED}),
    Status.MITIGATING: frozenset({Status.INVESTIGATING, Status.RESOLVED, Status.TRIGGERED}),
    Status.RESOLVED: frozenset({Status.POSTMORTEM, Status.INVESTIGATING, Status.TRIGGERED}),
    Status.POSTMORTEM: frozenset({Status.INVESTIGATING, Status.TRIGGERED}),
}


class NotAllowedNow(Exception):
    """The incident's status does not allow this; the message says what it does allow."""


def _rank(field: str, values: list[str]) -> Case:
    whens = [When(**{field: value}, then=Value(position)) for position, value in enumerate(values)]
    return Case(*whens, default=Value(len(values)), output_field=models.SmallIntegerField())


class Incident(Timestamped):
    """One event that people respond to. Its number is its primary key; ``INC-42`` is how it is written.

    ``created_at`` is when Muster learned of it and never changes; ``started_at`` is when impact began and may be
    backdated. ``acknowledged_at`` is the first answer since it last asked for one, and survives reopening. All times
    are aware UTC.
    """

    title = models.CharField(max_length=255)
    description = models.TextField(blank=True)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.TRIGGERED)
    assignee = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="assigned_incidents", db_index=False
    )
    affected_services = models.ManyToManyField(Service, through="AffectedService", related_name="incidents", blank=True)
    is_private = models.BooleanField(default=False)

    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="declared_incidents")
    started_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    root_cause = models.TextField(blank=True)

    source_key = models.CharField(
        max_length=200, null=True, blank=True, unique=True, help_text="Makes a repeated declaration the same incident."
    )
    source = models.CharField(max_length=120, blank=True, help_text="Who declared it when no person did.")
    facts = models.JSONField(default=dict, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False
    )
    excluded_from_metrics = models.BooleanField(default=False)
    excluded_reason = models.CharField(max_length=300, blank=True, db_default="")
    excluded_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False)
    excluded_at = models.DateTimeField(null=True, blank=True)
    is_unanswered = models.BooleanField(
        default=False, help_text="Every escalation step was used up and nobody has answered."
    )
    snoozed_until = models.DateTimeField(
        null=True, blank=True, help_text="Nobody is paged or reminded until then; then it asks for an answer again."
    )
    quiet_due_at = models.DateTimeField(
        null=True, blank=True, help_text="When Muster looks whether anything has been done since it was answered."
    )
    reminded_at = models.DateTimeField(
        null=True, blank=True, help_text="When somebody was asked whether they are still on it, and has yet to answer."
    )
    is_demo = models.BooleanField(default=False, editable=False)

    severity_rank = models.GeneratedField(
        expression=_rank("severity", Severity.values), output_field=models.SmallIntegerField(), db_persist=True
    )
    status_rank = models.GeneratedField(
        expression=_rank("status", Status.values), output_field=models.SmallIntegerField(), db_persist=True
    )
    ended_after = models.GeneratedField(
        expression=F("resolved_at") - F("created_at"), output_field=models.DurationField(), db_persist=True
    )

    note_words = SearchVectorField(
        editable=False, null=True, help_text="The words of its notes; incidents.search writes them."
    )
    document = models.GeneratedField(
        expression=Joined(Words("title", weight="A"), Words("description", weight="B"), F("note_words")),
        output_field=SearchVectorField(),
        db_persist=True,
        help_text="Every word that a search can find it by.",
    )

    objects = IncidentManager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="incidents_severity_known"),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="incidents_status_known"),
            models.CheckConstraint(
                condition=Q(status__in=DONE, resolved_at__isnull=False) | (~Q(status__in=DONE) & Q(resolved_at=None)),
                name="incidents_resolved_iff_resolved_at",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=ANSWERED) | Q(acknowledged_at__isnull=False),
                name="incidents_answered_has_acknowledged_at",
            ),
            models.CheckConstraint(
                condition=~Q(status=Status.TRIGGERED) | Q(acknowledged_at=None),
                name="incidents_triggered_is_unanswered",
            ),
            models.CheckConstraint(condition=~Q(merged_into=F("id")), name="incidents_not_merged_into_itself"),
            models.CheckConstraint(
                condition=Q(snoozed_until=None, quiet_due_at=None) | Q(status__in=ANSWERED),
                name="incidents_only_answered_waits",
            ),
            models.CheckConstraint(
                condition=Q(snoozed_until=None) | Q(quiet_due_at=None), name="incidents_snoozed_is_not_reminded_of"
            ),
            models.CheckConstraint(
                condition=Q(reminded_at=None) | Q(quiet_due_at__isnull=False), name="incidents_reminded_has_due_time"
            ),
            models.CheckConstraint(
                condition=Q(excluded_from_metrics=True) | Q(excluded_reason="", excluded_by=None, excluded_at=None),
                name="incidents_counted_has_no_reason_against",
            ),
        )
        indexes = (
            # Each sort of the list, in both directions, ends in the id (see incidents.listing). Every change of a
            # status writes into each of them, so there is none that another one makes up for.
            models.Index(fields=("created_at", "id"), name="incidents_by_created"),
            models.Index(fields=("severity_rank", "-created_at", "-id"), name="incidents_by_severity"),
            models.Index(fields=("status_rank", "-created_at", "-id"), name="incidents_by_status"),
            models.Index(fields=("title", "-id"), name="incidents_by_title"),
            models.Index(fields=("assignee", "created_at", "id"), name="incidents_by_assignee"),
            models.Index(fields=("ended_after", "id"), name="incidents_by_duration"),
            models.Index(fields=("created_at", "id"), condition=Q(status__in=OPEN), name="incidents_open"),
            # What ended lately, for what is to be written about it.
            models.Index(fields=("resolved_at", "id"), condition=Q(status__in=DONE), name="incidents_ended"),
            models.Index(fields=("merged_into",), condition=Q(merged_into__isnull=False), name="incidents_merged"),
            # What is new waits in a list that one writer in many merges: a short list, for a short wait.
            GinIndex(fields=("document",), name="incidents_by_words", gin_pending_list_limit=1024),
            models.Index(fields=("is_demo",), condition=Q(is_demo=True), name="incidents_demo"),
            models.Index(fields=("id",), condition=Q(is_private=True), name="incidents_private"),
            models.Index(
                fields=("snoozed_until", "id"), condition=Q(snoozed_until__isnull=False), name="incidents_snooze_due"
            ),
            models.Index(
                fields=("quiet_due_at", "id"), condition=Q(quiet_due_at__isnull=False), name="incidents_quiet_due"
            ),
        )

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    @property
    def number(self) -> int:
        """The 42 of INC-42."""
        return self.pk

    @property
    def reference(self) -> str:
        """How people and addresses name it: INC-42."""
        return f"INC-{self.pk}"

    @property
    def topic(self) -> str:
        """What notifications about it are grouped by."""
        return topic_of(self.pk)

    @property
    def is_open(self) -> bool:
        """Whether people still work on it."""
        return self.status in OPEN

    @property
    def is_answered(self) -> bool:
        """Whether it is open and somebody has taken it on."""
        return self.status in ANSWERED

    def get_absolute_url(self) -> str:
        """The page people work on it."""
        return reverse("incidents:detail", args=[self.reference])

    def duration(self, *, now: datetime) -> timedelta:
        """From creation to resolution, or until now."""
        return (self.resolved_at or now) - self.created_at

    def moves(self) -> frozenset[str]:
        """Statuses that people may move it to from here; reopening and letting go are left aside."""
        if self.status in DONE:
            return frozenset({Status.POSTMORTEM}) & MOVES[self.status]
        return MOVES[self.status] - {Status.TRIGGERED}

    def move_to(self, status: str, *, at: datetime, is_answer: bool) -> None:
        """Change the status in memory, with the times that belong to it; the only place that does.

        ``is_answer``: a person is behind the move, so a first one also sets ``acknowledged_at``; a monitor's
        resolution leaves it empty. Back to triggered nobody has answered it. Every move ends a snooze. Raises
        NotAllowedNow for a move that the table does not list.
        """
        if status not in MOVES[self.status]:
            allowed = ", ".join(value for value in Status.values if value in MOVES[self.status])
            raise NotAllowedNow(f"{self.reference} is {self.status}; from here it can go to: {allowed}.")
        self.status = status
        if is_answer and status != Status.TRIGGERED:
            self.acknowledged_at = self.acknowledged_at or at
        self.resolved_at = (self.resolved_at or at) if status in DONE else None
        self.snoozed_until = None
        if status not in ANSWERED:
            self.quiet_due_at = self.reminded_at = None
        if status == Status.TRIGGERED:
            self.acknowledged_at = None
        else:
            self.is_unanswered = False


def topic_of(number: int) -> str:
    """The notification topic of an incident."""
    return f"incident/{number}"


class AffectedService(models.Model):
    """A service that an incident touches."""

    # Each has an index below that begins with it and has the other, so that neither way needs the table itself.
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="service_links", db_index=False)
    service = models.ForeignKey(Service, models.CASCADE, related_name="incident_links", db_index=False)

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("incident", "service"), name="incidents_service_once"),)
        indexes = (models.Index(fields=("service", "incident"), name="incidents_of_service"),)

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.service_id}"
