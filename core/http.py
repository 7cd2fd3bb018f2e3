"""Outgoing HTTP to addresses that people have typed in: guarded, bounded, and with no redirect followed.

A name is resolved once, every address is judged before it is connected to, and the connection goes to that very
address, while the request and TLS keep the name. Three seconds to connect, eight in all, 64 KB of answer.
"""

from __future__ import annotations

import base64
import socket
import ssl
import string
import time
from collections.abc import Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

import httpcore
from django.conf import settings

from core.addresses import Address, Guard, resolve

__all__ = [
    "BadRequest",
    "BadUrl",
    "Guard",
    "HttpError",
    "Interrupted",
    "Refused",
    "Response",
    "TimedOut",
    "Unreachable",
    "default_guard",
    "delete",
    "get",
    "post",
    "put",
]

CONNECT_SECONDS = 3.0
TOTAL_SECONDS = 8.0
BODY_LIMIT = 64 * 1024  # bytes of an answer that are kept

_ADDRESSES_TRIED = 4
_DEFAULT_PORTS = {"http": 80, "https": 443}
_OURS_ALONE = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})


class HttpError(Exception):
    """What ``post`` and ``get`` raise. Messages name host and port, never path, query, user or headers."""


class BadRequest(HttpError):
    """A header that HTTP does not allow; permanent."""


class BadUrl(BadRequest):
    """Not an http or https address; permanent."""


class Refused(HttpError):
    """The guard allows none of the addresses behind the name; permanent, until the configuration changes."""


class Unreachable(HttpError):
    """No name, no connection or no TLS: nothing was sent; worth another try."""


class TimedOut(HttpError):
    """Sent, at least in part, and not answered within the time: it may have been read; worth another try."""


class Interrupted(TimedOut):
    """Sent, at least in part, and the connection broke, or what came back was no HTTP: it may have been read."""


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: header names are in lower case, ``body`` ends at the limit (64 KB) or where the time was over."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def default_guard() -> Guard:
    """The guard of this installation: MUSTER_ALLOW_NETS, and its own database, Redis and web server."""
    config = settings.MUSTER
    own = {(config.bind, config.port)}
    for url, default_port in ((config.database_url, 5432), (config.redis_url, 6379)):
        if url:
            parts = urlsplit(url)
            own.add((parts.hostname or "localhost", parts.port or default_port))
    return Guard(allow_nets=config.allow_nets, refused=frozenset(own))


def post(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    guard: Guard | None = None,
    total_seconds: float = TOTAL_SECONDS,
) -> Response:
    """Send one POST and give the answer, whatever its status; a redirect is an answer like any other.

    A user and password in ``url`` are sent as Basic authorization. Once the status is known it counts: an answer
    whose body is too long, breaks off or drips past the time is given with what has arrived of it. Raises ``BadUrl``,
    ``BadRequest`` and ``Refused``, which are permanent; ``Unreachable`` if nothing was sent; ``TimedOut`` and its
    ``Interrupted`` if the other side may have read it.
    """
    return _send("POST", url, body, headers, guard, seconds=total_seconds, limit=BODY_LIMIT)


def get(
    url: str,
    *,
    headers: Mapping[str, str],
    limit: int = BODY_LIMIT,
    guard: Guard | None = None,
    total_seconds: float = TOTAL_SECONDS,
) -> Response:
    """Send one GET, as ``post`` sends its request. At most ``limit`` bytes of the answer are kept."""
    return _send("GET", url, None, headers, guard, seconds=total_seconds, limit=limit)


def put(
    url: str,
    *,
    body: bytes,
    headers: Mapping[str, str],
    guard: Guard | None = None,
    total_seconds: float = TOTAL_SECONDS,
) -> Response:
    """Send one PUT, as ``post`` sends its request."""
    return _send("PUT", url, body, headers, guard, seconds=total_seconds, limit=BODY_LIMIT)


def delete(
    url: str, *, headers: Mapping[str, str], guard: Guard | None = None, total_seconds: float = TOTAL_SECONDS
) -> Response:
    """Send one DELETE, as ``post`` sends its request."""
    return _send("DELETE", url, None, headers, guard, seconds=total_seconds, limit=BODY_LIMIT)


def _send(
    method: str,
    url: str,
    body: bytes | None,
    headers: Mapping[str, str],
    guard: Guard | None,
    *,
    seconds: float,
    limit: int,
) -> Response:
    target = _target(url)
    exchange = _Exchange(target.name, seconds)
    backend = _Backend(guard or default_guard(), exchange)
    context = _tls_context() if target.url.scheme == b"https" else None
    connection = httpcore.HTTPConnection(target.url.origin, ssl_context=context, network_backend=backend)
    try:
        with (
            closing(connection),
            connection.stream(method, target.url, content=body, headers=_headers(target, headers)) as response,
        ):
            return Response(
                status=response.status,
                headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers},
                body=_start_of_body(response, limit),
            )
    except httpcore.LocalProtocolError:
        raise BadRequest(f"a header for {target.name} holds characters that HTTP does not allow") from None
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise exchange.broken(error) from None


# ---- the request -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Target:
    url: httpcore.URL
    host_header: str
    authorization: str

    @property
    def name(self) -> str:
        """Host and port, for messages."""
        origin = self.url.origin
        return f"{origin.host.decode()}:{origin.port}"


