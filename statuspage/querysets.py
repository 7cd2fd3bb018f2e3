"""Reads of status pages and what belongs to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from django.db import models

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from statuspage.models import Delivery, Subscriber  # noqa: F401 - named in strings


class ConfigurationQuerySet(models.QuerySet[Any]):
    """Rows that say what a page is made of."""

    def visible_to(self, user: User) -> Self:
        """Everybody inside may see them."""
        return self


class ReportQuerySet(ConfigurationQuerySet):
    """Reads of incidents as pages tell them."""

    def told(self) -> Self:
        """Those that the public may read: not of an incident that became private, or part of another one."""
        return self.readable().filter(incident__merged_into=None)

    def readable(self) -> Self:
        """Those whose permanent link leads to something: also of an incident that is part of another one by now."""
        return self.filter(incident__is_private=False)


class SubscriberQuerySet(models.QuerySet["Subscriber"]):
    """Reads of subscribers."""

    def visible_to(self, user: User) -> SubscriberQuerySet:
        """Admins only: addresses of people who are not ours."""
        return self if user.is_staff else self.none()

    def active(self) -> SubscriberQuerySet:
        """Those who have confirmed, and have not left or been given up."""
        return self.filter(confirmed_at__isnull=False, ended_at=None)

    def waiting(self) -> SubscriberQuerySet:
        """Those who were asked, and have not answered."""
        return self.filter(confirmed_at=None, ended_at=None)

    def ended(self) -> SubscriberQuerySet:
        """Those who have left, or were given up."""
        return self.filter(ended_at__isnull=False)

    def counted(self) -> dict[str, int]:
        """How many are ``active``, ``waiting`` and ``ended``; one query."""
        return self.aggregate(
            active=models.Count("pk", filter=models.Q(confirmed_at__isnull=False, ended_at=None)),
            waiting=models.Count("pk", filter=models.Q(confirmed_at=None, ended_at=None)),
            ended=models.Count("pk", filter=models.Q(ended_at__isnull=False)),
        )

    def in_state(self, state: str) -> SubscriberQuerySet:
        """``active``, ``waiting`` or ``ended``; all for any other word."""
        chosen = {"active": self.active, "waiting": self.waiting, "ended": self.ended}.get(state, self.all)
        return chosen()


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    """Reads of deliveries."""

    def visible_to(self, user: User) -> DeliveryQuerySet:
        """Admins only."""
        return self if user.is_staff else self.none()

    def due(self, *, now: datetime) -> DeliveryQuerySet:
        """What is to be sent, and nobody is sending."""
        return self.filter(
            models.Q(lease_until=None) | models.Q(lease_until__lte=now), finished_at=None, due_at__lte=now
        ).order_by("due_at", "id")
