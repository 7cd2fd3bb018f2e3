"""Who is on call now, or at any instant, by each schedule."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils import dateformat

from core.text import single_line
from notifications.channels import chat
from oncall import rotas
from oncall.shifts import on_call_at, shifts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from accounts.models import User
    from oncall.models import Schedule
    from oncall.querysets import ScheduleQuerySet
    from oncall.shifts import Rota


AHEAD = timedelta(days=14)
MOST_AHEAD = 60  # schedules of which is also said who comes next


@dataclass(frozen=True, slots=True)
class OnCall:
    """One schedule at an instant. In a gap there is no user and no layer.

    ``until`` and ``then`` say when that changes, and to whom, as far as it was looked ahead; ``then`` of None is a gap.
    ``shift_ends`` is the end of the shift or gap that runs, which the same person may follow. Where it was not looked
    ahead, none of them is known.
    """

    schedule: Schedule
    user: User | None = None
    layer: str = ""
    until: datetime | None = None
    then: User | None = None
    shift_ends: datetime | None = None
    looks_ahead: bool = True


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
    holder = holding[0].holder if holding else None
    user, layer = (users[holding[0].holder], holding[1].name) if holding else (None, "")
    if not looks_ahead:
        return OnCall(schedule, user, layer, looks_ahead=False)
    found = shifts(rota, instant, instant + AHEAD)
    ends = found[0].end if len(found) > 1 else None
    for shift in found:
        if shift.holder != holder:
            return OnCall(schedule, user, layer, shift.start, users[shift.holder] if shift.holder else None, ends)
    return OnCall(schedule, user, layer, shift_ends=ends)


# ---- in a chat -----------------------------------------------------------------------------------------------------


def slack_text(rows: Sequence[OnCall], instant: datetime, zone: ZoneInfo) -> str:
    """Who is on call in Slack's mrkdwn, a line for each schedule, with times in a zone that the first line names."""

    def clock(at: datetime) -> str:
        here = at.astimezone(zone)
        return dateformat.format(here, "D j M H:i" if here.year == instant.astimezone(zone).year else "D j M Y H:i")

    lines = [f"*On call* on {clock(instant)} ({zone.key.replace('_', ' ')})"]
    for row in rows:
        line = f"*{_plain(row.schedule)}*: {_plain(row.user or 'nobody')}"
        if row.until:
            line += f" until {clock(row.until)}, then {_plain(row.then or 'nobody')}"
        lines.append(line)
    return "\n".join(lines if rows else [*lines, "There are no schedules yet."]) + "\n"


def _plain(name: object) -> str:
    """A name that calls nobody and stays on its line."""
    return chat.escaped(single_line(name))
