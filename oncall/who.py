"""Who is on call now, or at any instant, by each schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from oncall import rotas
from oncall.shifts import on_call_at, shifts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from accounts.models import User
    from oncall.models import Schedule
    from oncall.querysets import ScheduleQuerySet
    from oncall.shifts import Rota


AHEAD = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class OnCall:
    """One schedule at an instant. In a gap there is no user and no layer.

    ``until`` and ``then`` say when that changes, and to whom, as far as it was looked ahead; ``then`` of None is a gap.
    """

    schedule: Schedule
    user: User | None = None
    layer: str = ""
    until: datetime | None = None
    then: User | None = None


def at(schedules: ScheduleQuerySet, instant: datetime, *, ahead: int = 0) -> list[OnCall]:
    """Who is on call by each schedule, in their order. Two statements, whatever their number; also who comes next,
    where there are at most ``ahead`` schedules."""
    rows = list(schedules)
    looks_ahead = len(rows) <= ahead
    end = instant + AHEAD if looks_ahead else instant + timedelta(microseconds=1)
    known, users = rotas.read(schedules, start=instant, end=end, keys=[row.pk for row in rows])
    return [of(row, known[row.pk], users, instant, looks_ahead=looks_ahead) for row in rows]


def of(
    schedule: Schedule, rota: Rota, users: Mapping[int, User], instant: datetime, *, looks_ahead: bool = True
) -> OnCall:
    """Who is on call by one schedule."""
    holding = on_call_at(rota, instant)
    user, layer = (users[holding[0].holder], holding[1].name) if holding else (None, "")
    if not looks_ahead:
        return OnCall(schedule, user, layer, holding[0].end if holding else None)
    holder = holding[0].holder if holding else None
    for shift in shifts(rota, instant, instant + AHEAD):
        if shift.holder != holder:
            return OnCall(schedule, user, layer, shift.start, users[shift.holder] if shift.holder else None)
    return OnCall(schedule, user, layer)
