"""Public status pages: their parts, what happened to these, what readers get, and who hears of it.

Whatever a reader gets was rendered before it was asked for: ``Document`` holds the bytes of every address of a page.
The web server reads one row for each request, and the static export writes the same bytes to files.
"""

from __future__ import annotations

import secrets

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from catalog.models import MaintenanceWindow, Service
from core.public_ids import public_id
from core.timestamps import Timestamped
from incidents.models import Incident, StatusUpdate
from statuspage.querysets import ConfigurationQuerySet, DeliveryQuerySet, ReportQuerySet, SubscriberQuerySet
from statuspage.records import Announced as Announced
from statuspage.records import Export as Export


def secret() -> str:
    """What only its owner knows: 256 bits, in 43 characters that an address can carry."""
    return secrets.token_urlsafe(32)


class Health(models.TextChoices):
    """How a component is, from best to worst, in the words of the Statuspage API; maintenance is announced."""

    OPERATIONAL = "operational", "Operational"
    DEGRADED = "degraded_performance", "Degraded performance"
    PARTIAL = "partial_outage", "Partial outage"
    MAJOR = "major_outage", "Major outage"
    MAINTENANCE = "under_maintenance", "Under maintenance"


class StatusPage(Timestamped):
    """A public page. Days and bars are in its ``time_zone``; ``locale`` is the language of its fixed words and dates.

    ``changed_at`` is moved by whatever changes what readers see; the page is rendered when it is later than
    ``rendered_at``, or when ``due_at`` has come (a day ends, a maintenance begins), or when the incidents that may be
    told, and where Muster is reached, are not those of ``told`` (a digest) any more.
    """

    class Locale(models.TextChoices):
        """The languages that fixed words of a page exist in."""

        ENGLISH = "en", "English"
        GERMAN = "de", "Deutsch"
        FRENCH = "fr", "Français"
        SPANISH = "es", "Español"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    about = models.CharField(max_length=300, blank=True, help_text="A sentence below the name.")
    domain = models.CharField(
        max_length=253,
        blank=True,
        default="",
        validators=[RegexValidator(r"\A[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\Z")],
        help_text="Such as status.example.com. Its DNS points to Muster or to the proxy before it.",
    )
    logo = models.BinaryField(null=True, blank=True, editable=False)
    logo_type = models.CharField(max_length=40, blank=True, editable=False)
    colour = models.CharField(
        max_length=7, blank=True, validators=[RegexValidator(r"\A#[0-9a-f]{6}\Z")], help_text="Of the head, as #1d4ed8."
    )
    locale = models.CharField(max_length=5, choices=Locale.choices, default=Locale.ENGLISH)
    time_zone = models.CharField(max_length=64, default="UTC")
    home_url = models.URLField("home page", max_length=500, blank=True)
    support_url = models.URLField("support", max_length=500, blank=True)
    is_default = models.BooleanField(default=False, help_text="The one that /status/ shows.")
    is_demo = models.BooleanField(default=False, editable=False)

    changed_at = models.DateTimeField(default=timezone.now, editable=False)
    rendered_at = models.DateTimeField(null=True, blank=True, editable=False)
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    told = models.CharField(max_length=64, blank=True, default="", editable=False)
    exported_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("name", "slug")
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=Q(is_default=True), name="statuspage_one_default"
            ),
            models.UniqueConstraint(fields=("domain",), condition=~Q(domain=""), name="statuspage_domain_once"),
            models.CheckConstraint(condition=Q(logo=None) | ~Q(logo_type=""), name="statuspage_logo_has_type"),
        )

    def __str__(self) -> str:
        return self.name


class ComponentGroup(models.Model):
    """Components that stand together."""

    page = models.ForeignKey(StatusPage, models.CASCADE, related_name="groups")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    name = models.CharField(max_length=80)
    position = models.PositiveIntegerField(default=0)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.name


class Component(Timestamped):
    """A part of what readers use. Incidents of its services affect it; ``since`` is the first day of its history."""

    page = models.ForeignKey(StatusPage, models.CASCADE, related_name="components")
    group = models.ForeignKey(ComponentGroup, models.SET_NULL, null=True, blank=True, related_name="components")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    name = models.CharField(max_length=80)
    description = models.CharField(max_length=300, blank=True)
    position = models.PositiveIntegerField(default=0)
    services = models.ManyToManyField(Service, related_name="components", blank=True)
    since = models.DateField()

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("position", "id")

    def __str__(self) -> str:
        return self.name


