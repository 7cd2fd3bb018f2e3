"""Actions that a step or a person may ask for, the runners that carry them out, and every time one was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from automation.parameters import Parameter, read
from automation.querysets import ActionQuerySet, ExecutionQuerySet, RunnerQuerySet
from catalog.models import Service
from core.timestamps import Timestamped
from incidents.models import Incident

if TYPE_CHECKING:
    from datetime import datetime, timedelta

RESERVED_SLUGS = frozenset({"new"})  # addresses of their own
OUTPUT_LIMIT = 64 * 1024  # characters that are kept of what an action prints


class Way(models.TextChoices):
    """How an action is carried out; there is no other way."""

    HTTP = "http", "HTTP request"
    RUNNER = "runner", "Runner"


class Runner(Timestamped):
    """A program beside somebody's systems that asks for work. Only the SHA-256 of its token is stored.

    ``offers`` is what its own file allows, as it said when it last asked; ``heard_at`` is when that was.
    """

    name = models.CharField(max_length=80, unique=True, help_text="Such as the place where it runs.")
    is_enabled = models.BooleanField(default=True, help_text="A runner that is off gets no work.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    prefix = models.CharField(max_length=16, editable=False)
    version = models.CharField(max_length=40, blank=True, editable=False)
    host = models.CharField(max_length=200, blank=True, editable=False)
    offers = models.JSONField(default=list, blank=True, editable=False)
    heard_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = RunnerQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("automation:runner_detail", args=[self.pk])

    def is_heard(self, *, now: datetime, within: timedelta) -> bool:
        """Whether it asked for work a short while ago; the demo's, which there is none of, always did."""
        return self.is_demo or (self.heard_at is not None and now - self.heard_at <= within)

    def offer(self, command: str) -> dict[str, object] | None:
        """What its file says of a command; None where the file has none of that name."""
        rows = self.offers if isinstance(self.offers, list) else []
        return next((row for row in rows if row.get("name") == command), None)


