"""Status updates: what those who wait are told about an incident, what it said before, and who wants to hear it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import Team, User
from catalog.models import Service
from core.timestamps import Timestamped
from core.versions import version_of
from incidents.models.communication import OfIncidentQuerySet
from incidents.models.incident import Incident
from incidents.models.policy import ConfigurationQuerySet, Severity
from incidents.querysets import seen_by
from notifications.models import ContactMethod

if TYPE_CHECKING:
    from datetime import datetime

TITLE_LIMIT = 120


class StatusUpdateQuerySet(OfIncidentQuerySet):
    """Reads of status updates."""

    def published(self) -> StatusUpdateQuerySet:
        """Those that have gone out."""
        return self.filter(published_at__isnull=False)

    def waiting(self) -> StatusUpdateQuerySet:
        """Those that are held, or scheduled for later."""
        return self.filter(published_at=None, cancelled_at=None)

    def due(self, *, now: datetime) -> StatusUpdateQuerySet:
        """Those whose time has come, in the order in which they are to go out."""
        return self.waiting().filter(due_at__lte=now).order_by("due_at", "id")

    def external(self) -> StatusUpdateQuerySet:
        """Those that the public may read, once they are published."""
        return self.filter(visibility=StatusUpdate.Visibility.EXTERNAL)


class StatusUpdate(models.Model):
    """What stakeholders read about an incident. Its ``status`` is a word for them and never moves the lifecycle.

    It waits until ``due_at`` (held for a minute, or scheduled) and is then published, unless somebody takes it back.
    ``title`` is what the incident is called in public: external updates only, empty where it stays what it was.
    ``affects`` is how parts of the public page are, by their public id, as ``statuspage`` reads it; empty means that
    they are as the incident's services say. ``next_at`` is when readers hear more. A scheduled one that comes due
    after the end of the incident goes out only if ``even_when_over``, or if it speaks of the end. ``edited_by`` changed
    it last; without ``edited_at`` that was before anybody had read it.
    """

    class Status(models.TextChoices):
        """How far we are, in the words that status pages use."""

        INVESTIGATING = "investigating", "Investigating"
        IDENTIFIED = "identified", "Identified"
        MONITORING = "monitoring", "Monitoring"
        RESOLVED = "resolved", "Resolved"
        POSTMORTEM = "postmortem", "Postmortem"

    class Visibility(models.TextChoices):
        """Who may read it."""

        INTERNAL = "internal", "Internal"
        EXTERNAL = "external", "External"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="status_updates")
    status = models.CharField(max_length=20, choices=Status.choices)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.INTERNAL)
    title = models.CharField(max_length=TITLE_LIMIT, blank=True, default="", db_default="")
    message = models.TextField(help_text="Markdown.")
    affects = models.JSONField(default=dict, blank=True, db_default={})
    next_at = models.DateTimeField(null=True, blank=True)
    even_when_over = models.BooleanField(default=False, db_default=False)
    is_postmortem = models.BooleanField(
        default=False, db_default=False, help_text="The public version of a postmortem, which is changed there."
    )
    at = models.DateTimeField(default=timezone.now, help_text="When it was written.")
    by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    due_at = models.DateTimeField(default=timezone.now)
    published_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    edited_at = models.DateTimeField(null=True, blank=True)
    edited_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = StatusUpdateQuerySet.as_manager()

    class Meta:
        ordering = ("at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(status__in=["investigating", "identified", "monitoring", "resolved", "postmortem"]),
                name="incidents_update_status_known",
            ),
            models.CheckConstraint(
                condition=Q(visibility__in=["internal", "external"]), name="incidents_update_visibility_known"
            ),
            models.CheckConstraint(
                condition=Q(published_at=None) | Q(cancelled_at=None), name="incidents_update_published_or_cancelled"
            ),
        )
        indexes = (
            models.Index(fields=("incident", "at", "id"), name="incidents_updates"),
            models.Index(
                fields=("due_at", "id"), condition=Q(published_at=None, cancelled_at=None), name="incidents_update_due"
            ),
            models.Index(
                fields=("published_at", "id"),
                condition=Q(visibility="external", published_at__isnull=False),
                name="incidents_update_public",
            ),
        )

    def __str__(self) -> str:
        return f"{self.incident_id}: {self.get_status_display()}"

    @property
    def is_waiting(self) -> bool:
        """Neither published nor taken back."""
        return self.published_at is None and self.cancelled_at is None

    @property
    def version(self) -> str:
        """A short name for what it says, to whom and when: another one once somebody has changed any of it."""
        times = [at and at.timestamp() for at in (self.next_at, self.due_at)]
        words = [str(self.status), str(self.visibility), self.title, self.message, self.even_when_over]
        return version_of([*words, sorted(self.affects.items()), *times])


class UpdateRevisionQuerySet(models.QuerySet["UpdateRevision"]):
    """Reads of what updates said before."""

    def visible_to(self, user: User) -> UpdateRevisionQuerySet:
        """Those of incidents that the person may see."""
        return self if user.is_staff else self.filter(seen_by(user, beside="update__incident__"))


class UpdateRevision(models.Model):
    """What a status update said before it was edited."""

    update = models.ForeignKey(StatusUpdate, models.CASCADE, related_name="revisions")
    status = models.CharField(max_length=20, choices=StatusUpdate.Status.choices)
    title = models.CharField(max_length=TITLE_LIMIT, blank=True)
    message = models.TextField()
    replaced_at = models.DateTimeField()
    replaced_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = UpdateRevisionQuerySet.as_manager()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.update_id} before {self.replaced_at:%Y-%m-%d %H:%M} UTC"


class UpdateTemplate(Timestamped):
    """Words to begin a status update with. Placeholders are filled in while it is written (``incidents.wordings``)."""

    name = models.CharField(max_length=80, unique=True)
    visibility = models.CharField(
        max_length=10, choices=StatusUpdate.Visibility.choices, default=StatusUpdate.Visibility.EXTERNAL
    )
    status = models.CharField(max_length=20, choices=StatusUpdate.Status.choices)
    title = models.CharField(max_length=TITLE_LIMIT, blank=True)
    message = models.TextField(help_text="Markdown, with placeholders in braces.")

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    """Reads of subscriptions."""

    def visible_to(self, user: User) -> SubscriptionQuerySet:
        """One's own."""
        return self.filter(user=user)


class Subscription(models.Model):
    """Somebody inside wants to hear of status updates: of a service, a team's services, a severity, or one incident;
    by one of their contact methods, or by the address of their account where none is named."""

    user = models.ForeignKey(User, models.CASCADE, related_name="subscriptions")
    service = models.ForeignKey(Service, models.CASCADE, null=True, blank=True, related_name="+")
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="+")
    severity = models.CharField(max_length=10, choices=Severity.choices, blank=True)
    incident = models.ForeignKey(Incident, models.CASCADE, null=True, blank=True, related_name="subscriptions")
    contact_method = models.ForeignKey(ContactMethod, models.CASCADE, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(
                fields=("user", "service", "team", "severity", "incident", "contact_method"),
                nulls_distinct=False,
                name="incidents_subscription_once",
            ),
            models.CheckConstraint(
                condition=Q(service__isnull=False, team=None, severity="", incident=None)
                | Q(service=None, team__isnull=False, severity="", incident=None)
                | (Q(service=None, team=None, incident=None) & Q(severity__in=Severity.values))
                | Q(service=None, team=None, severity="", incident__isnull=False),
                name="incidents_subscription_to_one_thing",
            ),
        )

    def __str__(self) -> str:
        what = self.service or self.team or self.incident or self.get_severity_display()
        return f"{self.user}: {what}"