def _target(url: str) -> _Target:
    if not url.isprintable() or " " in url:
        raise BadUrl("the address holds white space or control characters")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        ascii_host = host if host.isascii() else host.encode("idna").decode()
    except ValueError:
        raise BadUrl("the address cannot be read") from None
    if parts.scheme not in _DEFAULT_PORTS or not ascii_host or port == 0:
        raise BadUrl("the address does not start with http:// or https:// and a host")
    path = quote(parts.path or "/", safe=string.punctuation)
    query = "?" + quote(parts.query, safe=string.punctuation) if parts.query else ""
    header = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    authorization = ""
    if parts.username is not None:
        pair = unquote_to_bytes(parts.username) + b":" + unquote_to_bytes(parts.password or "")
        authorization = "Basic " + base64.b64encode(pair).decode()
    return _Target(
        url=httpcore.URL(
            scheme=parts.scheme, host=ascii_host, port=port or _DEFAULT_PORTS[parts.scheme], target=path + query
        ),
        host_header=header if port in (None, _DEFAULT_PORTS[parts.scheme]) else f"{header}:{port}",
        authorization=authorization,
    )


def _headers(target: _Target, given: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    chosen = {"user-agent": "Muster", "host": target.host_header, "connection": "close", "accept-encoding": "identity"}
    if target.authorization:
        chosen["authorization"] = target.authorization
    chosen |= {name.lower(): value for name, value in given.items() if name.lower() not in _OURS_ALONE}
    try:
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in chosen.items()]
    except UnicodeEncodeError:
        raise BadRequest(f"a header for {target.name} holds characters that HTTP does not allow") from None


def _start_of_body(response: httpcore.Response, limit: int) -> bytes:
    body = bytearray()
    with suppress(TimedOut, httpcore.NetworkError, httpcore.ProtocolError):
        for chunk in response.iter_stream():
            body += chunk
            if len(body) >= limit:
                break
    return bytes(body[:limit])


@cache
def _tls_context() -> ssl.SSLContext:
    return httpcore.default_ssl_context()


# ---- the connection ----------------------------------------------------------------------------------------


class _Exchange:
    """One request's end in time, and whether anything of it has been sent.

    Whatever a server does between its bytes, no wait goes beyond the end.
    """

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.has_sent = False
        self._ends_at = time.monotonic() + seconds
        self._seconds = seconds

    def left(self) -> float:
        """Seconds left, more than none; raises what ``over`` gives after the end."""
        seconds = self._ends_at - time.monotonic()
        if seconds <= 0:
            raise self.over()
        return seconds

    def over(self) -> HttpError:
        failure = TimedOut if self.has_sent else Unreachable
        return failure(f"{self.name} did not answer within {self._seconds:g} s")

    def broken(self, error: Exception) -> HttpError:
        failure = Interrupted if self.has_sent else Unreachable
        return failure(f"{self.name}: {error}")


class _Backend(httpcore.NetworkBackend):
    """Resolves, judges and connects, for httpcore."""

    def __init__(self, guard: Guard, exchange: _Exchange) -> None:
        self._guard = guard
        self._exchange = exchange
        self._name = exchange.name

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        until = time.monotonic() + min(CONNECT_SECONDS, self._exchange.left())
        allowed, objection = [], ""
        for address in self._resolved(host, port, seconds=until - time.monotonic()):
            reason = self._guard.objection(address, port)
            if reason is None:
                allowed.append(address)
            else:
                objection = reason
        if not allowed:
            raise Refused(f"{self._name} is refused: {objection}")
        allowed = allowed[:_ADDRESSES_TRIED]
        failure = Unreachable(f"{self._name} took no connection within {CONNECT_SECONDS:g} s")
        for index, address in enumerate(allowed):
            # Each gets its share, so that one address that swallows packets leaves time for the next.
            seconds = (until - time.monotonic()) / (len(allowed) - index)
            if seconds <= 0:
                break
            try:
                return _Stream(_connect(address, port, seconds=seconds), self._exchange)
            except TimeoutError:
                continue
            except OSError as error:
                failure = Unreachable(f"{self._name}: {error.strerror or 'no connection'}")
        raise failure

    def _resolved(self, host: str, port: int, *, seconds: float) -> list[Address]:
        try:
            return resolve(host, port, seconds=seconds)
        except TimeoutError:
            raise Unreachable(f"{self._name} was not resolved within {CONNECT_SECONDS:g} s") from None
        except OSError as error:
            raise Unreachable(f"{self._name} cannot be resolved: {error.strerror or 'no address'}") from None
        except ValueError:
            raise BadUrl(f"{self._name[:80]} is no host name") from None


class _Stream(httpcore.NetworkStream):
    """A socket whose every wait ends at the deadline; httpcore's own time-outs are for one wait each."""

    def __init__(self, connected: socket.socket, exchange: _Exchange) -> None:
        self._socket = connected
        self._exchange = exchange

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(self._exchange.left())
        try:
            return self._socket.recv(max_bytes)
        except TimeoutError:
            raise self._exchange.over() from None
        except OSError as error:
            raise httpcore.ReadError(_words(error)) from None

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        rest = memoryview(buffer)
        while rest:
            self._socket.settimeout(self._exchange.left())
            self._exchange.has_sent = True
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                raise self._exchange.over() from None
            except OSError as error:
                raise httpcore.WriteError(_words(error)) from None

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        try:
            self._socket.settimeout(self._exchange.left())
            return _Stream(ssl_context.wrap_socket(self._socket, server_hostname=server_hostname), self._exchange)
        except TimeoutError:
            self.close()
            raise self._exchange.over() from None
        except (OSError, ValueError) as error:
            self.close()
            raise httpcore.ConnectError(_words(error)) from None

    def get_extra_info(self, info: str) -> Any:
        return None


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return "TLS failed"
    return (error.strerror if isinstance(error, OSError) else None) or "the connection broke"


def _connect(address: Address, port: int, *, seconds: float) -> socket.socket:
    connection = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    try:
        connection.settimeout(seconds)
        connection.connect((str(address), port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        connection.close()
        raise
    return connection
