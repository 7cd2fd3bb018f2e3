"""Reads of what is kept beside action items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Count, Q

from incidents.querysets import seen_by

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from followups.models import FollowUpSettings, Reminder, Ticket, Tracker  # noqa: F401 - named in strings
    from incidents.models import Incident


class SettingsQuerySet(models.QuerySet["FollowUpSettings"]):
    """Reads of the settings."""

    def visible_to(self, user: User) -> SettingsQuerySet:
        """Every signed-in person may know when they are reminded."""
        return self


class ReminderQuerySet(models.QuerySet["Reminder"]):
    """Reads of reminders."""

    def visible_to(self, user: User) -> ReminderQuerySet:
        """Those of items whose incident the person may see."""
        return self if user.is_staff else self.filter(seen_by(user, beside="action_item__incident__"))


class TrackerQuerySet(models.QuerySet["Tracker"]):
    """Reads of trackers."""

    def visible_to(self, user: User) -> TrackerQuerySet:
        """Every signed-in person sees which there are; the secrets are on no page."""
        return self

    def for_list(self) -> TrackerQuerySet:
        """With its team, how many tickets it has, and how many of those say that something is wrong."""
        wrong = Count("tickets", filter=Q(tickets__error__gt=""))
        return self.select_related("team").annotate(ticket_count=Count("tickets"), wrong_count=wrong)

    def on(self) -> TrackerQuerySet:
        """Those that send."""
        return self.filter(is_active=True)

    def taking(self, incident: Incident) -> TrackerQuerySet:
        """Those that take what an incident left: of the teams of its services, or of every team."""
        return self.filter(Q(team=None) | Q(team__services__in=incident.affected_services.all())).distinct()


class TicketQuerySet(models.QuerySet["Ticket"]):
    """Reads of tickets."""

    def visible_to(self, user: User) -> TicketQuerySet:
        """Those of items whose incident the person may see."""
        return self if user.is_staff else self.filter(seen_by(user, beside="action_item__incident__"))

    def due(self, *, now: datetime) -> TicketQuerySet:
        """Those that a sweep has to look at, the longest due first; of trackers that are on."""
        return self.filter(due_at__lte=now, tracker__is_active=True).order_by("due_at", "id")

    def to_send(self) -> TicketQuerySet:
        """Not there yet."""
        return self.filter(state__in=("queued", "sending"))

    def there(self) -> TicketQuerySet:
        """Those that their tracker has."""
        return self.filter(state__in=("open", "closed"))
