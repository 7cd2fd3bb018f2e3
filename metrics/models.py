"""What figures are made of: a fact for each incident, sums of facts by week, and what is still to be summed again.

``Fact`` and ``Interruption`` are derived from the rows of other rooms, ``Tally``, ``Series`` and ``Load`` from those
two (``metrics.facts``, ``metrics.cells``). None of the five is ever written by hand; ``rebuild_metrics`` makes all of
them anew. Lengths of time are whole microseconds, weeks are ISO weeks of the site's time zone, by their Monday.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from core.timestamps import Timestamped
from incidents.models import Incident, Severity
from metrics.querysets import COUNTED, EverybodysQuerySet, FactQuerySet, OfIncidentQuerySet, OwnQuerySet
from notifications.models import File

WEEK_HOURS = 168


class Fact(models.Model):
    """What figures know of one incident. It stays until the sums know that the incident is gone.

    A time is empty where it has not come to an end. Stages are those of the status from its declaration to its last
    resolution, without the time between a resolution and a reopening; they are empty while it is open, and where the
    timeline does not tell them.
    """

    class Standing(models.TextChoices):
        """Whether it counts."""

        COUNTED = COUNTED, "Counted"
        MERGED = "merged", "Duplicate, merged into another"
        EXCLUDED = "excluded", "Left out"

    class Promise(models.TextChoices):
        """How a promise was kept: the worst of its clocks, where there were several."""

        NONE = "", "None made"
        MET = "met", "Met"
        BREACHED = "breached", "Breached"
        PENDING = "pending", "Pending"
        CANCELLED = "cancelled", "Cancelled"

    class Learning(models.TextChoices):
        """Whether the postmortem came in time."""

        NONE = "", "None promised"
        WAITING = "waiting", "Not due yet"
        OVERDUE = "overdue", "Overdue"
        ON_TIME = "on_time", "Published on time"
        LATE = "late", "Published late"

    incident = models.OneToOneField(
        Incident, models.DO_NOTHING, primary_key=True, db_constraint=False, related_name="fact"
    )
    created_at = models.DateTimeField()
    week = models.DateField()
    hour_of_week = models.PositiveSmallIntegerField(help_text="0 is Monday, 00:00 to 01:00, on the site's clocks.")
    severity = models.CharField(max_length=10)
    standing = models.CharField(max_length=10, choices=Standing.choices)
    is_private = models.BooleanField()
    is_open = models.BooleanField()
    was_resolved = models.BooleanField(help_text="At least once.")
    reopenings = models.PositiveIntegerField()

    acknowledge_us = models.BigIntegerField(null=True, help_text="acknowledged_at - created_at")
    resolve_us = models.BigIntegerField(null=True, help_text="resolved_at - created_at")
    impact_us = models.BigIntegerField(null=True, help_text="resolved_at - started_at")
    triggered_us = models.BigIntegerField(null=True)
    acknowledged_us = models.BigIntegerField(null=True)
    investigating_us = models.BigIntegerField(null=True)
    mitigating_us = models.BigIntegerField(null=True)

    response = models.CharField(max_length=10, choices=Promise.choices, blank=True)
    resolution = models.CharField(max_length=10, choices=Promise.choices, blank=True)
    postmortem = models.CharField(max_length=10, choices=Learning.choices, blank=True)
    changes_at = models.DateTimeField(null=True, help_text="When this fact becomes another one by itself.")

    alerts = models.PositiveIntegerField()
    items = models.PositiveIntegerField(help_text="Action items.")
    items_done = models.PositiveIntegerField()
    items_on_time = models.PositiveIntegerField(help_text="Done by their day on the site's clocks, or without a day.")
    items_accepted = models.PositiveIntegerField()

    service_ids = ArrayField(models.BigIntegerField())
    team_ids = ArrayField(models.BigIntegerField(), help_text="That own one of the services today.")
    factor_ids = ArrayField(models.BigIntegerField())

    objects = FactQuerySet.as_manager()

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(severity__in=Severity.values), name="metrics_fact_severity"),)
        indexes = (
            models.Index(fields=("created_at",), name="metrics_fact_created"),
            models.Index(fields=("week", "severity"), name="metrics_fact_week"),
            models.Index(fields=("created_at",), condition=Q(is_private=True), name="metrics_fact_private"),
            models.Index(fields=("created_at",), condition=Q(is_open=True), name="metrics_fact_open"),
            models.Index(fields=("changes_at",), condition=Q(changes_at__isnull=False), name="metrics_fact_due"),
            GinIndex(fields=("service_ids",), name="metrics_fact_services"),
            GinIndex(fields=("team_ids",), name="metrics_fact_teams"),
            GinIndex(fields=("factor_ids",), name="metrics_fact_factors"),
        )

    def __str__(self) -> str:
        return f"INC-{self.incident_id}"


class Interruption(models.Model):
    """A page that reached a person: however many of their contact methods carried it at once, it is one.

    ``local_hour`` counts hours of the person's own clocks since 1970-01-01 00:00 there; pages of one hour interrupt
    it once. ``is_counted`` is false where somebody has left the incident out.
    """

    incident = models.ForeignKey(
        Incident, models.DO_NOTHING, db_constraint=False, related_name="interruptions", db_index=False
    )
    user = models.ForeignKey(User, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    at = models.DateTimeField()
    local_hour = models.IntegerField()
    is_night = models.BooleanField()
    is_private = models.BooleanField()
    is_counted = models.BooleanField()

    objects = OfIncidentQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("incident", "user", "at"), name="metrics_interruption_once"),)
        indexes = (
            models.Index(fields=("user", "local_hour"), name="metrics_interruptions_of"),
            models.Index(fields=("local_hour",), name="metrics_interruptions_by_hour"),
            models.Index(fields=("local_hour",), condition=Q(is_private=True), name="metrics_interruptions_private"),
        )

    def __str__(self) -> str:
        return f"INC-{self.incident_id}: {self.user_id}"


class Cell(models.Model):
    """One square of the sums: an ISO week and a severity, of all incidents, or of a service, a team or a contributing
    factor. Nothing private is in it."""

    class Kind(models.TextChoices):
        """Of which incidents; ``ref`` is the key of the service, team or factor, and 0 for all."""

        ALL = "all", "All"
        SERVICE = "service", "Service"
        TEAM = "team", "Team"
        FACTOR = "factor", "Contributing factor"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    ref = models.BigIntegerField(default=0)
    week = models.DateField()
    severity = models.CharField(max_length=10)

    class Meta:
        abstract = True


class Tally(Cell):
    """The numbers of a cell, by name (``metrics.measures``): a count, or a sum of microseconds."""

    numbers = ArrayField(models.BigIntegerField(), help_text="In the order of metrics.measures.NAMES.")

    objects = EverybodysQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("kind", "ref", "week", "severity"), name="metrics_tally_once"),)
        indexes = (models.Index(fields=("kind", "week"), name="metrics_tally_week"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.ref}, {self.week}, {self.severity}"


class Series(Cell):
    """Every value of a cell, sorted, as big-endian integers (``metrics.measures.SIZES``): medians and percentiles
    cannot be summed. They are stored as they are (migration 0004): compressed, reading a year would take twice as
    long."""

    measure = models.CharField(max_length=20)
    values = models.BinaryField()

    objects = EverybodysQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "series"
        constraints = (
            models.UniqueConstraint(fields=("kind", "ref", "measure", "week", "severity"), name="metrics_series_once"),
        )

    def __str__(self) -> str:
        return f"{self.measure} of {self.kind} {self.ref}, {self.week}, {self.severity}"


class Load(models.Model):
    """How often a person was paged in a week of their own clocks, about what is not private."""

    user = models.ForeignKey(User, models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False)
    week = models.DateField()
    pages = models.PositiveIntegerField()
    night_pages = models.PositiveIntegerField()
    interrupted_hours = models.PositiveIntegerField()
    hours = ArrayField(models.PositiveSmallIntegerField(), help_text="The hour of the week of each page, sorted.")

    objects = EverybodysQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("week", "user"), name="metrics_load_once"),)

    def __str__(self) -> str:
        return f"{self.user_id}, {self.week}"


class Stale(models.Model):
    """An incident whose facts have changed; the database's own triggers write it (migration 0002)."""

    incident_id = models.BigIntegerField()

    objects = EverybodysQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "stale"

    def __str__(self) -> str:
        return f"INC-{self.incident_id}"


