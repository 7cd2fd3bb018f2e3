"""The time zones that people can choose."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, lru_cache

from django.core.exceptions import ValidationError

# Aliases of the database's own bookkeeping, and fixed offsets whose signs surprise everybody.
_HIDDEN = ("Etc/", "SystemV/", "US/", "posix/", "right/")


@cache
def names() -> tuple[str, ...]:
    """IANA names such as Europe/Berlin, sorted, with UTC first."""
    found = {name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(_HIDDEN)}
    return ("UTC", *sorted(found))


def choices(*, current: str = "UTC") -> list[tuple[str, str]]:
    """For a select; a stored name that is not offered any more stays choosable."""
    offered = names() if current in names() or not current else (current, *names())
    return [(name, name.replace("_", " ")) for name in offered]


def validate(name: str) -> None:
    """For models: raises ValidationError for a name that this machine does not know."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError("Enter an IANA time zone such as Europe/Berlin.") from None


@cache
def zone(name: str) -> zoneinfo.ZoneInfo:
    """The zone of a stored name; UTC where this machine does not know it."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return zoneinfo.ZoneInfo("UTC")


@lru_cache(maxsize=100_000)
def instant(day: date, clock: time, zone: zoneinfo.ZoneInfo) -> datetime:
    """A wall time as an instant in UTC: the first of two, or the first one after a gap that swallows it."""
    wall = datetime.combine(day, clock)
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return first if second >= first else _transition(second, first, zone)  # the same, or the two of a fold


def _transition(before: datetime, after: datetime, zone: zoneinfo.ZoneInfo) -> datetime:
    """The instant, to the second, in (``before``, ``after``] at which the zone's offset changes."""
    old = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
