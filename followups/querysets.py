"""Reads of what is kept beside action items."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from incidents.querysets import seen_by

if TYPE_CHECKING:
    from accounts.models import User
    from followups.models import FollowUpSettings, Reminder  # noqa: F401 - named in strings


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