class Report(models.Model):
    """An incident as one page tells it: there is one from its first external update that concerns the page on.

    Nothing of it comes from the incident but when its impact began and ended. ``name`` is the title of the last
    update that has one; the public id makes its permanent link.
    """

    page = models.ForeignKey(StatusPage, models.CASCADE, related_name="reports")
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="reports")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    name = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=20, choices=StatusUpdate.Status.choices)
    started_at = models.DateTimeField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    objects = ReportQuerySet.as_manager()

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (models.UniqueConstraint(fields=("page", "incident"), name="statuspage_report_once"),)
        indexes = (models.Index(fields=("page", "-created_at", "-id"), name="statuspage_reports"),)

    def __str__(self) -> str:
        return self.name or self.public_id


class Impact(models.Model):
    """How a component was, from one update of a report to another; without an end it still is. Uptime is made of these,
    and of nothing else."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="impacts")
    component = models.ForeignKey(Component, models.CASCADE, related_name="impacts")
    health = models.CharField(max_length=20, choices=Health.choices)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("started_at", "id")
        constraints = (
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("started_at")), name="statuspage_impact_ends_later"
            ),
            models.CheckConstraint(
                condition=Q(health__in=["degraded_performance", "partial_outage", "major_outage"]),
                name="statuspage_impact_is_one",
            ),
            models.UniqueConstraint(
                fields=("report", "component"), condition=Q(ended_at=None), name="statuspage_one_impact_at_a_time"
            ),
        )
        indexes = (models.Index(fields=("component", "started_at"), name="statuspage_impacts"),)

    def __str__(self) -> str:
        return f"{self.component}: {self.get_health_display()}"


class Taken(models.Model):
    """An external update that pages have taken up (``statuspage.publishing``): what is published and has no such row,
    or was edited after ``at``, is still to be taken. ``changes`` is what it did, by the public id of each component
    that it concerns: its health before and after. ``effect_at``: when that came about, which for the end of an incident
    may be before the public heard of it."""

    update = models.OneToOneField(StatusUpdate, models.CASCADE, related_name="taken")
    public_id = models.CharField(max_length=12, unique=True, default=public_id, editable=False)
    at = models.DateTimeField(help_text="When what was taken was published, or last edited.")
    effect_at = models.DateTimeField(default=timezone.now)
    changes = models.JSONField(default=dict)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("update",)

    def __str__(self) -> str:
        return f"{self.update_id}"


class Document(models.Model):
    """What readers get at one address of a page: ``path`` without a leading slash, such as ``api/v2/summary.json``; the
    page itself is ``index.html``."""

    page = models.ForeignKey(StatusPage, models.CASCADE, related_name="documents")
    path = models.CharField(max_length=120)
    content_type = models.CharField(max_length=60)
    body = models.BinaryField()
    etag = models.CharField(max_length=32)
    rendered_at = models.DateTimeField()

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("page", "path")
        constraints = (models.UniqueConstraint(fields=("page", "path"), name="statuspage_document_once"),)

    def __str__(self) -> str:
        return self.path


class Subscriber(models.Model):
    """Somebody outside who wants to hear of a page's news: by e-mail, once they have confirmed it, or by webhook.

    ``token`` opens the page on which they change what they hear of and leave; it stands in every message. Without
    ``components`` they hear of everything. ``ended_at``: they left, or were given up for the reason in ``ended_why``.
    """

    class Kind(models.TextChoices):
        """How they are told."""

        EMAIL = "email", "E-mail"
        WEBHOOK = "webhook", "Webhook"

    class Ended(models.TextChoices):
        """Why they hear nothing any more."""

        LEFT = "left", "Unsubscribed"
        BOUNCED = "bounced", "Address does not exist"
        GONE = "gone", "Endpoint is gone"
        REMOVED = "removed", "Removed by an admin"
        UNLISTED = "unlisted", "What they chose is no longer on the page"

    page = models.ForeignKey(StatusPage, models.CASCADE, related_name="subscribers")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    address = models.CharField(max_length=500)
    token = models.CharField(max_length=64, unique=True, default=secret, editable=False)
    signing_secret = models.CharField(max_length=100, blank=True, editable=False)
    components = models.ManyToManyField(Component, related_name="subscribers", blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    asked_at = models.DateTimeField(null=True, blank=True, help_text="When the last request to confirm went out.")
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_why = models.CharField(max_length=10, choices=Ended.choices, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="Deliveries in a row that were refused.")

    objects = SubscriberQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("page", "kind", "address"), name="statuspage_subscriber_once"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_why="") | (Q(ended_at__isnull=False) & ~Q(ended_why="")),
                name="statuspage_ended_with_reason",
            ),
        )
        indexes = (
            models.Index(
                fields=("page", "id"),
                condition=Q(confirmed_at__isnull=False, ended_at=None),
                name="statuspage_active_subscribers",
            ),
        )

    def __str__(self) -> str:
        return self.address

    @property
    def is_active(self) -> bool:
        """Hears of what happens."""
        return self.confirmed_at is not None and self.ended_at is None


class Mailing(models.Model):
    """One piece of news of a page, as its subscribers get it: an update, a step of a maintenance, or a request to
    confirm. ``fanned_to`` is the last subscriber that a delivery was made for; ``fanned_at`` is set when all have one.
    """

    class Kind(models.TextChoices):
        """What it tells."""

        UPDATE = "update", "Status update"
        MAINTENANCE = "maintenance", "Maintenance"

    page = models.ForeignKey(StatusPage, models.CASCADE, related_name="mailings")
    key = models.CharField(max_length=80, help_text="update/7, maintenance/3/begins: once for each page.")
    kind = models.CharField(max_length=20, choices=Kind.choices)
    report = models.ForeignKey(Report, models.CASCADE, null=True, blank=True, related_name="mailings")
    maintenance = models.ForeignKey(MaintenanceWindow, models.CASCADE, null=True, blank=True, related_name="+")
    components = models.ManyToManyField(Component, related_name="+", blank=True)
    subject = models.CharField(max_length=200)
    text = models.TextField()
    payload = models.JSONField(default=dict, help_text="What webhooks get.")
    created_at = models.DateTimeField(default=timezone.now)
    fanned_to = models.PositiveBigIntegerField(default=0)
    fanned_at = models.DateTimeField(null=True, blank=True)

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("page", "key"), name="statuspage_mailing_once"),)
        indexes = (models.Index(fields=("id",), condition=Q(fanned_at=None), name="statuspage_mailings_to_fan_out"),)

    def __str__(self) -> str:
        return self.subject


class Delivery(models.Model):
    """One obligation to send a mailing to a subscriber, or, without one, to ask whether they want any. Sent in batches
    of their own, beside and never before the pages to responders."""

    class State(models.TextChoices):
        """``kept``: no mail server is configured."""

        PENDING = "pending", "Pending"
        SENT = "sent", "Sent"
        KEPT = "kept", "Kept"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Cancelled"

    mailing = models.ForeignKey(Mailing, models.CASCADE, null=True, blank=True, related_name="deliveries")
    subscriber = models.ForeignKey(Subscriber, models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=20, choices=State.choices, default=State.PENDING)
    due_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    error = models.CharField(max_length=300, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "deliveries"
        constraints = (
            models.UniqueConstraint(fields=("mailing", "subscriber"), name="statuspage_delivery_once"),
            models.CheckConstraint(
                condition=Q(state="pending", finished_at=None) | (~Q(state="pending") & Q(finished_at__isnull=False)),
                name="statuspage_delivery_finished_iff_not_pending",
            ),
        )
        indexes = (
            models.Index(fields=("due_at", "id"), condition=Q(finished_at=None), name="statuspage_deliveries_due"),
        )

    def __str__(self) -> str:
        return f"{self.mailing_id} to {self.subscriber_id}"


class Knock(models.Model):
    """How often a network asked to subscribe within an hour, so that nobody floods others' mailboxes through us. The
    network is kept as a keyed digest."""

    network = models.CharField(max_length=64)
    hour = models.DateTimeField()
    count = models.PositiveIntegerField()

    objects = ConfigurationQuerySet.as_manager()

    class Meta:
        ordering = ("-hour", "network")
        constraints = (models.UniqueConstraint(fields=("network", "hour"), name="statuspage_knock_once"),)

    def __str__(self) -> str:
        return f"{self.count} at {self.hour:%Y-%m-%d %H:%M} UTC"
