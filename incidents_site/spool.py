"""The body spool: a request reaches a thread only when all of it has arrived.

Behind a2wsgi an upload that stalls would hold a thread, a client that leaves in the middle would look like the end
of the body, and a chunked body would read as empty. So the body is first read into a temporary file, within limits,
and then handed over as a finished file with its length.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, BinaryIO, cast

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Headers = list[tuple[bytes, bytes]]

MAX_BODY_BYTES = 16 * 1024 * 1024
IN_MEMORY_BYTES = 1024 * 1024
STALLED_AFTER_SECONDS = 10.0
WITHIN_SECONDS = 60.0
SPOOLED = "muster.spooled"
# The spool has answered these itself: hop-by-hop framing, and the length that it measured.
FRAMING = frozenset({b"content-length", b"transfer-encoding", b"expect"})


class Refused(Exception):
    """The body is not accepted; the answer is this status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ClientLeft(Exception):
    """The client went away before its request was complete."""


class BodySpool:
    """ASGI middleware: reads the whole body within the limits, then calls ``app`` with it in ``scope[SPOOLED]``.

    413 when it is larger than ``max_bytes``; 408 when nothing came for ``stalled_after`` seconds or it took longer
    than ``within`` seconds in all. A client that leaves in the middle costs nothing: ``app`` is not called.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_bytes: int = MAX_BODY_BYTES,
        stalled_after: float = STALLED_AFTER_SECONDS,
        within: float = WITHIN_SECONDS,
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.stalled_after = stalled_after
        self.within = within

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES) as file:
            body = cast("BinaryIO", file)
            try:
                length = await self._read(scope, receive, body)
            except ClientLeft:
                return
            except Refused as refused:
                await _answer(send, refused)
                return
            body.seek(0)
            await self.app(_spooled_scope(scope, body, length), receive, send)

    async def _read(self, scope: Scope, receive: Receive, body: BinaryIO) -> int:
        """Copy the body into the file and return its length."""
        announced = _announced_length(scope["headers"])
        if announced == 0:
            return 0
        if announced is not None and announced > self.max_bytes:
            raise Refused(413, "The body is too large")
        length, has_more = 0, True
        deadline = asyncio.get_running_loop().time() + self.within
        while has_more:
            left = deadline - asyncio.get_running_loop().time()
            try:
                async with asyncio.timeout(min(self.stalled_after, max(left, 0))):
                    message = await receive()
            except TimeoutError:
                raise Refused(408, "The body did not arrive in time") from None
            if message["type"] != "http.request":
                raise ClientLeft
            chunk = message.get("body", b"")
            length += len(chunk)
            if length > self.max_bytes:
                raise Refused(413, "The body is too large")
            body.write(chunk)
            has_more = message.get("more_body", False)
        return length


def takes_spooled_body(app: WSGIApp) -> WSGIApp:
    """WSGI middleware: reads the body from the spool's file, in its own thread, without the event loop."""

    def spooled(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ["wsgi.input"] = environ["asgi.scope"][SPOOLED]
        return app(environ, start_response)

    return spooled


def _announced_length(headers: Headers) -> int | None:
    """The length that the client announced; None for a chunked body, 0 when there is no body at all."""
    found = {name: value for name, value in headers if name in FRAMING}
    if b"transfer-encoding" in found:
        return None
    with contextlib.suppress(ValueError):
        return int(found.get(b"content-length", b"0"))
    return None


def _spooled_scope(scope: Scope, body: BinaryIO, length: int) -> Scope:
    """The request as WSGI can take it: with the file, the measured length, an ASCII query, unambiguous headers.

    WSGI cannot tell ``X-Forwarded-For`` from ``X_Forwarded_For``, so headers with an underscore do not pass.
    """
    headers = [(name, value) for name, value in scope["headers"] if name not in FRAMING and b"_" not in name]
    if length:
        headers.append((b"content-length", str(length).encode("ascii")))
    query = b"".join(b"%c" % byte if byte < 128 else b"%%%02X" % byte for byte in scope["query_string"])
    return {**scope, "headers": headers, "query_string": query, SPOOLED: body}


async def _answer(send: Send, refused: Refused) -> None:
    """A plain answer, after which the connection ends: the rest of the body is not worth reading."""
    text = f"{refused.reason}.\n".encode()
    headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(text)).encode("ascii")),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