class Progress(models.Model):
    """How far the sums are; one row. Whoever holds its lock is the one who sums.

    ``basis`` is what all facts depend on: the site's zone, what the severity policy promises, and the version of the
    arithmetic. Where it is not today's, everything is made anew, from the incident after ``rebuilt_to`` on.
    """

    basis = models.JSONField(default=dict)
    zone = models.CharField(max_length=64, default="UTC", help_text="Of the weeks that the sums are of.")
    rebuilding = models.JSONField(null=True, help_text="The basis that a rebuild under way is for.")
    rebuilt_to = models.BigIntegerField(default=0)
    rebuilt_at = models.DateTimeField(null=True)
    summed_at = models.DateTimeField(null=True, help_text="Up to when everything is in the sums.")

    objects = EverybodysQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "progress"
        constraints = (models.CheckConstraint(condition=Q(pk=1), name="metrics_progress_one_row"),)

    def __str__(self) -> str:
        return "Progress of the sums"


class MetricsSettings(Timestamped):
    """What the figures are held against, and what an hour costs; one row."""

    target_percent = models.PositiveSmallIntegerField(
        default=90,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text="How many of the response promises are to be kept.",
    )
    currency = models.CharField(
        max_length=3,
        blank=True,
        validators=[RegexValidator("^[A-Z]{3}$", "Write three capitals, such as EUR.")],
        help_text="ISO 4217, such as EUR. Empty: no costs are shown.",
    )
    critical_per_hour = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    high_per_hour = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    medium_per_hour = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    low_per_hour = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    leadership_weekly = models.BooleanField(
        "weekly report to leadership", default=True, help_text="Unless one of them has chosen otherwise."
    )
    leadership_monthly = models.BooleanField("monthly report to leadership", default=True)

    objects = EverybodysQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "metrics settings"
        constraints = (models.CheckConstraint(condition=Q(pk=1), name="metrics_settings_one_row"),)

    def __str__(self) -> str:
        return "Metrics settings"


class ReportChoice(models.Model):
    """Which reports a person wants by e-mail. Without a row, what the settings say of leadership holds."""

    user = models.OneToOneField(User, models.CASCADE, related_name="report_choice")
    weekly = models.BooleanField(default=False)
    monthly = models.BooleanField(default=False)

    objects = OwnQuerySet.as_manager()

    def __str__(self) -> str:
        return f"Reports of {self.user}"


class Report(models.Model):
    """A report that was made and sent: of an ISO week or a month of the site's time zone. It holds nothing private."""

    class Kind(models.TextChoices):
        """Of what time."""

        WEEKLY = "weekly", "Weekly"
        MONTHLY = "monthly", "Monthly"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    starts_on = models.DateField()
    due_at = models.DateTimeField()
    made_at = models.DateTimeField(default=timezone.now)
    file = models.ForeignKey(File, models.SET_NULL, null=True, blank=True, related_name="+")
    sent_to = models.PositiveIntegerField(default=0, help_text="How many people.")

    objects = EverybodysQuerySet.as_manager()

    class Meta:
        ordering = ("-starts_on", "kind")
        constraints = (models.UniqueConstraint(fields=("kind", "starts_on"), name="metrics_report_once"),)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} report from {self.starts_on}"
