"""Reads of contact methods and notifications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from accounts.models import User
    from notifications.models import ContactMethod, Notification  # noqa: F401 - named in strings


class ContactMethodQuerySet(models.QuerySet["ContactMethod"]):
    """Reads of contact methods."""

    def visible_to(self, user: User) -> ContactMethodQuerySet:
        """One's own; admins see all."""
        return self if user.is_staff else self.filter(user=user)


class OwnQuerySet(models.QuerySet[Any]):
    """Reads of what belongs to one person."""

    def visible_to(self, user: User) -> OwnQuerySet:
        """One's own; admins see all."""
        return self if user.is_staff else self.filter(user=user)


class FileQuerySet(models.QuerySet[Any]):
    """Reads of files that e-mails carry."""

    def visible_to(self, user: User) -> FileQuerySet:
        """Nobody reads one here; it is in the e-mail. Admins may."""
        return self if user.is_staff else self.none()


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Reads of the outbox."""

    def visible_to(self, user: User) -> NotificationQuerySet:
        """What went to oneself or to one's teams; admins see all."""
        return self if user.is_staff else self.filter(Q(user=user) | Q(team__memberships__user=user)).distinct()

    def for_list(self) -> NotificationQuerySet:
        """With the tries; two queries, whatever the number of rows."""
        return self.prefetch_related("attempts").order_by("-id")

    def matching(
        self, *, state: str = "", channel: str = "", recipient: str = "", topic: str = ""
    ) -> NotificationQuerySet:
        """The filters of the outbox; a recipient is a part of a name or of a person's address (a team's is secret)."""
        rows = self.filter(topic=topic) if topic else self
        if state:
            rows = rows.filter(state=state)
        if channel:
            rows = rows.filter(channel=channel)
        if recipient:
            found = Q(recipient__icontains=recipient) | Q(address__icontains=recipient, team=None)
            rows = rows.filter(found | Q(user__username__iexact=recipient))
        return rows

    def pending(self) -> NotificationQuerySet:
        """Not yet done and not given up."""
        return self.filter(state="pending")

    def due(self, *, channel: str, now: datetime) -> NotificationQuerySet:
        """Ready to be sent on a channel, oldest obligation first; rows under a live lease are left out."""
        free = Q(lease_until=None) | Q(lease_until__lte=now)
        return self.pending().filter(free, channel=channel, due_at__lte=now).order_by("due_at", "id")

    def to_follow_up(self, *, now: datetime, patience: timedelta) -> NotificationQuerySet:
        """Pages that failed, or that no provider has taken for ``patience``, and that nobody has acted on yet."""
        stuck = Q(state="pending", created_at__lte=now - patience)
        return self.filter(Q(state="failed") | stuck, purpose="page", is_followed_up=False).order_by("id")

    def for_topic(self, topic: str) -> NotificationQuerySet:
        """Everything that was to be told about one subject, oldest first, with the tries."""
        rows = self.filter(topic=topic).select_related("user", "team").prefetch_related("attempts")
        return rows.order_by("id")
