"""Open pages hear that something has changed, and who else looks at it.

A topic is a word without spaces: ``incident/42`` for what that incident's page shows, ``incidents`` for lists,
``services`` for the health of services. What is sent is the topic and nothing else; a page fetches again what it shows
of it, with its reader's rights. Redis may be away: then the message is lost, the pages know that they hear nothing, and
poll.
"""

from __future__ import annotations

import time
from functools import cache
from typing import TYPE_CHECKING, Any

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.background import Courier

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger(__name__)

# Every web process listens to this one channel of Redis. A message is an event's name and the topics, in words.
CHANNEL = "muster:live"
CHANGED = "changed"
PRESENCE = "presence"
# Whoever publishes this topic asks every process to check at once whether its open streams are still allowed.
ACCESS = "access"

COALESCE_SECONDS = 0.05
# Nobody waits for the publisher, and a page waits for those who look.
PUBLISH_TIMEOUT_SECONDS = 1.0
LOOKING_TIMEOUT_SECONDS = 0.05


def changed(*topics: str) -> None:
    """After the commit, tell every open page that something of these topics has changed. Never raises or waits."""
    _courier.send_after_commit(topics)


def looking(topic: str) -> list[int] | None:
    """Ids of the people who look at the topic now, the latest arrival last; None when Redis is away."""
    url = settings.MUSTER.redis_url
    if not url:
        return None
    try:
        seats: Any = _client(url, LOOKING_TIMEOUT_SECONDS).zrangebyscore(seats_key(topic), time.time(), "+inf")
        return people_in(seats)
    except Exception as error:  # noqa: BLE001 - who looks is never worth failing a page
        log.debug("who looks is unknown", topic=topic, error=repr(error))
        return None


# ---- who looks: a sorted set for each topic, of seats by the time they expire ------------------------------------


def seats_key(topic: str) -> str:
    """The sorted set of a topic's seats."""
    return f"muster:looking:{topic}"


def seat_of(user_id: int, *, process: str, since: float) -> str:
    """A person's seat in one web process, taken at ``since`` (epoch seconds), whatever number of pages they opened."""
    return f"{since:.3f} {user_id} {process}"


def people_in(seats: Iterable[bytes]) -> list[int]:
    """The people in these seats, each once, by when they first came."""
    found: dict[int, float] = {}
    for seat in seats:
        since, user_id, _ = seat.decode().split(" ", 2)
        found[int(user_id)] = min(float(since), found.get(int(user_id), float("inf")))
    return sorted(found, key=found.__getitem__)


# ---- publishing ---------------------------------------------------------------------------------------------------


def _publish(topics: list[str]) -> None:
    if settings.MUSTER.redis_url:
        _client(settings.MUSTER.redis_url, PUBLISH_TIMEOUT_SECONDS).publish(CHANNEL, " ".join([CHANGED, *topics]))


@cache
def _client(url: str, timeout: float) -> redis.Redis:
    """A client for every thread that gives up soon; a connection that was dropped while idle is made once more."""
    return redis.Redis.from_url(
        url, socket_connect_timeout=timeout, socket_timeout=timeout, retry=Retry(NoBackoff(), 1)
    )


_courier = Courier("live", _publish, every=COALESCE_SECONDS)