class Action(Timestamped):
    """Something that Muster may have done: a signed request to one address, or a command of a runner's own file.

    Nothing in it is a template: the address, the headers and the command are fixed, and values travel as strings of a
    JSON body or as elements of the runner's argument list. ``revision`` counts changes of what it does; what was asked
    for before a change is not done after it.
    """

    class Kind(models.TextChoices):
        """What it is for."""

        DIAGNOSTICS = "diagnostics", "Run diagnostics"
        FIX = "fix", "Apply a fix"
        SCALE = "scale", "Scale"
        ROLLBACK = "rollback", "Roll back"

    class Format(models.TextChoices):
        """What the other side of a request speaks (``automation.requests``)."""

        GENERIC = "generic", "Generic webhook"
        GITHUB = "github", "GitHub Actions workflow"
        ARGO = "argo", "Argo Workflows"
        JENKINS = "jenkins", "Jenkins job"
        AWX = "awx", "AWX job template"

    slug = models.SlugField(max_length=80, unique=True)
    name = models.CharField(max_length=120)
    summary = models.TextField("what it does", blank=True, max_length=2000, help_text="And what one should see then.")
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.DIAGNOSTICS)
    way = models.CharField(max_length=10, choices=Way.choices, default=Way.RUNNER)

    runner = models.ForeignKey(Runner, models.PROTECT, null=True, blank=True, related_name="actions")
    command = models.CharField(
        max_length=80, blank=True, help_text="The name of an action in the runner's own file, and nothing else."
    )
    format = models.CharField(max_length=20, choices=Format.choices, default=Format.GENERIC, blank=True)
    url = models.CharField("address", max_length=1000, blank=True, help_text="Fixed: no part of it is ever filled in.")
    target = models.CharField(
        max_length=200, blank=True, help_text="GitHub: branch or tag. Argo: the workflow template's name."
    )
    authorization = models.CharField(
        max_length=2000,
        blank=True,
        editable=False,
        help_text="The Authorization header, such as Bearer …; it is stored and never shown again.",
    )
    signing_secret = models.CharField(max_length=200, blank=True, editable=False)

    parameters = models.JSONField(default=list, blank=True, editable=False)
    is_read_only = models.BooleanField(
        "only reads", default=False, help_text="It changes nothing, whatever it is given."
    )
    is_destructive = models.BooleanField(
        "needs a second person", default=False, help_text="Somebody other than who asked has to approve it."
    )
    has_dry_run = models.BooleanField(
        "has a dry run", default=False, help_text="It can say what it would do without doing it."
    )
    is_automatic = models.BooleanField(
        "runs by itself",
        default=False,
        help_text="When an incident of its services opens. Only diagnostics that only read.",
    )
    seconds = models.PositiveIntegerField(
        "time limit", default=120, help_text="Seconds, for a runner; at most an hour."
    )
    services = models.ManyToManyField(Service, related_name="actions", blank=True)
    rollback = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="rolls_back", help_text="What takes it back."
    )
    revision = models.PositiveIntegerField(default=1, editable=False)
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_demo = models.BooleanField(default=False, editable=False)

    objects = ActionQuerySet.as_manager()

    class Meta:
        ordering = ("name", "slug")
        constraints = (
            models.CheckConstraint(
                condition=Q(is_automatic=False) | Q(is_read_only=True, kind="diagnostics"),
                name="automation_only_readers_run_alone",
                violation_error_message="Only diagnostics that only read may run by themselves.",
            ),
            models.CheckConstraint(
                condition=Q(is_destructive=False) | Q(is_read_only=False),
                name="automation_readers_destroy_nothing",
                violation_error_message="What only reads needs no second person.",
            ),
            models.CheckConstraint(
                condition=Q(way="http", runner=None, command="") & ~Q(url="")
                | Q(way="runner", runner__isnull=False, url="") & ~Q(command=""),
                name="automation_one_way",
                violation_error_message="Say an address for a request, or a runner and its command.",
            ),
            models.CheckConstraint(
                condition=Q(seconds__gte=1, seconds__lte=3600),
                name="automation_seconds",
                violation_error_message="The time limit is 1 to 3,600 seconds.",
            ),
        )

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Not a slug that is an address of its own, and not its own rollback."""
        if self.slug in RESERVED_SLUGS:
            raise ValidationError({"slug": "This word is an address of its own. Choose another one."})
        if self.pk and self.rollback_id == self.pk:
            raise ValidationError({"rollback": "An action does not take itself back."})

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("automation:action_detail", args=[self.slug])

    def address_for(self, user: User) -> str:
        """Where a request goes: all of it for admins, the host for others, since a path may be a secret of its own."""
        if not self.url or user.has_role(Role.ADMIN):
            return self.url
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/…"

    @property
    def takes(self) -> tuple[Parameter, ...]:
        """Its parameters."""
        return read(self.parameters)


class Execution(models.Model):
    """One time that an action was asked for at an incident; it happens once or not at all, and says which.

    ``due_at`` is when a sweep looks at it, and is empty when its end is known; ``lease_token`` is who may speak of it.
    What was asked for is kept as it was: the values, and the revision of the action.
    """

    class State(models.TextChoices):
        """From asked for to its end. ``unknown`` may have happened: somebody has to look."""

        WAITING = "waiting", "Waits for a second person"
        QUEUED = "queued", "Waits to begin"
        CLAIMED = "claimed", "Taken by its runner"
        RUNNING = "running", "Runs"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"
        UNKNOWN = "unknown", "Unknown: check"
        REFUSED = "refused", "Refused"
        CANCELLED = "cancelled", "Not run"

    action = models.ForeignKey(Action, models.PROTECT, related_name="executions")
    revision = models.PositiveIntegerField()
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="executions")
    key = models.CharField(max_length=120, unique=True, help_text="Asking twice with one key asks once.")
    place = models.CharField(
        max_length=80, blank=True, help_text="What it belongs to, such as run/7/3: step 3 of run 7."
    )
    way = models.CharField(max_length=10, choices=Way.choices)
    values = models.JSONField(default=dict, blank=True)
    is_dry_run = models.BooleanField(default=False)
    is_automatic = models.BooleanField(default=False)
    rollback_of = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="rollbacks")
    state = models.CharField(max_length=10, choices=State.choices)
    due_at = models.DateTimeField(null=True, blank=True)

    asked_at = models.DateTimeField(default=timezone.now)
    asked_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True, help_text="When it was approved or refused.")
    decided_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="When somebody asked for it to be stopped.")
    stopped_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")

    runner = models.ForeignKey(Runner, models.SET_NULL, null=True, blank=True, related_name="executions")
    lease_token = models.UUIDField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    http_status = models.PositiveSmallIntegerField(null=True, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    output = models.TextField(blank=True)
    received = models.PositiveIntegerField(default=0, help_text="Characters that the runner has sent.")
    left_out = models.PositiveBigIntegerField(default=0, help_text="Bytes that were printed and not kept.")

    objects = ExecutionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("incident", "action"), condition=Q(due_at__isnull=False), name="automation_one_at_a_time"
            ),
            models.CheckConstraint(
                condition=Q(
                    state__in=("waiting", "queued", "claimed", "running"), due_at__isnull=False, finished_at=None
                )
                | Q(
                    state__in=("done", "failed", "unknown", "refused", "cancelled"),
                    due_at=None,
                    finished_at__isnull=False,
                ),
                name="automation_due_until_over",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=models.F("asked_by")) | Q(state="refused"),
                name="automation_second_person",
            ),
        )
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(due_at__isnull=False), name="automation_due"),
            models.Index(fields=("runner", "id"), condition=Q(state="queued"), name="automation_queue"),
            models.Index(fields=("action", "-asked_at"), name="automation_by_action"),
        )

    def __str__(self) -> str:
        return f"{self.action} at INC-{self.incident_id}"

    def get_absolute_url(self) -> str:
        """Its page."""
        return reverse("automation:execution", args=[self.pk])

    @property
    def is_over(self) -> bool:
        """Whether its end is known, or is known to be unknown."""
        return self.due_at is None
