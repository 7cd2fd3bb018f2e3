"""Open pages without a browser: a real server in a thread, and somebody who reads its event stream."""

from __future__ import annotations

import contextlib
import http.client
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from accounts.models import User
from incidents_site.live.stream import LiveStreams
from incidents_site.spool import ASGIApp
from incidents_site.web import WebServer, server_of
from tests.browser.company import session_cookie

PATIENCE_SECONDS = 5.0


@dataclass
class Site:
    """A running web server."""

    port: int
    server: WebServer

    @property
    def url(self) -> str:
        """What people type into the browser."""
        return f"http://127.0.0.1:{self.port}"

    def wait_until_quiet(self) -> None:
        """Until no request is worked on and no stream is open: whoever empties the tables now locks nobody out."""
        wait_until(lambda: not self.server.server_state.tasks, "requests are still worked on")


@contextmanager
def serving(app: ASGIApp, streams: LiveStreams) -> Iterator[Site]:
    """Run the application as a worker of ours would, on a free port, in a thread."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = server_of(app, streams)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web")
    thread.start()
    try:
        wait_until(lambda: server.started, "the server has not started")
        yield Site(listener.getsockname()[1], server)
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def wait_until(is_so: Callable[[], object], otherwise: str, *, within: float = PATIENCE_SECONDS) -> None:
    """Look again and again, for a while."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.01)


class Page:
    """An open page: its answer's status and headers, and what it hears besides signs of life."""

    def __init__(self, port: int, *topics: str, user: User | None = None, cookie: str = "", query: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        cookie = cookie or (cookie_of(user) if user else "")
        query = query or "&".join(f"topic={topic}" for topic in topics)
        self._connection.request("GET", f"/live?{query}", headers={"Cookie": cookie} if cookie else {})
        self._socket = self._connection.sock
        self._answer = self._connection.getresponse()
        self.status, self.headers = self._answer.status, self._answer.headers
        self._heard: queue.Queue[tuple[str, str]] = queue.Queue()
        self._socket.settimeout(None)
        self._reader = threading.Thread(target=self._read, name="page")
        self._reader.start()

    def __enter__(self) -> Page:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the page."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        self._answer.close()
        self._connection.close()

    def hear(self, *, within: float = PATIENCE_SECONDS) -> tuple[str, str]:
        """The next event and its data; ("end", "") once the server has ended the stream. Raises queue.Empty."""
        return self._heard.get(timeout=within)

    def hear_all(self, *, during: float = 0.4) -> list[tuple[str, str]]:
        """What comes until nothing has come for a while, or until the end."""
        heard: list[tuple[str, str]] = []
        with contextlib.suppress(queue.Empty):
            while ("end", "") not in heard[-1:]:
                heard.append(self.hear(within=during))
        return heard

    def _read(self) -> None:
        event = data = ""
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
            while line := self._answer.readline():
                name, _, value = line.decode().rstrip("\n").partition(": ")
                event, data = (value if name == "event" else event), (value if name == "data" else data)
                if not name and event:
                    if event != "beat":
                        self._heard.put((event, data))
                    event = data = ""
        self._heard.put(("end", ""))


def cookie_of(user: User) -> str:
    """The header of somebody who has signed in already."""
    cookie = session_cookie(user, "http://127.0.0.1")
    return f"{cookie['name']}={cookie['value']}"
