"""What happened, in order: timeline entries, corrections of notes, and evidence."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from incidents.models.incident import Incident


class TimelineEntry(models.Model):
    """One event of an incident, in the past tense. ``data`` holds the event's plain facts, by kind.

    ``at`` is when it happened (a note's time can be corrected), ``created_at`` when it was written down.
    """

    class Kind(models.TextChoices):
        """Everything that can happen to an incident."""

        TRIGGERED = "triggered", "Triggered"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        MOVED = "moved", "Moved"
        UNACKNOWLEDGED = "unacknowledged", "Given back"
        SNOOZED = "snoozed", "Snoozed"
        WOKEN = "woken", "Woken"
        RESOLVED = "resolved", "Resolved"
        REOPENED = "reopened", "Reopened"
        POSTMORTEM_DRAFTED = "postmortem_drafted", "Postmortem drafted"
        POSTMORTEM_STARTED = "postmortem_started", "Postmortem started"
        POSTMORTEM_PUBLISHED = "postmortem_published", "Postmortem published"
        ASSIGNED = "assigned", "Assigned"
        SEVERITY_CHANGED = "severity_changed", "Severity changed"
        SERVICES_CHANGED = "services_changed", "Services changed"
        DETAILS_CHANGED = "details_changed", "Details changed"
        NOTED = "noted", "Noted"
        EVIDENCE_LINKED = "evidence_linked", "Evidence linked"
        MITIGATED = "mitigated", "Mitigated"
        PAGED = "paged", "Paged"
        PAGE_FAILED = "page_failed", "Page failed"
        NOBODY_REACHED = "nobody_reached", "Nobody reached"
        EXHAUSTED = "exhausted", "Policy exhausted"
        ESCALATED = "escalated", "Paged further"
        REMINDED = "reminded", "Reminded"
        NOTIFIED = "notified", "Notified"
        CLOCK_WARNED = "clock_warned", "Clock warned"
        CLOCK_BREACHED = "clock_breached", "Clock breached"
        ALERT_ADDED = "alert_added", "Alert added"
        ALERT_RESOLVED = "alert_resolved", "Alert resolved"
        STATUS_UPDATED = "status_updated", "Status updated"
        UPDATE_CHANGED = "update_changed", "Status update changed"
        ACTION_ADDED = "action_added", "Action item added"
        ACTION_CHANGED = "action_changed", "Action item changed"
        ACTION_DONE = "action_done", "Action item done"
        ACTION_ACCEPTED = "action_accepted", "Risk accepted"
        ACTION_REOPENED = "action_reopened", "Action item reopened"
        RUNBOOK_STARTED = "runbook_started", "Runbook started"
        RUNBOOK_STEP = "runbook_step", "Runbook step"
        RUNBOOK_FINISHED = "runbook_finished", "Runbook finished"
        AUTOMATION = "automation", "Automation"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="timeline")
    kind = models.CharField(max_length=30, choices=Kind.choices)
    at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    source = models.CharField(max_length=120, blank=True, help_text="Who did it when no person did.")
    text = models.TextField(blank=True)
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("at", "id")
        verbose_name_plural = "timeline entries"
        indexes = (
            models.Index(fields=("incident", "at", "id"), name="incidents_timeline"),
            # Which incidents may have another title lately, for what is indexed beside them.
            models.Index(fields=("at",), condition=Q(kind="details_changed"), name="incidents_renamed"),
        )

    def __str__(self) -> str:
        return f"{self.incident_id} {self.kind}"

    @property
    def actor(self) -> str:
        """The person's name, the source's, or Muster's."""
        return str(self.by) if self.by else self.source or "Muster"


class NoteRevision(models.Model):
    """What a note said, and when it was said to have happened, before a correction."""

    entry = models.ForeignKey(TimelineEntry, models.CASCADE, related_name="revisions")
    text = models.TextField(blank=True)
    at = models.DateTimeField()
    replaced_at = models.DateTimeField()
    replaced_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("replaced_at", "id")

    def __str__(self) -> str:
        return f"Revision of entry {self.entry_id}"


class Evidence(models.Model):
    """A link that shows something: who linked it, when, and where it comes from."""

    class Kind(models.TextChoices):
        """What the link shows."""

        METRIC = "metric", "Metric"
        LOG = "log", "Log"
        TRACE = "trace", "Trace"
        SCREENSHOT = "screenshot", "Screenshot"
        LINK = "link", "Link"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.LINK)
    url = models.URLField("address", max_length=1000)
    caption = models.CharField(max_length=200, blank=True)
    source = models.CharField(max_length=100, blank=True)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("at", "id")
        verbose_name_plural = "evidence"

    def __str__(self) -> str:
        return self.caption or self.url
