"""Who looks at what, kept in Redis for all web processes together (``core.live.looking`` reads it).

Each process keeps the seats of its own people and renews them; those of a process that was killed expire. A person has
one seat a process and topic, with however many pages.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core import live

log = structlog.get_logger(__name__)

EXPIRES_SECONDS = 40
RENEW_SECONDS = 15.0
# Whoever follows a link or loads a page again has not left.
LINGER_SECONDS = 2.0
LOOK_SECONDS = 0.5
COALESCE_SECONDS = 0.1
TIMEOUT_SECONDS = 1.0
TOGETHER = 50


@dataclass(slots=True)
class _Seat:
    """A person at a topic. The name is what Redis keeps."""

    name: str
    pages: int = 0
    left_at: float = 0.0

    def is_free(self, now: float) -> bool:
        return not self.pages and now >= self.left_at + LINGER_SECONDS


class Presence:
    """The seats of this process's people; ``process`` tells them from those of other processes."""

    def __init__(self, process: str) -> None:
        self._process = process
        self._topics: dict[str, dict[int, _Seat]] = {}
        self._changed: set[str] = set()
        self._wake = asyncio.Event()
        self._renew_at = 0.0

    def come(self, user_id: int, topic: str) -> None:
        """A person has opened a page about the topic."""
        seats = self._topics.setdefault(topic, {})
        name = live.seat_of(user_id, process=self._process, since=time.time())
        seat = seats.setdefault(user_id, _Seat(name))
        seat.pages += 1
        if seat.pages == 1:
            self._look_at(topic)

    def go(self, user_id: int, topic: str) -> None:
        """A person has closed one of them."""
        seat = self._topics[topic][user_id]
        seat.pages -= 1
        if not seat.pages:
            seat.left_at = time.time()
            self._look_at(topic)

    def renew(self) -> None:
        """Write everything again: Redis is back, and may remember nothing."""
        self._renew_at = 0.0
        self._wake.set()

    def _look_at(self, topic: str) -> None:
        self._changed.add(topic)
        self._wake.set()

    async def run_for_ever(self, url: str) -> None:
        """Tell Redis who has come and gone, and all of it again every 15 seconds: Redis may forget everything."""
        async with _client(url) as client:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_SECONDS if self._changed else self._renew_at - time.monotonic()):
                        await self._wake.wait()
                await asyncio.sleep(COALESCE_SECONDS)
                self._wake.clear()
                if time.monotonic() >= self._renew_at:
                    self._renew_at = time.monotonic() + RENEW_SECONDS
                    self._changed.update(self._topics)
                await self._settle(client)

    async def leave(self, url: str) -> None:
        """Give up all seats, because the process ends."""
        for topic, seats in self._topics.items():
            self._changed.add(topic)
            for seat in seats.values():
                seat.pages, seat.left_at = 0, 0.0
        async with _client(url) as client:
            await self._settle(client)

    async def _settle(self, client: Redis) -> None:
        """Write what has changed, some topics at a time; what could not be written stays changed."""
        changed, self._changed = sorted(self._changed), set()
        while changed:
            topics, changed = changed[:TOGETHER], changed[TOGETHER:]
            now = time.time()
            try:
                await self._write(client, topics, now)
            except Exception as error:  # noqa: BLE001 - it is tried again, and seats expire
                log.debug("presence not written", error=repr(error))
                self._changed.update(topics, changed)
                return
            for topic in topics:
                self._tidy(topic, now)

    async def _write(self, client: Redis, topics: list[str], now: float) -> None:
        """Renew the taken seats and remove the free ones, and publish the topics in which people have changed."""
        writing = client.pipeline(transaction=False)
        for topic in topics:
            key = live.seats_key(topic)
            seats = self._topics[topic].values()
            writing.zadd(key, {seat.name: 0 if seat.is_free(now) else now + EXPIRES_SECONDS for seat in seats})
            writing.zremrangebyscore(key, "-inf", now)
            writing.expire(key, 2 * EXPIRES_SECONDS)
        replies = await writing.execute()
        moved = [
            topic for topic, added, removed in zip(topics, replies[::3], replies[1::3], strict=True) if added or removed
        ]
        if moved:
            await client.publish(live.CHANNEL, " ".join([live.PRESENCE, *moved]))

    def _tidy(self, topic: str, now: float) -> None:
        """Forget the seats that were free when it was written; when somebody has just left, it is looked at again."""
        seats = {user_id: seat for user_id, seat in self._topics[topic].items() if not seat.is_free(now)}
        self._topics[topic] = seats
        if not seats:
            del self._topics[topic]
        elif not all(seat.pages for seat in seats.values()):
            self._changed.add(topic)


def _client(url: str) -> Redis:
    timeout = TIMEOUT_SECONDS
    return Redis.from_url(url, socket_connect_timeout=timeout, socket_timeout=timeout, retry=Retry(NoBackoff(), 1))
