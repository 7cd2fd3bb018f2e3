"""What the shell around every page shows."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from accounts.models import User
from alerts.models import Alert
from core.counting import Count, counted
from home import my_work
from incidents.models import Incident

if TYPE_CHECKING:
    from django.http import HttpRequest

MOST_COUNTED = 99


class Shell:
    """Counts in the navigation, the reader's time zone, and whether this is a demo.

    The counts are bounded, so that they cost the same at any size, and are read in one statement when a page first
    asks for one: a fragment without navigation asks for none.
    """

    def __init__(self, user: User | None) -> None:
        self.user = user
        self.time_zone_label = timezone.get_current_timezone_name()
        self.demo = user is not None and user.is_demo

    @property
    def active_incidents(self) -> Count:
        """Open ones that the reader may see."""
        return self._counts["active_incidents"]

    @property
    def waiting_for_me(self) -> Count:
        """Those that the reader was paged for and that nobody has answered."""
        return self._counts["waiting_for_me"]

    @property
    def firing_alerts(self) -> Count:
        """Alerts that fire now."""
        return self._counts["firing_alerts"]

    @cached_property
    def _counts(self) -> dict[str, Count]:
        if self.user is None:
            return defaultdict(lambda: Count(0, MOST_COUNTED))
        return counted(
            MOST_COUNTED,
            active_incidents=Incident.objects.visible_to(self.user).open(),
            waiting_for_me=my_work.waiting_for(self.user),
            firing_alerts=Alert.objects.visible_to(self.user).filter(status=Alert.Status.FIRING),
        )


def shell(request: HttpRequest) -> dict[str, Any]:
    """``nav`` in every template."""
    user = getattr(request, "user", None)
    return {"nav": Shell(user if isinstance(user, User) or getattr(user, "is_authenticated", False) else None)}
