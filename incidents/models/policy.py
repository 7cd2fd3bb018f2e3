"""The severity policy: what each severity promises and whom it tells, and the calendar it reckons with."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q

from accounts.models import Team, User
from core import time_zones
from core.timestamps import Timestamped


class Severity(models.TextChoices):
    """Impact on users, worst first."""

    CRITICAL = "critical", "Critical"
    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"

    @property
    def rank(self) -> int:
        """0 is the worst, so that sorting by rank puts the worst first."""
        return list(Severity).index(self)


class ConfigurationQuerySet(models.QuerySet[Any]):
    """Reads of rows that configure responding."""

    def visible_to(self, user: User) -> ConfigurationQuerySet:
        """Every signed-in person may know the promises."""
        return self


class SeverityPolicy(Timestamped):
    """What one severity means: its impact, how soon somebody answers, and who is told.

    Durations are minutes. ``respond_within_minutes`` empty means by the end of the next business day.
    Declaring an incident compiles this row into planned actions and clocks (``incidents.plan``).
    """

    severity = models.CharField(max_length=10, choices=Severity.choices, unique=True)
    impact = models.CharField(max_length=200)
    response_label = models.CharField(
        max_length=60, blank=True, help_text="Words for the response time, such as Immediate. Empty: from the minutes."
    )
    respond_within_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Empty: by the end of the next business day.",
    )
    resolve_within_minutes = models.PositiveIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)], help_text="Empty: no promise."
    )
    page_on_call = models.BooleanField(default=False)
    notify_leadership = models.BooleanField(default=False)
    leadership_after_minutes = models.PositiveIntegerField(
        default=0, help_text="Tell leadership this long after the incident began to be worked, if it still runs."
    )
    remind_after_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Answered, and nobody has done anything for this long: remind the assignee, then page further. "
        "Empty: never.",
    )
    update_every_minutes = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="While it is open, those who wait hear how it stands at least so often. Empty: no promise.",
    )
    notify_channel = models.BooleanField("notify team channel", default=False)
    open_ticket = models.BooleanField("open team ticket", default=False)
    needs_postmortem = models.BooleanField(default=False, help_text="A draft is written when the incident is resolved.")
    postmortem_within_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Days from the end of the incident until its postmortem is to be published. Empty: no promise.",
    )
    follow_up_within_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Days until an action item is due for which nobody names a day. Empty: none is set.",
    )

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "severity policies"
        constraints = (
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="incidents_policy_severity_known"),
        )

    def __str__(self) -> str:
        return self.get_severity_display()

    @property
    def response_words(self) -> str:
        """The response time as people say it."""
        minutes = self.respond_within_minutes
        if self.response_label:
            return self.response_label
        if minutes is None:
            return "next business day"
        if minutes % 60 == 0:
            return f"{minutes // 60} hour{'s' if minutes > 60 else ''}"
        return f"{minutes} minutes"

    @property
    def notification_words(self) -> str:
        """Who is told, as people say it."""
        told = [
            (self.page_on_call, "page on-call"),
            (self.notify_leadership, "notify leadership"),
            (self.notify_channel, "notify team channel"),
            (self.open_ticket, "team ticket"),
        ]
        return ", ".join(words for wanted, words in told if wanted) or "nobody is told"


def _working_week() -> list[int]:
    return [1, 2, 3, 4, 5]


class IncidentSettings(Timestamped):
    """Site-wide settings of responding; one row. Business hours are wall time in ``time_zone``."""

    leadership = models.ForeignKey(
        Team, models.SET_NULL, null=True, blank=True, related_name="+", help_text="Told about critical incidents."
    )
    last_resort = models.ForeignKey(
        Team,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Paged when every escalation step is used up. Empty: every admin.",
    )
    time_zone = models.CharField(
        max_length=64,
        default="UTC",
        validators=[time_zones.validate],
        help_text="IANA name, such as Europe/Berlin.",
    )
    opens_at = models.TimeField(default=dt.time(9, 0))
    closes_at = models.TimeField(default=dt.time(17, 0))
    weekdays = ArrayField(
        models.PositiveSmallIntegerField(), default=_working_week, help_text="1 is Monday, 7 is Sunday."
    )

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "incident settings"
        constraints = (
            models.CheckConstraint(condition=Q(pk=1), name="incidents_settings_one_row"),
            models.CheckConstraint(condition=Q(opens_at__lt=F("closes_at")), name="incidents_opens_before_closing"),
        )

    def __str__(self) -> str:
        return "Incident settings"


class Holiday(models.Model):
    """A local date on which nobody is expected to answer a low-severity incident."""

    date = models.DateField(unique=True)
    name = models.CharField(max_length=100)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("date",)

    def __str__(self) -> str:
        return f"{self.date}: {self.name}"
