"""Reads the events of a calendar feed that somebody else wrote, in a process of its own.

A feed can ask for an event in every second of a thousand years. So the process has one second of computing and 512 MB,
and is killed beyond; run as a program, this module is that process, and knows nothing of Django.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPUTING_SECONDS = 1.0
WAIT_SECONDS = 10.0  # on a machine that is busy with other things
MEMORY = 512 * 1024 * 1024
LONGEST_FEED = 1024 * 1024  # bytes
MOST_EVENTS = 5000
LONGEST_WORDS = 200


class Unreadable(ValueError):
    """The feed is no calendar, or costs too much to read; the message says so to people."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event: when, and the texts that may say whose it is, the first first."""

    start: datetime
    end: datetime
    words: tuple[str, ...]


def read(feed: bytes, *, start: datetime, end: datetime, zone: ZoneInfo) -> list[Happening]:
    """What a feed has between two instants, in order; days and times without a zone are those of ``zone``. Raises
    Unreadable."""
    if len(feed) >= LONGEST_FEED:
        raise Unreadable(f"The calendar is larger than {LONGEST_FEED // 1024} KB.")
    asked = [sys.executable, "-I", __file__, start.isoformat(), end.isoformat(), zone.key]
    try:
        done = subprocess.run(asked, input=feed, capture_output=True, timeout=WAIT_SECONDS, check=False, env={})
    except subprocess.TimeoutExpired:
        raise Unreadable("The calendar takes too long to read.") from None
    if done.returncode in {-signal.SIGVTALRM, -signal.SIGKILL}:
        raise Unreadable("The calendar takes too long to read.")
    if done.returncode != 0:
        raise Unreadable("The address does not answer with a calendar.")
    rows = json.loads(done.stdout)
    if len(rows) > MOST_EVENTS:
        raise Unreadable(f"The calendar has more than {MOST_EVENTS} events in the time that is read.")
    return [Happening(datetime.fromisoformat(a), datetime.fromisoformat(b), tuple(words)) for a, b, words in rows]


# ---- the process ---------------------------------------------------------------------------------------------------


def _main() -> None:
    import recurring_ical_events  # noqa: PLC0415 - costs what only the process needs
    from icalendar import Calendar  # noqa: PLC0415

    start, end = map(datetime.fromisoformat, sys.argv[1:3])
    zone = ZoneInfo(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.setitimer(signal.ITIMER_VIRTUAL, COMPUTING_SECONDS)  # its signal ends the process, whatever it does
    calendar = Calendar.from_ical(sys.stdin.buffer.read())
    events = recurring_ical_events.of(calendar).between(start.astimezone(zone), end.astimezone(zone))
    rows = [row for event in events[: MOST_EVENTS + 1] if (row := _row(event, zone)) is not None]
    json.dump(sorted(rows), sys.stdout)


def _row(event: Any, zone: ZoneInfo) -> tuple[str, str, list[str]] | None:
    """One event; None for one that was called off, or takes no time."""
    begins, ends = _instant(event.start, zone), _instant(event.end, zone)
    if begins >= ends or str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    return begins.isoformat(), ends.isoformat(), [text[:LONGEST_WORDS] for text in _words(event)]


def _words(event: Any) -> Iterator[str]:
    found = event.get("ATTENDEE", [])
    for attendee in (found if isinstance(found, list) else [found])[:20]:
        yield str(attendee).partition(":")[2] or str(attendee)
        if name := attendee.params.get("CN"):
            yield str(name)
    yield str(event.get("SUMMARY", ""))


def _instant(at: date, zone: ZoneInfo) -> datetime:
    if not isinstance(at, datetime):
        at = datetime.combine(at, time.min)
    at = at if at.tzinfo else at.replace(tzinfo=zone)
    return at.astimezone(ZoneInfo("UTC"))


if __name__ == "__main__":
    _main()
