"""How people are reached: contact methods, the outbox of obligations to tell someone, and each try to do so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Team, User
from core.timestamps import Timestamped
from notifications.querysets import ContactMethodQuerySet, FileQuerySet, NotificationQuerySet, OwnQuerySet

if TYPE_CHECKING:
    from datetime import datetime


LONGEST_ADDRESS = 500


class Channel(models.TextChoices):
    """A way out of Muster; each has its own sender, seats and breaker."""

    EMAIL = "email", "E-mail"
    WEBHOOK = "webhook", "Webhook"
    CHAT = "chat", "Chat"
    INBOX = "inbox", "Inbox page"


def shown_address(channel: str, address: str) -> str:
    """An address where others may look on: that of a chat lets everybody write to it, so of it host and end."""
    if channel != Channel.CHAT:
        return address
    parts = urlsplit(address)
    return f"{parts.hostname} …{parts.path.removesuffix('/slack')[-4:]}"


class ContactMethod(Timestamped):
    """One address at which a person may be paged. Verified ones are used; others only while none is verified."""

    class Kind(models.TextChoices):
        """The kinds a person can add; their values are channels."""

        EMAIL = Channel.EMAIL.value, Channel.EMAIL.label
        WEBHOOK = Channel.WEBHOOK.value, Channel.WEBHOOK.label
        CHAT = Channel.CHAT.value, Channel.CHAT.label

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="contact_methods")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    address = models.CharField(max_length=LONGEST_ADDRESS)
    signing_secret = models.CharField(max_length=200, blank=True, editable=False)
    verified_at = models.DateTimeField(null=True, blank=True)

    objects = ContactMethodQuerySet.as_manager()

    class Meta:
        ordering = ("user", "id")
        constraints = (
            models.UniqueConstraint(fields=("user", "kind", "address"), name="notifications_contact_method_once"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.shown_address}"

    @property
    def shown_address(self) -> str:
        """The address where others may look on."""
        return shown_address(self.kind, self.address)

    @property
    def is_verified(self) -> bool:
        """Whether the address has been confirmed, by its owner or by an admin."""
        return self.verified_at is not None


class File(models.Model):
    """A file that e-mails carry, kept once for all of them."""

    name = models.CharField(max_length=120)
    content_type = models.CharField(max_length=100)
    content = models.BinaryField()
    made_at = models.DateTimeField(default=timezone.now)

    objects = FileQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.name


class Notification(models.Model):
    """One obligation to tell one recipient something, at or after ``due_at``, kept until it is done or given up.

    ``key`` makes the obligation unique, ``topic`` groups what one acknowledgement cancels (``incident/42``), and
    ``origin`` names what obliged us (``escalation/7/0/1``). A sender works under a lease: it may write the result
    only while ``lease_token`` is still its own.
    """

    class Purpose(models.TextChoices):
        """Why the recipient is told; only a page asks for an answer, and a drill, which rehearses one."""

        PAGE = "page", "Page"
        DRILL = "drill", "Fire drill"
        NOTICE = "notice", "Notice"
        CHANNEL = "channel", "Team channel"
        TICKET = "ticket", "Team ticket"
        MAIL = "mail", "Account mail"

    class State(models.TextChoices):
        """``kept`` is the end of an e-mail where no mail server is configured, and of everything to demo people: it
        stays on the Outbox page."""

        PENDING = "pending", "Pending"
        SENT = "sent", "Sent"
        KEPT = "kept", "Kept in the outbox"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    topic = models.CharField(max_length=80)
    key = models.CharField(max_length=200, unique=True)
    origin = models.CharField(max_length=80, blank=True)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    reason = models.CharField(max_length=300, blank=True)

    user = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="notifications")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="notifications")
    contact_method = models.ForeignKey(ContactMethod, models.SET_NULL, null=True, blank=True, related_name="+")
    recipient = models.CharField(max_length=200, help_text="The recipient's name at the time.")
    channel = models.CharField(max_length=20, choices=Channel.choices)
    address = models.CharField(max_length=LONGEST_ADDRESS, blank=True)

    title = models.TextField()
    body = models.TextField(blank=True)
    url = models.TextField(blank=True)
    actions = models.JSONField(default=list, blank=True)
    urgency = models.CharField(max_length=10, default="high")
    attachment = models.TextField(
        blank=True, default="", db_default="", editable=False, help_text="iCalendar that an e-mail carries."
    )

    file = models.ForeignKey(
        File, models.SET_NULL, null=True, blank=True, editable=False, related_name="+", db_index=False
    )

    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.CharField(max_length=500, blank=True)
    is_followed_up = models.BooleanField(
        default=False, editable=False, help_text="A failed page has been handed to the next method or step."
    )

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state="pending", finished_at=None) | (~Q(state="pending") & Q(finished_at__isnull=False)),
                name="notifications_finished_iff_not_pending",
            ),
        )
        indexes = (
            models.Index(fields=("channel", "due_at", "id"), condition=Q(state="pending"), name="notifications_due"),
            models.Index(fields=("topic", "id"), name="notifications_topic"),
            models.Index(fields=("origin",), condition=~Q(origin=""), name="notifications_origin"),
            models.Index(fields=("user", "-id"), name="notifications_user"),
            models.Index(fields=("team", "-id"), condition=Q(channel="inbox"), name="notifications_inbox"),
            models.Index(
                fields=("id",),
                condition=Q(state__in=("failed", "pending"), purpose="page", is_followed_up=False),
                name="notifications_to_follow_up",
            ),
        )

    def __str__(self) -> str:
        return f"{self.get_channel_display()} to {self.recipient}: {self.title}"


class Attempt(models.Model):
    """One try to hand a notification to its provider, and what came of it."""

    class Outcome(models.TextChoices):
        """``lost``: the sender vanished or lost its lease, so the recipient may or may not have been reached."""

        SENT = "sent", "Sent"
        KEPT = "kept", "Kept"
        RETRY = "retry", "Will be tried again"
        FAILED = "failed", "Failed"
        LOST = "lost", "Result unknown"

    notification = models.ForeignKey(Notification, models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    detail = models.CharField(max_length=500, blank=True)
    provider_id = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"Attempt {self.number}: {self.get_outcome_display()}"


class Drill(models.Model):
    """A rehearsal: a person is paged by every method they have, and answers within 15 minutes, or does not."""

    LASTS = timedelta(minutes=15)

    user = models.ForeignKey(User, models.CASCADE, related_name="drills")
    is_monthly = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_through = models.ForeignKey(Notification, models.SET_NULL, null=True, blank=True, related_name="+")

    objects = OwnQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(answered_at=None)
                | Q(answered_at__gte=F("started_at"), answered_at__lt=F("started_at") + timedelta(minutes=15)),
                name="notifications_drill_answered_in_time",
            ),
        )
        indexes = (models.Index(fields=("user", "-id"), name="notifications_drills_of"),)

    def __str__(self) -> str:
        return f"Fire drill of {self.user}, {self.started_at:%Y-%m-%d %H:%M} UTC"

    def get_absolute_url(self) -> str:
        """The page on which it is watched and read."""
        return reverse("notifications:drill_detail", args=[self.pk])

    @property
    def topic(self) -> str:
        """What its notifications are about."""
        return f"drill/{self.pk}"

    @property
    def ends_at(self) -> datetime:
        """When it is over: with the answer, or 15 minutes after it began."""
        return self.answered_at or self.started_at + self.LASTS

    def is_running(self, *, now: datetime) -> bool:
        """Whether it can still be answered."""
        return now < self.ends_at and self.answered_at is None


class MonthlyDrill(models.Model):
    """Somebody's wish for a drill a month, and when the next one begins. Without the row there is none."""

    user = models.OneToOneField(User, models.CASCADE, related_name="monthly_drill")
    next_drill_at = models.DateTimeField(db_index=True)

    objects = OwnQuerySet.as_manager()

    class Meta:
        ordering = ("user",)

    def __str__(self) -> str:
        return f"Monthly fire drill of {self.user}"


class SweepRun(models.Model):
    """When a sweep last ran to its end, anywhere. The health page and the dead-man's switch read it."""

    name = models.CharField(max_length=60, primary_key=True)
    last_run_at = models.DateTimeField()
    host = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def age(self, *, now: datetime) -> float:
        """Seconds since the last run."""
        return (now - self.last_run_at).total_seconds()
