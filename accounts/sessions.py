"""Sessions that are over: they may hold what somebody wrote and never sent, so they do not stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.sessions.models import Session

if TYPE_CHECKING:
    from datetime import datetime

AT_ONCE = 1000


def forget_due(*, now: datetime) -> int:
    """Delete sessions that have expired, oldest first; returns how many."""
    over = Session.objects.filter(expire_date__lt=now).order_by("expire_date")[:AT_ONCE]
    return Session.objects.filter(pk__in=[session.pk for session in over]).delete()[0]
