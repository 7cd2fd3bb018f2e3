"""Real receivers on loopback: an SMTP server that can be told to misbehave, and a webhook receiver."""

from __future__ import annotations

import email
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller


class Mailbox:
    """What an SMTP server was given. ``answer`` replaces its reply to the next messages; ``pause`` delays it."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answer = ""
        self.pause = 0.0
        self.refuses_sender = False

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        """Refuse every sender while told to."""
        if self.refuses_sender:
            return "550 5.7.1 Sender refused"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802
        """Refuse nobody@…, as a real server would."""
        if address.startswith("nobody@"):
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        """Keep the message, unless told otherwise."""
        time.sleep(self.pause)
        if self.answer:
            return self.answer
        self.messages.append(email.message_from_bytes(envelope.content))
        return "250 OK"


def free_port() -> int:
    """A port of loopback that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def smtp_server() -> Iterator[tuple[Mailbox, int]]:
    """A mailbox and the port it listens on."""
    mailbox, port = Mailbox(), free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield mailbox, port
    finally:
        controller.stop()


class Hook:
    """What a webhook receiver was sent, and how it answers: a status, headers, a body, and a pause before it."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.paths: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.body = b""
        self.pause = 0.0
        self.url = ""


@contextmanager
def webhook_receiver() -> Iterator[Hook]:
    """A receiver on loopback."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):  # noqa: N802
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            hook.paths.append(self.path)
            hook.requests.append(({name.lower(): value for name, value in self.headers.items()}, body))
            time.sleep(hook.pause)
            self.send_response(hook.status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(hook.body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    hook.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
