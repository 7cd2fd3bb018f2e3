"""What is kept beside action items: how people are reminded of them, and which reminders went out."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from accounts.models import User
from core.timestamps import Timestamped
from followups.querysets import ReminderQuerySet, SettingsQuerySet
from incidents.models import ActionItem

MOST_DAYS = 365
DAYS = (MinValueValidator(1), MaxValueValidator(MOST_DAYS))


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
