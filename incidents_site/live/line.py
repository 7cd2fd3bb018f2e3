"""The line to Redis, one a process: hears what other processes say, and notices when it hears nothing any more."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core import live
from incidents_site.live.hub import Hub

log = structlog.get_logger(__name__)

CONNECT_SECONDS = 1.0
ASK_SECONDS = 1.0
# Redis that has not said a word for so long, although it is asked every second, is as good as gone.
SILENT_SECONDS = 4.0
SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


class Line:
    """Passes on to the hub what is published, and tells it when the line is lost and when it is back.

    Nothing says what was published in between, so whoever listens must then look at everything again.
    """

    def __init__(self, hub: Hub, *, on_line: Callable[[], None], on_access: Callable[[], None]) -> None:
        self._hub = hub
        self._on_line = on_line
        self._on_access = on_access
        self._heard_at = 0.0
        self._pause = SHORTEST_PAUSE_SECONDS

    async def run_for_ever(self, url: str) -> None:
        """Listen, and connect again whenever the line is lost."""
        while True:
            try:
                await self._listen(url)
            except Exception as error:  # noqa: BLE001 - whatever happens to Redis, the line is tried again
                log.debug("no line to Redis", error=repr(error))
            self._hub.set_online(False)
            await asyncio.sleep(random.uniform(self._pause / 2, self._pause))
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    async def _listen(self, url: str) -> None:
        client = Redis.from_url(
            url, socket_connect_timeout=CONNECT_SECONDS, socket_timeout=None, retry=Retry(NoBackoff(), 0)
        )
        subscription = client.pubsub()
        try:
            async with asyncio.timeout(SILENT_SECONDS):
                await subscription.subscribe(live.CHANNEL)
            self._heard_at = asyncio.get_running_loop().time()
            async with asyncio.TaskGroup() as both:
                both.create_task(self._hear(subscription))
                both.create_task(self._ask(subscription))
        finally:
            await subscription.aclose()  # type: ignore[no-untyped-call]
            await client.aclose()

    async def _hear(self, subscription: PubSub) -> None:
        async for said in subscription.listen():
            self._heard_at = asyncio.get_running_loop().time()
            if said["type"] == "subscribe":
                self._pause = SHORTEST_PAUSE_SECONDS
                self._hub.set_online(True)
                self._on_line()
            elif said["type"] == "message":
                self._pass_on(said["data"].decode().split())
        raise ConnectionError("the subscription has ended")

    async def _ask(self, subscription: PubSub) -> None:
        """A connection whose other end has vanished looks alive for many minutes."""
        while True:
            await asyncio.sleep(ASK_SECONDS)
            if asyncio.get_running_loop().time() - self._heard_at > SILENT_SECONDS:
                raise TimeoutError("Redis does not answer")
            await subscription.ping()

    def _pass_on(self, words: list[str]) -> None:
        match words:
            case [live.CHANGED | live.PRESENCE as event, *topics]:
                self._hub.tell(event, topics)
                if live.ACCESS in topics:
                    self._on_access()
