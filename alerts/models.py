"""What monitors send: the doors it comes through, the raw events, and the alerts and groups they become."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from alerts.querysets import AlertQuerySet, EventQuerySet, IntegrationQuerySet
from catalog.models import Service
from core.timestamps import Timestamped
from incidents.models import Incident, Severity

# What monitors call the place where something fires, the most exact first.
PLACE_LABELS = ("instance", "pod", "host", "hostname", "node", "region")


class Integration(Timestamped):
    """A door for one monitor. The routing key opens it; only the key's SHA-256 is stored, and it is shown once."""

    class Format(models.TextChoices):
        """What the sender speaks; a format is a file in ``alerts/formats``."""

        ALERTMANAGER = "alertmanager", "Prometheus Alertmanager"
        GENERIC = "generic", "Generic webhook"

    name = models.CharField(max_length=120)
    format = models.CharField(max_length=30, choices=Format.choices)
    service = models.ForeignKey(Service, models.SET_NULL, null=True, blank=True, related_name="integrations")
    default_severity = models.CharField(
        max_length=10,
        choices=Severity.choices,
        default=Severity.MEDIUM,
        help_text="For alerts that name none, or one we do not know.",
    )
    is_enabled = models.BooleanField(default=True, help_text="A switched-off integration answers like a wrong key.")
    key_digest = models.CharField(max_length=64, unique=True, editable=False)
    key_prefix = models.CharField(max_length=12, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = IntegrationQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(default_severity__in=Severity.values), name="alerts_default_severity_known"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """One request of a sender, exactly as it came, stored before it was answered.

    ``lane`` is a hash of integration and group key: events of one lane are applied in the order of their ids.
    """

    class State(models.TextChoices):
        """Where the event stands; ``failed`` keeps the reason and has told the admins."""

        PENDING = "pending", "Pending"
        APPLIED = "applied", "Applied"
        UNPARSEABLE = "unparseable", "Unparseable"
        FAILED = "failed", "Failed"

    integration = models.ForeignKey(Integration, models.CASCADE, related_name="events")
    received_at = models.DateTimeField(default=timezone.now)
    format = models.CharField(max_length=30)
    body = models.BinaryField()
    lane = models.BigIntegerField()
    group_key = models.CharField(max_length=255)
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    applied_at = models.DateTimeField(null=True, blank=True)
    detail = models.TextField(blank=True, help_text="Warnings, or why it could not be used.")

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=("id",), condition=Q(state="pending"), name="alerts_event_pending"),
            models.Index(fields=("lane", "id"), condition=Q(state="pending"), name="alerts_event_lane"),
            models.Index(fields=("integration", "-id"), name="alerts_event_integration"),
        )

    def __str__(self) -> str:
        return f"Event {self.pk}"

    @property
    def start_text(self) -> str:
        """The beginning of the body as text; only for rows of ``for_list``, and empty where it may not be read."""
        start = getattr(self, "start", None)
        return "" if start is None else bytes(start).decode("utf-8", "replace").replace("\x00", "\ufffd")


class Group(models.Model):
    """Alerts that are one matter: while it is open, everything with its key belongs to one incident."""

    integration = models.ForeignKey(Integration, models.CASCADE, related_name="groups")
    group_key = models.CharField(max_length=255)
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="alert_groups")
    opened_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("integration", "group_key"), condition=Q(closed_at=None), name="alerts_one_open_group"
            ),
        )

    def __str__(self) -> str:
        return self.group_key


class Alert(models.Model):
    """One thing that fires or fired (``ALR-7``). While it fires it is unique within its group by fingerprint.

    ``started_at`` is the sender's word, never later than we received it; order is the order of receipt.
    """

    class Status(models.TextChoices):
        """Firing, or over."""

        FIRING = "firing", "Firing"
        RESOLVED = "resolved", "Resolved"

    integration = models.ForeignKey(Integration, models.CASCADE, related_name="alerts")
    group = models.ForeignKey(Group, models.CASCADE, null=True, blank=True, related_name="alerts")
    fingerprint = models.CharField(max_length=255)
    title = models.CharField(max_length=255)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.FIRING)
    labels = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    link = models.URLField(max_length=2000, blank=True)
    started_at = models.DateTimeField()
    received_at = models.DateTimeField(default=timezone.now)
    last_received_at = models.DateTimeField(default=timezone.now)
    resolved_at = models.DateTimeField(null=True, blank=True)
    times_received = models.PositiveIntegerField(default=1)

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("group", "fingerprint"), condition=Q(status="firing"), name="alerts_one_firing_alert"
            ),
            models.CheckConstraint(
                condition=Q(status="resolved", resolved_at__isnull=False) | Q(status="firing", resolved_at=None),
                name="alerts_resolved_iff_resolved_at",
            ),
            models.CheckConstraint(
                condition=~Q(status="firing") | Q(group__isnull=False), name="alerts_firing_has_group"
            ),
        )
        indexes = (
            models.Index(fields=("-id",), condition=Q(status="firing"), name="alerts_firing"),
            models.Index(fields=("integration", "-id"), name="alerts_by_integration"),
        )

    def __str__(self) -> str:
        return f"{self.reference} {self.title}"

    @property
    def reference(self) -> str:
        """How people and addresses name it: ALR-7."""
        return f"ALR-{self.pk}"

    @property
    def place(self) -> str:
        """Where it fires, to tell alerts of one name apart: the first of the usual labels that it has."""
        labels = self.labels if isinstance(self.labels, dict) else {}
        return next((str(labels[name]) for name in PLACE_LABELS if labels.get(name)), "")


class AlertLink(models.Model):
    """An alert that a person tied to an incident besides its own."""

    alert = models.ForeignKey(Alert, models.CASCADE, related_name="links")
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="alert_links")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("alert", "incident"), name="alerts_link_once"),)

    def __str__(self) -> str:
        return f"{self.alert_id} in {self.incident_id}"
