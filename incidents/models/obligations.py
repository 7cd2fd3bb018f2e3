"""What Muster still owes an incident: planned actions, running escalations, and clocks. Each has a due time."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from accounts.models import Team, User
from incidents.models.incident import Incident
from oncall.models import EscalationPolicy


class PlannedAction(models.Model):
    """One line of the plan that a severity policy was compiled into: what, to whom, due when, done or not.

    ``target`` makes it unique within the incident: raising severity adds only what is missing.
    """

    class Kind(models.TextChoices):
        """What a severity policy can ask for."""

        PAGE_ON_CALL = "page_on_call", "Page on-call"
        NOTIFY_LEADERSHIP = "notify_leadership", "Notify leadership"
        NOTIFY_CHANNEL = "notify_channel", "Notify team channel"
        OPEN_TICKET = "open_ticket", "Team ticket"

    class State(models.TextChoices):
        """``cancelled``: the incident ended before it was due."""

        DUE = "due", "Due"
        DONE = "done", "Done"
        CANCELLED = "cancelled", "Cancelled"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="plan")
    kind = models.CharField(max_length=30, choices=Kind.choices)
    target = models.CharField(max_length=60, help_text="policy/7, team/3, leadership or admins.")
    target_label = models.CharField(max_length=200)
    policy = models.ForeignKey(EscalationPolicy, models.SET_NULL, null=True, blank=True, related_name="+")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=20, choices=State.choices, default=State.DUE)
    due_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    result = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("due_at", "id")
        constraints = (
            models.UniqueConstraint(fields=("incident", "kind", "target"), name="incidents_plan_once"),
            models.CheckConstraint(
                condition=Q(state="due", finished_at=None) | (~Q(state="due") & Q(finished_at__isnull=False)),
                name="incidents_plan_finished_iff_not_due",
            ),
        )
        indexes = (models.Index(fields=("due_at", "id"), condition=Q(state="due"), name="incidents_plan_due"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.target_label}"


class Escalation(models.Model):
    """One escalation policy at work on one incident. No policy: every admin is paged, as the last resort.

    ``next_step`` counts from 0 within ``round``; ``due_at`` is when it fires, or, past the last step of the last
    round, when the policy counts as exhausted.
    """

    class State(models.TextChoices):
        """Exhausted is a valid end: everybody was paged and nobody answered."""

        RUNNING = "running", "Running"
        STOPPED = "stopped", "Stopped"
        EXHAUSTED = "exhausted", "Exhausted"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="escalations")
    policy = models.ForeignKey(EscalationPolicy, models.SET_NULL, null=True, blank=True, related_name="+")
    target = models.CharField(max_length=60, help_text="policy/7 or admins.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.RUNNING)
    round = models.PositiveSmallIntegerField(default=0)
    next_step = models.PositiveSmallIntegerField(default=0)
    has_paged = models.BooleanField(default=False, help_text="Somebody was paged in the current round.")
    turn = models.PositiveBigIntegerField(default=0, help_text="Where the steps that take turns go on from.")
    needed = models.PositiveSmallIntegerField(
        default=1, help_text="How many people must acknowledge: the most that a step asks for which has paged."
    )
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("incident", "target"), name="incidents_escalation_once"),
            models.CheckConstraint(
                condition=Q(state="running", stopped_at=None) | (~Q(state="running") & Q(stopped_at__isnull=False)),
                name="incidents_escalation_stopped_iff_not_running",
            ),
        )
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(state="running"), name="incidents_escalation_due"),
        )

    def __str__(self) -> str:
        return f"{self.incident_id} {self.target}"


class EscalationAnswer(models.Model):
    """Somebody acknowledged while an escalation was running that needs more than one acknowledgement."""

    escalation = models.ForeignKey(Escalation, models.CASCADE, related_name="answers")
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("escalation", "user"), name="incidents_answer_once"),)

    def __str__(self) -> str:
        return f"{self.user} answered {self.escalation_id}"


class SlaClock(models.Model):
    """A promise with a due time. Breached stays breached; a late answer is then recorded in ``met_at``.

    The promise of the next status update is made again with each one: while it is kept, its row moves on.
    """

    class Kind(models.TextChoices):
        """What was promised."""

        RESPONSE = "response", "Response"
        RESOLUTION = "resolution", "Resolution"
        UPDATE = "update", "Next update"

    class State(models.TextChoices):
        """Where the promise stands."""

        RUNNING = "running", "Running"
        MET = "met", "Met"
        BREACHED = "breached", "Breached"
        CANCELLED = "cancelled", "Cancelled"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="clocks")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    state = models.CharField(max_length=20, choices=State.choices, default=State.RUNNING)
    started_at = models.DateTimeField()
    due_at = models.DateTimeField()
    warn_at = models.DateTimeField(help_text="When 80 % of the time is used.")
    warned_at = models.DateTimeField(null=True, blank=True)
    met_at = models.DateTimeField(null=True, blank=True)
    breached_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("incident", "id")
        constraints = (
            models.UniqueConstraint(
                fields=("incident", "kind"), condition=Q(state="running"), name="incidents_one_running_clock"
            ),
            models.CheckConstraint(
                condition=~Q(state="met") | Q(met_at__isnull=False), name="incidents_met_clock_has_met_at"
            ),
            models.CheckConstraint(
                condition=Q(state="breached", breached_at__isnull=False) | (~Q(state="breached") & Q(breached_at=None)),
                name="incidents_breached_iff_breached_at",
            ),
        )
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(state="running"), name="incidents_clock_due"),
            models.Index(
                fields=("warn_at", "id"), condition=Q(state="running", warned_at=None), name="incidents_clock_warn"
            ),
        )

    def __str__(self) -> str:
        return f"{self.incident_id} {self.kind} clock"
