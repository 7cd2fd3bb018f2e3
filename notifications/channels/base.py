"""What every channel offers: how many seats it has, and one function that sends."""

from __future__ import annotations

import email.utils
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from notifications.models import Attempt

if TYPE_CHECKING:
    from notifications.models import Notification

Outcome = Attempt.Outcome
LONGEST_WAIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one try. ``is_provider_fault`` counts against the destination's breaker; ``is_recipient_refused``
    is a mail server's final word on the address alone."""

    outcome: Outcome
    detail: str = ""
    provider_id: str = ""
    retry_after: float | None = None
    is_provider_fault: bool = False
    is_recipient_refused: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """A channel's bulkhead: ``seats`` senders at once in a process, each claiming ``batch`` rows at a time.

    At most ``seats_each`` of them send to one destination, so that one that hangs leaves seats to the others.
    ``destination`` names what the breaker watches. ``send`` never raises for what a provider does; it ends within
    ten seconds. ``close`` gives back what this thread's sender keeps open.
    """

    seats: int
    batch: int
    destination: Callable[[Notification], str]
    send: Callable[[Notification, bool], Result]
    close: Callable[[], None] = lambda: None
    seats_each: int = 1000


def retry_after(value: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds from a Retry-After header (RFC 9110 10.2.3: seconds or a date), capped at ten minutes."""
    if not value:
        return None
    if value.strip().isdecimal():
        return min(float(value.strip()[:6]), LONGEST_WAIT_SECONDS)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds = (at.replace(tzinfo=at.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT_SECONDS)
