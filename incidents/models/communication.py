"""What people are told about an incident, and what they promise to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.models import User
from incidents.models.incident import AffectedService, Incident
from incidents.querysets import seen_by

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from catalog.models import Service


class OfIncidentQuerySet(models.QuerySet):  # type: ignore[type-arg]
    """Rows that are seen by whoever sees their incident."""

    def visible_to(self, user: User) -> Self:
        """Those of incidents that the person may see."""
        return self if user.is_staff else self.filter(seen_by(user, beside="incident__"))


class ActionItemQuerySet(OfIncidentQuerySet):
    """Reads of action items."""

    def undone(self) -> ActionItemQuerySet:
        """Still to do: neither done nor accepted as a risk."""
        return self.filter(done_at=None, accepted_at=None)

    def overdue(self, today: date) -> ActionItemQuerySet:
        """Still to do, and their day has passed where it is ``today``."""
        return self.undone().filter(due_on__lt=today)

    def done(self) -> ActionItemQuerySet:
        """Those that are done."""
        return self.filter(done_at__isnull=False)

    def accepted(self) -> ActionItemQuerySet:
        """Those that are left undone for a reason."""
        return self.filter(accepted_at__isnull=False)

    def of_severity(self, severity: str) -> ActionItemQuerySet:
        """Of incidents as bad as that."""
        return self.filter(incident__severity=severity)

    def of_services(self, services: QuerySet[Service]) -> ActionItemQuerySet:
        """Of incidents that touch one of the services."""
        return self.filter(Exists(_links().filter(service__in=services)))

    def without_team(self) -> ActionItemQuerySet:
        """Of incidents that touch no service of a team."""
        return self.filter(~Exists(_links().filter(service__team__isnull=False)))


def _links() -> QuerySet[AffectedService]:
    """What ties the incident of an item to services."""
    return AffectedService.objects.filter(incident=OuterRef("incident"))


class ActionItem(models.Model):
    """A task that came out of an incident: who does it, by when. ``due_on`` is a local date of whoever reads it.

    It ends in one of two ways: it is done, or somebody accepts the risk of leaving it undone and says why.
    """

    class Kind(models.TextChoices):
        """What it is for, as postmortems tell them apart."""

        PREVENTIVE = "preventive", "Preventive"
        DETECTIVE = "detective", "Detective"
        MITIGATING = "mitigating", "Mitigating"

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="action_items")
    title = models.CharField(max_length=255)
    kind = models.CharField(max_length=10, choices=Kind.choices, blank=True)
    owner = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="action_items")
    due_on = models.DateField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    done_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    accepted_reason = models.TextField(blank=True)

    objects = ActionItemQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=["", "preventive", "detective", "mitigating"]), name="incidents_action_kind_known"
            ),
            models.CheckConstraint(condition=Q(done_at=None) | Q(accepted_at=None), name="incidents_action_ends_once"),
            models.CheckConstraint(
                condition=Q(accepted_at=None) | ~Q(accepted_reason=""), name="incidents_accepted_has_reason"
            ),
        )
        indexes = (
            models.Index(fields=("incident", "id"), name="incidents_actions"),
            models.Index(
                fields=("owner", "due_on", "id"),
                condition=Q(done_at=None, accepted_at=None),
                name="incidents_actions_open",
            ),
            # The lists of all incidents' items: what is open by itself, and everything (followups.listing).
            models.Index(
                fields=("due_on", "id"), condition=Q(done_at=None, accepted_at=None), name="incidents_actions_by_due"
            ),
            models.Index(
                fields=("created_at", "id"),
                condition=Q(done_at=None, accepted_at=None),
                name="incidents_actions_by_age",
            ),
            models.Index(fields=("due_on", "id"), name="incidents_actions_all_due"),
            models.Index(fields=("created_at", "id"), name="incidents_actions_all_age"),
            models.Index(fields=("done_at", "id"), condition=Q(done_at__isnull=False), name="incidents_actions_done"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def state(self) -> str:
        """``open``, ``done`` or ``accepted``."""
        if self.done_at is not None:
            return "done"
        return "open" if self.accepted_at is None else "accepted"

    @property
    def is_undone(self) -> bool:
        """Whether somebody still has to do it."""
        return self.done_at is None and self.accepted_at is None

    def is_overdue(self, today: date) -> bool:
        """Whether its day has passed and it is still to do."""
        return self.is_undone and self.due_on is not None and self.due_on < today
