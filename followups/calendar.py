"""On which days an item is reminded of, and when it is morning; pure.

Each reason comes back in a rhythm of days. ``owner_reason`` and ``manager_reasons`` give the latest one that has come:
when nobody looked on its day, it still counts on the next, until another one takes its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from core.time_zones import instant
from followups.models import Reminder

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from followups.models import FollowUpSettings

Kind = Reminder.Kind

MORNING = (time(9), time(12))  # from when, and until when people are told, where they live
DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)  # offsets of time zones are multiples of it, so every morning begins with one


@dataclass(frozen=True, slots=True)
class Reason:
    """Why somebody is to be reminded, and since which day."""

    kind: Kind
    day: date


def quarter_of(now: datetime) -> datetime:
    """The beginning of the quarter of an hour."""
    return now.replace(minute=now.minute - now.minute % 15, second=0, microsecond=0)


def morning_of(now: datetime, zone: ZoneInfo) -> date | None:
    """The day whose morning it is in a zone; None at any other time."""
    day = now.astimezone(zone).date()
    begins, ends = (instant(day, clock, zone) for clock in MORNING)
    return day if begins <= now < ends else None


def owner_reason(due: date | None, *, written: date, today: date, settings: FollowUpSettings) -> Reason | None:
    """Why the owner is to be reminded: shortly before the day, on the day, and in a rhythm after it. What lies no later
    than the day on which the item was ``written`` is no reason: they know."""
    if due is None:
        return None
    soon = due - settings.remind_before_days * DAY
    if today < soon:
        return None
    rounds = (today - due).days // settings.remind_every_days
    if today < due:
        reason = Reason(Kind.SOON, soon)
    elif rounds == 0:
        reason = Reason(Kind.TODAY, due)
    else:
        reason = Reason(Kind.OVERDUE, due + rounds * settings.remind_every_days * DAY)
    return reason if reason.day > written else None


def manager_reasons(
    due: date | None, *, written: date, today: date, is_owned: bool, settings: FollowUpSettings
) -> list[Reason]:
    """Why managers are to be told, the weightiest first: it is long overdue, or nobody owns it."""
    found = []
    late = (today - due).days - settings.escalate_after_days if due else -1
    if due and late >= 0:
        rounds = late // settings.escalate_every_days
        days = settings.escalate_after_days + rounds * settings.escalate_every_days
        found.append(Reason(Kind.ESCALATED, due + days * DAY))
    unowned = written + settings.unowned_after_days * DAY
    if not is_owned and today >= unowned:
        found.append(Reason(Kind.UNOWNED, unowned))
    return found
