"""The guarded HTTP client against real servers on loopback, kind and unkind ones."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, NoReturn

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from core import http
from core.http import BadRequest, BadUrl, Guard, HttpError, Interrupted, Refused, Response, TimedOut, Unreachable

pytestmark = pytest.mark.enable_socket

LOOPBACK = Guard(allow_nets=(ip_network("127.0.0.0/8"),))
Handler = Callable[[socket.socket], None]


@contextmanager
def server(handler: Handler) -> Iterator[int]:
    """Listen on a free port of 127.0.0.1 and give each connection to ``handler``; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        open_connections: list[socket.socket] = []

        def handle(connection: socket.socket) -> None:
            with suppress(OSError, ValueError), connection:
                handler(connection)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    open_connections.append(connection)
                    threading.Thread(target=handle, args=(connection,), daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield listener.getsockname()[1]
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        accepting.join(2)
        for connection in open_connections:
            connection.close()


def read_request(connection: socket.socket) -> tuple[str, dict[str, str], bytes]:
    """Request line, headers in lower case, body."""
    stream = connection.makefile("rb")
    line = stream.readline().decode().strip()
    headers = {}
    while header := stream.readline().decode().strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    return line, headers, stream.read(int(headers.get("content-length", 0)))


def answering(raw: bytes) -> Handler:
    def handler(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(raw)

    return handler


def echo(connection: socket.socket) -> None:
    """Answer with what was asked, as JSON."""
    line, headers, body = read_request(connection)
    answer = json.dumps({"line": line, "headers": headers, "body": body.decode()}).encode()
    connection.sendall(b"HTTP/1.1 201 Created\r\nX-Made: yes\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))


@pytest.fixture
def unknown_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """No name has an address; nothing is asked outside this machine."""

    def unknown(*args: object, **kwargs: object) -> NoReturn:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)


def post(url: str, **changes: Any) -> Response:
    return http.post(url, **{"body": b"{}", "headers": {}, "guard": LOOPBACK, **changes})


def test_post_is_sent_with_the_name_and_answered() -> None:
    with server(echo) as port:
        response = post(
            f"http://localhost:{port}/hook?a=1#x",
            body="é".encode(),
            headers={"Content-Type": "text/plain", "X-Id": "7"},
        )
    asked = json.loads(response.body)
    assert (response.status, response.headers["x-made"]) == (201, "yes")
    assert (asked["line"], asked["body"]) == ("POST /hook?a=1 HTTP/1.1", "é")
    assert asked["headers"] == {
        "host": f"localhost:{port}",
        "user-agent": "Muster",
        "accept-encoding": "identity",
        "connection": "close",
        "content-type": "text/plain",
        "x-id": "7",
        "content-length": "2",
    }


def test_caller_cannot_change_the_framing_or_the_host() -> None:
    with server(echo) as port:
        headers = {"Host": "other", "Content-Length": "99", "Transfer-Encoding": "chunked", "Connection": "upgrade"}
        asked = json.loads(post(f"http://127.0.0.1:{port}", headers=headers).body)
    assert asked["headers"]["host"] == f"127.0.0.1:{port}"
    assert asked["headers"]["content-length"] == "2"
    assert "transfer-encoding" not in asked["headers"]
    assert asked["line"] == "POST / HTTP/1.1"


def test_user_and_password_of_the_address_are_basic_authorization() -> None:
    with server(echo) as port:
        asked = json.loads(post(f"http://us%40er:p%3Aw@127.0.0.1:{port}/ü?q=ä").body)
    assert asked["headers"]["authorization"] == "Basic dXNAZXI6cDp3"
    assert asked["line"] == "POST /%C3%BC?q=%C3%A4 HTTP/1.1"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_an_answer_and_is_not_followed(status: int) -> None:
    visits: list[str] = []

    def redirect(connection: socket.socket) -> None:
        visits.append(read_request(connection)[0])
        connection.sendall(b"HTTP/1.1 %d Moved\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n" % status)

    with server(redirect) as port:
        response = post(f"http://127.0.0.1:{port}/once")
    assert (response.status, response.headers["location"]) == (status, "/again")
    assert visits == ["POST /once HTTP/1.1"]


def test_huge_answer_is_cut_and_the_rest_is_not_read() -> None:
    sent = 0

    def huge(connection: socket.socket) -> None:
        nonlocal sent
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        with suppress(OSError):
            while sent < 1_000_000_000:
                sent += connection.send(b"x" * 65536)

    with server(huge) as port:
        response = post(f"http://127.0.0.1:{port}/")
    assert (response.status, response.body) == (200, b"x" * 65536)
    assert sent < 50_000_000


def test_endless_headers_are_refused() -> None:
    def endless(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        with suppress(OSError):
            while True:
                connection.sendall(b"X-Filler: " + b"x" * 1000 + b"\r\n")

    with server(endless) as port, pytest.raises(Interrupted):
        post(f"http://127.0.0.1:{port}/")


def silent(connection: socket.socket) -> None:
    read_request(connection)
    connection.recv(1)


def deaf(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    time.sleep(3)


def dripping(prefix: bytes) -> Handler:
    def handler(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(prefix)
        with suppress(OSError):
            while True:
                connection.sendall(b"x")
                time.sleep(0.05)

    return handler


@pytest.mark.parametrize(
    ("handler", "body"),
    [
        (silent, b""),
        (deaf, b"x" * 20_000_000),
        (dripping(b""), b""),
        (dripping(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-Drip: "), b""),
    ],
    ids=["silent", "deaf", "dripping", "dripping headers"],
)
def test_whole_request_ends_at_the_deadline(handler: Handler, body: bytes) -> None:
    with server(handler) as port:
        began = time.monotonic()
        with pytest.raises(TimedOut, match=rf"^127\.0\.0\.1:{port} did not answer within 0\.4 s$"):
            post(f"http://127.0.0.1:{port}/", body=body, total_seconds=0.4)
    assert 0.3 < time.monotonic() - began < 1.5


def test_status_counts_even_if_the_body_never_ends() -> None:
    with server(dripping(b"HTTP/1.1 200 OK\r\n\r\n")) as port:
        began = time.monotonic()
        response = post(f"http://127.0.0.1:{port}/", total_seconds=0.4)
    assert time.monotonic() - began < 1.5
    assert response.status == 200
    assert 0 < len(response.body) < 20
    with server(answering(b"HTTP/1.1 202 Accepted\r\nContent-Length: 50\r\n\r\npart")) as port:
        assert post(f"http://127.0.0.1:{port}/").body == b"part"


def test_server_that_answers_without_reading_all_is_heard() -> None:
    def hasty(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    with server(hasty) as port:
        assert post(f"http://127.0.0.1:{port}/", body=b"x" * 5_000_000).status == 413


@pytest.mark.parametrize("raw", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\x00" * 2000])
def test_request_that_is_not_answered_in_http_may_have_been_read(raw: bytes) -> None:
    with server(answering(raw)) as port, pytest.raises(Interrupted):
        post(f"http://127.0.0.1:{port}/")


def test_closed_port_is_unreachable() -> None:
    with server(silent) as port:
        pass
    with pytest.raises(Unreachable, match=rf"^127\.0\.0\.1:{port}: Connection refused$"):
        post(f"http://127.0.0.1:{port}/secret-path")


@pytest.mark.usefixtures("unknown_names")
def test_name_without_an_address_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"^no-such-host\.invalid:443 cannot be resolved: Name or service not known$"):
        post("https://no-such-host.invalid/token")


def test_hanging_resolver_does_not_hold_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()

    def hang(*args: object, **kwargs: object) -> NoReturn:
        released.wait(5)
        raise OSError

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.2)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"slow\.example:80 was not resolved"):
        post("http://slow.example/")
    assert time.monotonic() - began < 1
    released.set()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1"],
)
def test_inside_is_refused_however_it_is_written(host: str) -> None:
    with server(echo) as port, pytest.raises(Refused):
        post(f"http://{host}:{port}/", guard=Guard())


def test_own_port_is_refused_inside_an_allowed_network() -> None:
    with server(echo) as port:
        own = Guard(allow_nets=LOOPBACK.allow_nets, refused=frozenset({("127.0.0.1", port)}))
        with pytest.raises(Refused, match="Muster's own"):
            post(f"http://127.0.0.1:{port}/", guard=own)
        with pytest.raises(Refused, match="Muster's own"):
            post(f"http://127.9.9.9:{port}/", guard=own)


def test_name_is_resolved_once_and_only_allowed_addresses_are_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        asked.append(host)
        addresses = ["10.255.255.1", "127.0.0.1"] if len(asked) == 1 else ["169.254.169.254"]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with server(echo) as port:
        began = time.monotonic()
        response = post(f"http://rebind.example:{port}/")
        assert json.loads(response.body)["headers"]["host"] == f"rebind.example:{port}"
        assert asked == ["rebind.example"]
        assert time.monotonic() - began < 1
        with pytest.raises(Refused):
            post(f"http://rebind.example:{port}/")


def test_next_address_is_tried_when_the_first_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    def two(host: str, port: int, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with server(echo) as port:
        assert post(f"http://two.example:{port}/").status == 201


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://host/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "//host/path",
        "http://",
        "http:///path",
        "http://host:0/",
        "http://host:99999/",
        "http://host:port/",
        "http://[::1/",
        "http://ho st/",
        "http://host/a\r\nX-Injected: 1",
        "http://host/\x00",
        "http://" + "a" * 70 + ".example/",
        "http://a..example/",
    ],
)
def test_bad_address_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(BadUrl):
        post(url)


@pytest.mark.parametrize("headers", [{"X-A": "a\r\nX-B: b"}, {"X A": "word"}, {"X-A": "é"}, {"X-A": "\x00"}])
def test_header_that_http_does_not_allow_is_a_bad_request(headers: dict[str, str]) -> None:
    with server(echo) as port, pytest.raises(BadRequest) as refusal:
        post(f"http://127.0.0.1:{port}/", headers=headers)
    assert next(iter(headers.values())) not in str(refusal.value)


@pytest.mark.usefixtures("unknown_names")
def test_no_error_repeats_what_may_be_secret() -> None:
    urls = [
        "http://user:hunter2@{}/token?key=hunter2",
        "http://user:hunter2@{}:x/hunter2",
        "ftp://user:hunter2@{}/hunter2",
    ]
    with server(answering(b"nonsense")) as port:
        for url in urls:
            for host in (f"127.0.0.1:{port}", "127.0.0.1:1", "10.0.0.1", "no-such-host.invalid"):
                with pytest.raises(HttpError) as refusal:
                    post(url.format(host), headers={"Authorization": "hunter2"})
                assert "hunter2" not in str(refusal.value)
                assert refusal.value.__cause__ is None
                assert refusal.value.__suppress_context__ or refusal.value.__context__ is None


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for ``name`` and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    cert_file, key_file = folder / f"{name}.pem", folder / f"{name}.key"
    cert_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return cert_file, key_file


def test_tls_keeps_the_name_and_refuses_strangers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str | None] = []
    cert_file, key_file = certificate(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert_file, key_file)
    context.sni_callback = lambda _socket, name, _context: names.append(name)

    def secure(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            echo(wrapped)

    monkeypatch.setenv("SSL_CERT_FILE", str(cert_file))
    http._tls_context.cache_clear()
    try:
        with server(secure) as port:
            response = post(f"https://localhost:{port}/")
            assert json.loads(response.body)["headers"]["host"] == f"localhost:{port}"
            assert names == ["localhost"]
            with pytest.raises(Unreachable, match="its certificate is not trusted"):
                post(f"https://127.0.0.1:{port}/")
        with (
            server(lambda plain: plain.sendall(b"220 mail\r\n")) as port,
            pytest.raises(Unreachable, match="TLS failed"),
        ):
            post(f"https://localhost:{port}/")
        with server(deaf) as port, pytest.raises(Unreachable, match="did not answer within"):
            post(f"https://localhost:{port}/", total_seconds=0.3)
    finally:
        http._tls_context.cache_clear()


def test_many_threads_share_the_client() -> None:
    bodies: list[str] = []

    def send(number: int) -> None:
        response = post(f"http://127.0.0.1:{port}/{number}", body=str(number).encode())
        bodies.append(json.loads(response.body)["body"])

    with server(echo) as port:
        threads = [threading.Thread(target=send, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(bodies, key=int) == [str(number) for number in range(20)]


def test_default_guard_keeps_musters_own_servers_out_of_reach(settings: Any) -> None:
    guard = http.default_guard()
    assert guard.allow_nets == settings.MUSTER.allow_nets
    assert (settings.MUSTER.bind, settings.MUSTER.port) in guard.refused
    assert len(guard.refused) == 3
    with pytest.raises(Refused):
        http.post(f"http://127.0.0.1:{settings.MUSTER.port}/", body=b"", headers={})
