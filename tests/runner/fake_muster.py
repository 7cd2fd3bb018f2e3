"""Muster as a runner sees it: a real server on loopback that speaks the contract, and can be told to misbehave."""

from __future__ import annotations

import json
import ssl
import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.live import wait_until

TOKEN = "mrn_" + "k" * 43


@dataclass
class Told:
    """What was heard of one execution."""

    text: str = ""
    pieces: list[str] = field(default_factory=list)
    starts: int = 0
    ends: list[dict[str, Any]] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        return self.ends[0]["outcome"] if self.ends else ""

    @property
    def detail(self) -> str:
        return self.ends[0]["detail"] if self.ends else ""


class FakeMuster:
    """``queue`` is handed out in order. ``statuses`` replaces an endpoint's answers; ``is_away`` cuts every call."""

    def __init__(self) -> None:
        self.queue: list[dict[str, Any]] = []
        self.offers: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.statuses: dict[str, int] = {}
        self.is_away = False
        self.is_to_stop = False
        self.hold_start = threading.Event()
        self.hold_start.set()
        self.told: defaultdict[int, Told] = defaultdict(Told)
        self.calls: list[str] = []
        self.url = ""
        self.server: ThreadingHTTPServer | None = None

    def speak_tls(self, certificate: str) -> None:
        """From now on with this certificate."""
        assert self.server
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = self.url.replace("http:", "https:")

    def ask(self, execution: int, action: str = "show", *, token: str = "", **more: Any) -> Told:
        """Have an action run."""
        claim = {"execution": execution, "token": token or str(uuid.uuid4()), "action": action, "parameters": {}}
        self.queue.append({**claim, "dry_run": False, "seconds": 300, **more})
        return self.told[execution]

    def wait_for_end(self, *executions: int, within: float = 10) -> None:
        wait_until(lambda: all(self.told[one].ends for one in executions), "no end was told", within=within)

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        endpoint = path.rsplit("/", 1)[-1]
        self.calls.append(endpoint)
        if endpoint == "start":
            self.told[int(path.split("/")[-2])].starts += 1
            self.hold_start.wait()
        if status := self.statuses.get(endpoint):
            return status, {}
        if endpoint == "claim":
            self.offers.append(body)
            return (200, self.queue.pop(0)) if self.queue else (204, {})
        told = self.told[int(path.split("/")[-2])]
        if endpoint == "output":
            new = body["text"][max(0, len(told.text) - body["offset"]) :]
            told.text += new
            told.pieces += [new] if new else []
            return 200, {"received": len(told.text), "stop": self.is_to_stop}
        if endpoint == "finish":
            told.ends.append(body)
        return 200, {}


@contextmanager
def fake_muster() -> Iterator[FakeMuster]:
    """It listens until the block is left."""
    muster = FakeMuster()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if muster.is_away:
                self.close_connection = True
                return
            muster.headers = {name.lower(): value for name, value in self.headers.items()}
            status, answer = muster.answer(self.path, body)
            data = json.dumps(answer).encode() if status == 200 else b""
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def handle(self):
            with suppress(OSError):  # the runner was killed meanwhile
                super().handle()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    muster.server = server
    muster.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield muster
    finally:
        muster.hold_start.set()
        server.shutdown()
        server.server_close()
        thread.join()
