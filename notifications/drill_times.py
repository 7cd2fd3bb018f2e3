"""When monthly drills begin: on a weekday between 10:00 and 16:00 where the person is. Pure functions.

The moment is in the first two weeks of a month, so that never more than 44 days lie between two.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from core.time_zones import instant

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

OPENS, CLOSES = 10, 16  # hours of local time
SATURDAY = 5
FIRST_DAYS = 14
MINUTES = (CLOSES - OPENS) * 60
DAY = timedelta(days=1)


def moment(person: int, month: date, zone: ZoneInfo) -> datetime:
    """The person's moment in the month of a day, to the minute: the same whoever asks, and no two people's alike."""
    days = [day for number in range(FIRST_DAYS) if (day := month.replace(day=1) + number * DAY).weekday() < SATURDAY]
    digest = hashlib.sha256(f"{person}/{month:%Y-%m}".encode()).digest()
    which, minute = divmod(int.from_bytes(digest[:8]) % (len(days) * MINUTES), MINUTES)
    return instant(days[which], time(OPENS + minute // 60, minute % 60), zone)


def first(person: int, *, after: datetime, zone: ZoneInfo) -> datetime:
    """The first of the person's moments after an instant."""
    this = moment(person, after.astimezone(zone).date(), zone)
    return this if this > after else following(person, after=after, zone=zone)


def following(person: int, *, after: datetime, zone: ZoneInfo) -> datetime:
    """The person's moment in the month after the one in which an instant is for them."""
    return moment(person, after.astimezone(zone).date().replace(day=28) + 4 * DAY, zone)


def is_fit(at: datetime, zone: ZoneInfo) -> bool:
    """Whether it is a weekday between 10:00 and 16:00."""
    local = at.astimezone(zone)
    return local.weekday() < SATURDAY and OPENS <= local.hour < CLOSES


def next_fit(at: datetime, zone: ZoneInfo) -> datetime:
    """The instant itself if it is fit, or else the next weekday's 10:00."""
    if is_fit(at, zone):
        return at
    today = at.astimezone(zone).date()
    openings = (instant(today + number * DAY, time(OPENS), zone) for number in range(9))
    return next(opening for opening in openings if opening > at and is_fit(opening, zone))
