"""What is kept beside action items: how people are reminded of them, which reminders went out, and the tickets that
items became elsewhere."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, Team, User
from core.timestamps import Timestamped
from followups.querysets import ReminderQuerySet, SettingsQuerySet, TicketQuerySet, TrackerQuerySet
from incidents.models import ActionItem

MOST_DAYS = 365
DAYS = (MinValueValidator(1), MaxValueValidator(MOST_DAYS))

# How a project is written, and the words for whoever writes it otherwise.
PROJECTS = {
    "github": (re.compile(r"[\w.-]+/[\w.-]+", re.ASCII), "Write the repository as owner/name."),
    "gitlab": (re.compile(r"[\w.-]+(/[\w.-]+)+|[1-9]\d*", re.ASCII), "Write the project as group/name, or its number."),
    "jira": (re.compile(r"[A-Z][A-Z0-9_]+", re.ASCII), "Write the project's key, such as OPS."),
    "webhook": (re.compile(r".*"), ""),
}


class FollowUpSettings(Timestamped):
    """When people are reminded of action items, in days; one row. Everything is told at nine in the morning where the
    person lives."""

    remind_before_days = models.PositiveSmallIntegerField(
        default=3, validators=DAYS, help_text="The owner, so long before an item is due; and again on the day."
    )
    remind_every_days = models.PositiveSmallIntegerField(
        default=7, validators=DAYS, help_text="The owner, each time that it has been overdue for so long again."
    )
    escalate_after_days = models.PositiveSmallIntegerField(
        default=7, validators=DAYS, help_text="The managers of its teams, once it has been overdue for so long."
    )
    escalate_every_days = models.PositiveSmallIntegerField(
        default=14, validators=DAYS, help_text="The managers, each time that so much more has passed."
    )
    unowned_after_days = models.PositiveSmallIntegerField(
        default=2, validators=DAYS, help_text="The managers, where nobody owns it so long after it was written down."
    )

    objects = SettingsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "follow-up settings"
        constraints = (models.CheckConstraint(condition=Q(pk=1), name="followups_settings_one_row"),)

    def __str__(self) -> str:
        return "Follow-up settings"


class Reminder(models.Model):
    """That a person was reminded of an item, for a reason that came on a day: once, whoever looks, and how often.

    ``for_day`` is the person's local day on which the reason came. ``sent_at`` is empty where they cannot be reached.
    """

    class Kind(models.TextChoices):
        """Why."""

        SOON = "soon", "Due soon"
        TODAY = "today", "Due"
        OVERDUE = "overdue", "Overdue"
        ESCALATED = "escalated", "Overdue, told to managers"
        UNOWNED = "unowned", "Without an owner"

    action_item = models.ForeignKey(ActionItem, models.CASCADE, related_name="reminders")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    for_day = models.DateField()
    sent_at = models.DateTimeField(null=True, blank=True)

    objects = ReminderQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("action_item", "kind", "for_day", "user"), name="followups_reminder_once"),
        )

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.action_item} to {self.user}"


class Tracker(Timestamped):
    """Where tickets are kept: a repository, a project, or an address that takes signed requests.

    ``secret`` is a token, or what requests to a webhook are signed with; it is on no page. A tracker of a ``team``
    takes what incidents of its services left; one without a team takes everything.
    """

    class Kind(models.TextChoices):
        """What it speaks (``followups.trackers``)."""

        GITHUB = "github", "GitHub issues"
        GITLAB = "gitlab", "GitLab issues"
        JIRA = "jira", "Jira Cloud"
        WEBHOOK = "webhook", "Signed webhook"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    name = models.CharField(max_length=80, unique=True, help_text="What people choose it by.")
    base_url = models.CharField(
        "address",
        max_length=500,
        help_text="https://api.github.com, https://gitlab.com, https://NAME.atlassian.net, or where requests go.",
    )
    project = models.CharField(
        max_length=200, blank=True, help_text="owner/repository, group/project, or Jira's key such as OPS."
    )
    username = models.CharField(
        max_length=200, blank=True, help_text="Jira: the e-mail address of the account that the token belongs to."
    )
    issue_type = models.CharField(max_length=80, blank=True, help_text="Jira: the type of issue. Empty: Task.")
    secret = models.CharField(max_length=2000, blank=True, editable=False)
    team = models.ForeignKey(
        Team, models.PROTECT, null=True, blank=True, related_name="trackers", help_text="Empty: for every team."
    )
    is_active = models.BooleanField("is on", default=True, help_text="One that is off sends nothing and asks nothing.")
    is_demo = models.BooleanField(default=False, editable=False)

    objects = TrackerQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page, for admins."""
        return reverse("followups:tracker_edit", args=[self.pk])

    def clean(self) -> None:
        """An address of the web, and a project as its kind writes it."""
        errors: dict[str, str] = {}
        self.base_url, self.project = self.base_url.strip(), self.project.strip()
        try:
            parts = urlsplit(self.base_url)
            is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_web = False
        if not is_web or not self.base_url.isprintable() or " " in self.base_url:
            errors["base_url"] = "Write an address that begins with https:// or http://."
        elif parts.username is not None:
            errors["base_url"] = "Leave user and password out of the address; the secret has a field of its own."
        pattern, words = PROJECTS.get(self.kind, PROJECTS["webhook"])
        if not pattern.fullmatch(self.project):
            errors["project"] = words
        if self.kind == self.Kind.JIRA and not self.username.strip():
            errors["username"] = "Jira asks for the account's e-mail address beside its token."
        if errors:
            raise ValidationError(errors)

    def address_for(self, user: User) -> str:
        """Where requests go: all of it for admins, the host for others, since a path may be a secret of its own."""
        if self.kind != self.Kind.WEBHOOK or user.has_role(Role.ADMIN):
            return self.base_url
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}/…"

    @property
    def label(self) -> str:
        """The tracker and its project in words: GitHub octo/repo."""
        first = str(self.get_kind_display()).split(" ", 1)[0] if self.kind != self.Kind.WEBHOOK else self.name
        return f"{first} {self.project}".strip()


