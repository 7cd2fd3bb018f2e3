"""Which schedules and escalation policies name a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from oncall.models import EscalationPolicy, Schedule

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User


def naming(user: User, *, now: datetime | None = None) -> list[str]:
    """Their names: where the person has turns or an override that has not ended, or is paged alone or in a team."""
    now = now or timezone.now()
    ends = Q(layers__ends_on=None) | Q(layers__ends_on__gte=now.date())
    turns = Q(ends, layers__participants__user=user) | Q(overrides__user=user, overrides__ends_at__gt=now)
    imported = Q(calendar_sources__turns__user=user, calendar_sources__turns__ends_at__gt=now)
    schedules = Schedule.objects.filter(turns | imported).order_by("name", "id").distinct()
    targets = Q(steps__targets__user=user) | Q(steps__targets__team__members=user)
    policies = EscalationPolicy.objects.filter(targets).order_by("name", "id").distinct()
    return [*map(str, schedules), *map(str, policies)]
