"""The body spool under a real web server: what clients may do to a body, and what Django sees of it."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from incidents_site.asgi import application
from incidents_site.bridge import Bridge
from incidents_site.spool import SPOOLED, BodySpool

pytestmark = pytest.mark.enable_socket

MAX_BYTES = 3 * 1024 * 1024
STALLED_AFTER = 0.4
WITHIN = 1.5
THREADS = 2
PIECES = 200
PIECE_BYTES = 6 * 10_000
PIECES_AHEAD = 4


class Echo:
    """A WSGI application that answers with the size of the body and remembers every call."""

    def __init__(self):
        self.calls = []

    def __call__(self, environ, start_response):
        body = environ["wsgi.input"].read()
        if environ["PATH_INFO"] == "/long":
            start_response("200 OK", [("Content-Length", str(PIECES * PIECE_BYTES))])
            return (b"%06d" % number * (PIECE_BYTES // 6) for number in range(PIECES))
        seen = {
            "length": len(body),
            "announced": environ.get("CONTENT_LENGTH", ""),
            "ends_with": body[-3:].decode(),
            "query": environ["QUERY_STRING"],
            "headers": sorted(name for name in environ if name.startswith("HTTP_X_")),
        }
        self.calls.append(seen)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(seen).encode()]


@contextmanager
def serving(app):
    """Run an ASGI application on a free port, in a thread; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def echo():
    return Echo()


@pytest.fixture(scope="module")
def port(echo):
    pages = Bridge(echo, threads=THREADS, pieces_ahead=PIECES_AHEAD)
    with serving(BodySpool(pages, max_bytes=MAX_BYTES, stalled_after=STALLED_AFTER, within=WITHIN)) as port:
        yield port
    pages.executor.shutdown()


@pytest.fixture(autouse=True)
def _fresh_calls(echo):
    echo.calls.clear()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def head(*lines, method="POST", target="/"):
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: localhost", *lines, "", "")).encode("latin-1")


