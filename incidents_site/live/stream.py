"""The ASGI application of ``/live``: lets streams in, and writes to each what the hub has for it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.http.cookie import parse_cookie

from incidents_site.cookies import storable
from incidents_site.live.access import INCIDENT, Guard, topics_in
from incidents_site.live.hub import Hub, Stream
from incidents_site.live.line import Line
from incidents_site.live.presence import Presence
from incidents_site.spool import Headers, Receive, Scope, Send

if TYPE_CHECKING:
    from collections.abc import Collection

log = structlog.get_logger(__name__)

PATHS = ("/live", "/live/")
MOST_OF_ONE_PERSON = 50
FIRST_LINE_SECONDS = 0.5
LEAVE_SECONDS = 0.5
CANCEL_AGAIN_SECONDS = 0.2

HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),
    (b"x-content-type-options", b"nosniff"),
]


class Refused(Exception):
    """There is no stream for this request; the answer is this status, with a reason and perhaps a header."""

    def __init__(self, status: int, reason: str, *headers: tuple[bytes, bytes]) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers


class LiveStreams:
    """All streams of one process, up to ``room``. Its lifespan starts and ends what they share."""

    def __init__(self) -> None:
        self.room = 3000
        self.hub = Hub()
        self._guard = Guard()
        self._presence = Presence(secrets.token_hex(4))
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
        else:
            try:
                stream = await self._let_in(scope)
            except Refused as refused:
                await _answer(send, refused)
            else:
                await self._serve(stream, receive, send)

    def close(self) -> None:
        """End every stream now, and let no more in: the process is about to end, and would wait for them."""
        self.hub.close()

    async def _let_in(self, scope: Scope) -> Stream:
        """The stream that is asked for, heard by nobody yet. Raises ``Refused``."""
        if scope["path"] not in PATHS:
            raise Refused(404, "Not found")
        if scope["method"] != "GET":
            raise Refused(405, "Only GET", (b"allow", b"GET"))
        topics = topics_in(scope["query_string"])
        if topics is None:
            raise Refused(400, "Ask for one to eight topics, such as ?topic=incidents")
        session_key = _session_key(scope["headers"])
        if not session_key:
            raise Refused(401, "Sign in first")
        try:
            visitor = await self._guard.visitor(session_key, topics)
        except Exception as error:  # noqa: BLE001 - without its database Muster cannot tell who asks
            log.warning("cannot look at the session of a new stream", error=repr(error))
            raise _come_back("The database does not answer") from None
        if visitor is None:
            raise Refused(401, "Sign in first")
        if not topics <= visitor.may_hear:
            raise Refused(404, "Not found")
        if self.hub.streams_of[visitor.user_id] >= MOST_OF_ONE_PERSON:
            raise Refused(429, "Too many open pages", (b"retry-after", b"30"))
        if self.hub.is_closed or len(self.hub) >= self.room:
            raise _come_back("No room for another stream")
        return Stream(visitor.user_id, session_key, topics)

    async def _serve(self, stream: Stream, receive: Receive, send: Send) -> None:
        """Write what the stream is told, until either side ends it."""
        self._open(stream)
        gone = asyncio.ensure_future(_close_when_gone(stream, receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            while said := await stream.take():
                await send({"type": "http.response.body", "body": said, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()
            self._forget(stream)

    def _open(self, stream: Stream) -> None:
        self.hub.add(stream)
        self._guard.watch(stream)
        for topic in _seated(stream):
            self._presence.come(stream.user_id, topic)

    def _forget(self, stream: Stream) -> None:
        self.hub.remove(stream)
        self._guard.forget(stream)
        for topic in _seated(stream):
            self._presence.go(stream.user_id, topic)

    # ---- what the streams of a process share -----------------------------------------------------------------

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while (await receive())["type"] == "lifespan.startup":
            await self._start()
            await send({"type": "lifespan.startup.complete"})
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _start(self) -> None:
        """Without Redis nothing is heard of other processes: all streams say so, and the pages poll."""
        work = [self.hub.beat_for_ever(), self._guard.run_for_ever()]
        url = settings.MUSTER.redis_url
        if url:
            line = Line(self.hub, on_line=self._presence.renew, on_access=self._guard.look_now)
            work += [line.run_for_ever(url), self._presence.run_for_ever(url)]
        self._tasks = [asyncio.create_task(each) for each in work]
        deadline = asyncio.get_running_loop().time() + FIRST_LINE_SECONDS
        while url and not self.hub.is_online and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)  # the first pages need not hear that we are offline, only to poll for nothing

    async def _stop(self) -> None:
        self.close()
        await _end(self._tasks)
        if settings.MUSTER.redis_url:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVE_SECONDS):
                    await self._presence.leave(settings.MUSTER.redis_url)
        self._guard.stop()


async def _end(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel until all have ended: before Python 3.12 ``asyncio.wait_for``, which the Redis client writes with, loses a
    cancellation that comes in the moment in which what it waits for is done."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


def _seated(stream: Stream) -> list[str]:
    """The topics at which others see who looks."""
    return [topic for topic in stream.topics if topic.startswith(INCIDENT)]


def _session_key(headers: Headers) -> str:
    cookies = b"; ".join(value for name, value in headers if name == b"cookie")
    return storable(parse_cookie(cookies.decode("latin-1"))).get(settings.SESSION_COOKIE_NAME, "")


def _come_back(reason: str) -> Refused:
    return Refused(503, reason, (b"retry-after", b"5"))


async def _close_when_gone(stream: Stream, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        continue  # a GET may have a body, which says nothing to us
    stream.close()


async def _answer(send: Send, refused: Refused) -> None:
    text = f"{refused.reason}.\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode("ascii")),
        (b"cache-control", b"no-store"),
        *refused.headers,
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
