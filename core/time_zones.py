"""The time zones that people can choose."""

from __future__ import annotations

import zoneinfo
from functools import cache

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
