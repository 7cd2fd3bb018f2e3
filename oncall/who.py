"""Who is on call now, or at any instant, by each schedule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from oncall import rotas
from oncall.shifts import on_call_at

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from oncall.models import Schedule
    from oncall.querysets import ScheduleQuerySet


@dataclass(frozen=True, slots=True)
class OnCall:
    """One schedule at an instant. In a gap there is no user, no layer and no end."""

    schedule: Schedule
    user: User | None = None
    layer: str = ""
    until: datetime | None = None


def at(schedules: ScheduleQuerySet, instant: datetime) -> list[OnCall]:
    """Who is on call by each schedule, in their order. Two statements, whatever their number."""
    rows = list(schedules)
    known, users = rotas.read(schedules, start=instant, end=None)
    found = []
    for schedule in rows:
        holding = on_call_at(known[schedule.pk], instant)
        if holding is None:
            found.append(OnCall(schedule))
        else:
            turn, layer = holding
            found.append(OnCall(schedule, users[turn.holder], layer.name, turn.end))
    return found