def answer(client):
    """Status and body of the one response on this connection."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.recv(65536)
    start, _, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in start.lower().split(b"\r\n") if line.startswith(b"content-length")]
    if lengths:
        while len(body) < int(lengths[0]):
            body += client.recv(65536)
    else:  # chunked
        while not body.endswith(b"0\r\n\r\n"):
            body += client.recv(65536)
        body = body.split(b"\r\n")[1]
    return int(start.split()[1]), body


def echoed(client):
    status, body = answer(client)
    assert status == 200
    return json.loads(body)


def test_a_body_with_a_length_arrives_whole(port):
    with connect(port) as client:
        client.sendall(head("Content-Length: 6") + b"abcdef")
        seen = echoed(client)
    assert (seen["length"], seen["announced"], seen["ends_with"]) == (6, "6", "def")


def test_a_body_that_outgrows_memory_arrives_whole(port):
    size = 2 * 1024 * 1024 + 3
    with connect(port) as client:
        client.sendall(head(f"Content-Length: {size}") + b"x" * (size - 3) + b"end")
        seen = echoed(client)
    assert (seen["length"], seen["ends_with"]) == (size, "end")


def test_a_chunked_body_arrives_whole_and_with_a_length(port):
    with connect(port) as client:
        client.sendall(head("Transfer-Encoding: chunked") + b"4\r\nWiki\r\n")
        time.sleep(0.05)
        client.sendall(b"5\r\npedia\r\n0\r\n\r\n")
        seen = echoed(client)
    assert (seen["length"], seen["announced"], seen["ends_with"]) == (9, "9", "dia")


def test_a_request_without_a_body_does_not_wait_for_one(port):
    with connect(port) as client:
        client.sendall(head(method="GET"))
        seen = echoed(client)
    assert (seen["length"], seen["announced"]) == (0, "")


def test_two_requests_on_one_connection_do_not_mix(port):
    with connect(port) as client:
        for body in (b"one", b"three"):
            client.sendall(head(f"Content-Length: {len(body)}") + body)
            assert echoed(client)["length"] == len(body)


def test_a_body_announced_as_too_large_is_refused_at_once(port, echo):
    with connect(port) as client:
        client.sendall(head(f"Content-Length: {MAX_BYTES + 1}"))
        status, body = answer(client)
    assert (status, body) == (413, b"The body is too large.\n")
    assert echo.calls == []


def test_a_chunked_body_that_grows_too_large_is_refused(port, echo):
    piece = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    with connect(port) as client:
        client.sendall(head("Transfer-Encoding: chunked") + piece * 3 + b"1\r\nx\r\n")
        assert answer(client)[0] == 413
    assert echo.calls == []


def test_an_upload_that_stalls_is_given_up(port, echo):
    with connect(port) as client:
        began = time.monotonic()
        client.sendall(head("Content-Length: 10") + b"abc")
        assert answer(client)[0] == 408
    assert STALLED_AFTER <= time.monotonic() - began < STALLED_AFTER + 1
    assert echo.calls == []


def test_an_upload_that_trickles_is_given_up_in_the_end(port, echo):
    with connect(port) as client:
        began = time.monotonic()  # before the server's clock starts, which the head does
        client.sendall(head("Content-Length: 100"))
        client.settimeout(0.2)
        answered = b""
        while not answered and time.monotonic() - began < 4:
            client.sendall(b"x")
            try:
                answered = client.recv(65536)
            except TimeoutError:
                continue
    assert answered.startswith(b"HTTP/1.1 408")
    assert WITHIN <= time.monotonic() - began < WITHIN + 1
    assert echo.calls == []


def test_stalled_uploads_hold_no_thread(port):
    clients = [connect(port) for _ in range(THREADS * 10)]
    for client in clients:
        client.sendall(head("Content-Length: 10") + b"abc")
    began = time.monotonic()
    with connect(port) as quick:
        quick.sendall(head("Content-Length: 2") + b"ok")
        assert echoed(quick)["length"] == 2
    assert time.monotonic() - began < STALLED_AFTER
    for client in clients:
        client.close()


@pytest.mark.parametrize("framing", ["Content-Length: 10", "Transfer-Encoding: chunked"])
def test_a_client_that_leaves_in_the_middle_reaches_nobody(port, echo, framing):
    with connect(port) as client:
        client.sendall(head(framing) + b"3\r\nabc\r\n")
    with connect(port) as other:
        other.sendall(head("Content-Length: 2") + b"ok")
        echoed(other)
    time.sleep(0.1)
    assert [call["ends_with"] for call in echo.calls] == ["ok"]


def test_a_long_answer_waits_for_its_reader_and_arrives_in_order(port):
    with connect(port) as client:
        client.sendall(head(method="GET", target="/long"))
        time.sleep(0.2)
        status, body = answer(client)
    assert (status, len(body)) == (200, PIECES * PIECE_BYTES)
    assert body == b"".join(b"%06d" % number * (PIECE_BYTES // 6) for number in range(PIECES))


def test_headers_that_wsgi_would_confuse_do_not_pass(port):
    with connect(port) as client:
        client.sendall(head("X_Forwarded_For: 6.6.6.6", "X-Real-Ip: 10.0.0.1", method="GET"))
        assert echoed(client)["headers"] == ["HTTP_X_REAL_IP"]


def test_a_query_with_raw_bytes_is_escaped():
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)

    async def receive():
        raise AssertionError("there is no body to wait for")

    scope = {"type": "http", "headers": [], "query_string": "q=é&r=a%20b".encode()}
    asyncio.run(BodySpool(app)(scope, receive, receive))
    assert seen["query_string"] == b"q=%C3%A9&r=a%20b"
    assert seen[SPOOLED].closed


def test_muster_itself_answers_behind_the_spool():
    with serving(application) as port, connect(port) as client:
        client.sendall(head(method="GET", target="/healthz/"))
        assert answer(client) == (200, b'{"status": "ok"}')
        client.sendall(head(f"Content-Length: {16 * 1024 * 1024 + 1}", target="/healthz"))
        assert answer(client)[0] == 413
