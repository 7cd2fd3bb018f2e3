"""Reads of integrations and alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Case, F, Func, OuterRef, Q, Subquery, When

from accounts.models import Role
from catalog.models import Service
from incidents.models import Incident

if TYPE_CHECKING:
    from accounts.models import User
    from alerts.models import Alert, Event, Integration  # noqa: F401 - named in strings

BODY_SHOWN = 4096  # bytes


class IntegrationQuerySet(models.QuerySet["Integration"]):
    """Reads of integrations."""

    def visible_to(self, user: User) -> IntegrationQuerySet:
        """Every signed-in person may see which monitors report here; keys are never shown."""
        return self

    def managed_by(self, user: User) -> IntegrationQuerySet:
        """Those that the person may change: of the services they manage, or all of them for a manager of the site."""
        if user.has_role(Role.MANAGER):
            return self
        return self.filter(service__in=Service.objects.managed_by(user))

    def for_list(self) -> IntegrationQuerySet:
        """With what the list shows of each, and when it last heard something (index alerts_event_integration)."""
        events: Any = self.model._meta.get_field("events").related_model
        last = events.objects.filter(integration=OuterRef("pk")).order_by("-id").values("received_at", "state")[:1]
        rows: IntegrationQuerySet = self.select_related("service__team")
        return rows.annotate(
            last_event_at=Subquery(last.values("received_at")), last_event_state=Subquery(last.values("state"))
        )


class EventQuerySet(models.QuerySet["Event"]):
    """Reads of raw events."""

    def visible_to(self, user: User) -> EventQuerySet:
        """Those of integrations that the person manages."""
        if user.has_role(Role.MANAGER):
            return self
        return self.filter(integration__service__in=Service.objects.managed_by(user))

    def for_list(self, user: User) -> EventQuerySet:
        """Newest first, with size and, where the person may read it, the first 4 KB of the body.

        An event that became an alert may concern a private incident, so only admins read its body here; of one that
        became nothing, whoever manages the integration must see why.
        """
        size = Func(F("body"), function="octet_length", output_field=models.IntegerField())
        start = Func(F("body"), 1, BODY_SHOWN, function="substring", output_field=models.BinaryField())
        became_nothing = Q(state__in=("unparseable", "failed"))
        shown = start if user.is_staff else Case(When(became_nothing, then=start), default=None)
        rows: EventQuerySet = self.visible_to(user).defer("body").order_by("-id")
        return rows.annotate(size=size, start=shown)


class AlertQuerySet(models.QuerySet["Alert"]):
    """Reads of alerts."""

    def visible_to(self, user: User) -> AlertQuerySet:
        """Those of incidents that the person may see. One of no incident may speak of a private one that has ended, so
        only admins see those."""
        if user.is_staff:
            return self
        return self.filter(group__incident__in=Incident.objects.visible_to(user))

    def for_list(self) -> AlertQuerySet:
        """With what a row of the list shows."""
        return self.select_related("integration", "group__incident").order_by("-id")

    def of_incident(self, incident: Incident) -> AlertQuerySet:
        """Those that opened or joined the incident, and those linked to it by hand."""
        own = Q(group__incident=incident)
        return self.filter(own | Q(links__incident=incident)).select_related("integration").distinct().order_by("id")
