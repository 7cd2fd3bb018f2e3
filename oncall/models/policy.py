"""Whom to page, in what order: escalation policies."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import Team, User
from core.timestamps import Timestamped
from oncall.models.schedule import Schedule
from oncall.querysets import EscalationPolicyQuerySet

MOST_ACKNOWLEDGEMENTS = 10


class EscalationPolicy(Timestamped):
    """Ordered steps, run once and then ``repeat`` more times, each round ``repeat_after_minutes`` after the last step.

    At most one policy is the site's default, used where no affected service names one.
    """

    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="escalation_policies")
    repeat = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(20)], help_text="Extra rounds after the first."
    )
    repeat_after_minutes = models.PositiveIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    is_default = models.BooleanField(
        default=False, help_text="Used for incidents whose services name no policy. At most one policy is the default."
    )
    turn = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="How often it has begun to page; steps that take turns go by it."
    )
    is_demo = models.BooleanField(default=False, editable=False)

    objects = EscalationPolicyQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        verbose_name_plural = "escalation policies"
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=Q(is_default=True), name="oncall_one_default_policy"
            ),
        )

    def __str__(self) -> str:
        return self.name


class EscalationStep(models.Model):
    """Page these targets ``delay_minutes`` after the step before (after the start, for the first).

    One that takes turns pages one person of all that its targets come to, the next one each time. Once it has paged
    somebody, paging goes on until ``acknowledgements`` people have acknowledged.
    """

    policy = models.ForeignKey(EscalationPolicy, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    delay_minutes = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(1440)])
    takes_turns = models.BooleanField(default=False, help_text="Page one person, the next one each time.")
    acknowledgements = models.PositiveSmallIntegerField(
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_ACKNOWLEDGEMENTS)],
        help_text="How many people must acknowledge before paging stops.",
    )

    class Meta:
        ordering = ("policy", "position")
        constraints = (
            models.UniqueConstraint(
                fields=("policy", "position"),
                name="oncall_step_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
        )

    def __str__(self) -> str:
        return f"Step {self.position + 1} of {self.policy}"


class EscalationTarget(models.Model):
    """A user, everyone in a team, or whoever is on call by a schedule. One typed column a kind."""

    class Kind(models.TextChoices):
        """What a step can point at."""

        USER = "user", "User"
        TEAM = "team", "Team"
        SCHEDULE = "schedule", "Schedule"

    step = models.ForeignKey(EscalationStep, models.CASCADE, related_name="targets")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    user = models.ForeignKey(User, models.CASCADE, null=True, blank=True, related_name="escalation_targets")
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="escalation_targets")
    schedule = models.ForeignKey(Schedule, models.PROTECT, null=True, blank=True, related_name="escalation_targets")

    class Meta:
        ordering = ("step", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="user", user__isnull=False, team=None, schedule=None)
                | Q(kind="team", team__isnull=False, user=None, schedule=None)
                | Q(kind="schedule", schedule__isnull=False, user=None, team=None),
                name="oncall_target_matches_kind",
            ),
        )

    def __str__(self) -> str:
        return str(self.user or self.team or self.schedule)