class Ticket(models.Model):
    """The ticket that an item became, or is to become: an obligation until it is there, and then looked after.

    ``due_at`` is when a sweep looks: to send it, or to see how it stands; empty when there is nothing more to do.
    ``may_exist`` is true from before an attempt until its end is known: then the tracker is asked for the ``marker``,
    which the ticket's text holds, before another attempt is made.
    """

    class State(models.TextChoices):
        """From asked for to closed."""

        QUEUED = "queued", "Waits to be sent"
        SENDING = "sending", "Is being sent"
        FAILED = "failed", "Not exported"
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"

    action_item = models.OneToOneField(ActionItem, models.CASCADE, related_name="ticket")
    tracker = models.ForeignKey(Tracker, models.PROTECT, related_name="tickets")
    marker = models.CharField(max_length=60, unique=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    key = models.CharField(max_length=250, blank=True, help_text="As the tracker writes it, such as octo/repo#12.")
    url = models.CharField(max_length=1000, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True)
    may_exist = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0)
    misses = models.PositiveSmallIntegerField(default=0, help_text="How often in a row its state could not be read.")
    error = models.CharField(max_length=500, blank=True)
    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    exported_at = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=("queued", "sending"), due_at__isnull=False)
                | Q(state="failed", due_at=None)
                | Q(state__in=("open", "closed")) & ~Q(key=""),
                name="followups_ticket_state",
            ),
            models.UniqueConstraint(fields=("tracker", "key"), condition=~Q(key=""), name="followups_ticket_once"),
        )
        indexes = (models.Index(fields=("due_at", "id"), condition=Q(due_at__isnull=False), name="followups_due"),)

    def __str__(self) -> str:
        return self.key or f"{self.action_item} for {self.tracker}"

    @property
    def is_there(self) -> bool:
        """Whether the tracker has it."""
        return self.state in (self.State.OPEN, self.State.CLOSED)

    @property
    def source(self) -> str:
        """Who says so, on the timeline: GitHub octo/repo#12."""
        first = self.tracker.label.split(" ", 1)[0] if self.tracker.kind != Tracker.Kind.WEBHOOK else self.tracker.name
        return f"{first} {self.key}"
