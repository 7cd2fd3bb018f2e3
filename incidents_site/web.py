"""The web server, always with the same limits: ``python -m incidents_site.web``.

One parent loads Django and forks the workers, which then share most of its memory and start at once. The parent
replaces a worker that ends, and the workers end with their parent. ``--only pages`` and ``--only live`` make two
servers of it, for a proxy in front of them.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import signal
import socket
import sys
import time
from types import FrameType

import structlog
from django.conf import settings
from django.template import engines
from django.urls import get_resolver
from uvicorn import Config as ServerConfig
from uvicorn import Server

from incidents_site.asgi import application, live, pages
from incidents_site.embedded.child import die_with_parent
from incidents_site.listening import allow_many_files, inherited_or_own
from incidents_site.live.stream import LiveStreams
from incidents_site.spool import ASGIApp

log = structlog.get_logger(__name__)

WORKERS = 2
APPLICATIONS: dict[str, ASGIApp] = {"everything": application, "pages": pages, "live": live}
# Open connections in one worker; past it new ones get 503. Live streams may have three quarters of them, so that there
# is always room for pages.
CONNECTIONS = 4000
FILES_OF_OUR_OWN = 100  # and connections to the database and to Redis
GRACEFUL_SHUTDOWN_SECONDS = 3
# Longer than the idle time of common proxies, so that it is never we who close a connection they are about to use.
KEEP_ALIVE_SECONDS = 75
SHORTEST_LIFE_SECONDS = 1.0


class Stopping(Exception):
    """A signal has asked the parent to end."""


class WebServer(Server):
    """uvicorn, which would wait for open streams to end by themselves."""

    def __init__(self, config: ServerConfig, streams: LiveStreams) -> None:
        super().__init__(config)
        self._streams = streams

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then let the requests finish."""
        self._streams.close()
        await super().shutdown(sockets)


def serve(listener: socket.socket, app: ASGIApp = application, *, workers: int = WORKERS) -> None:
    """Run the workers until a signal stops them."""
    get_resolver().url_patterns  # noqa: B018 - loads all views before the fork, for all workers
    engines.all()
    gc.collect()
    gc.freeze()
    running: dict[int, float] = {}
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _stop)
    try:
        while True:
            while len(running) < workers:
                running[_fork_worker(listener, app)] = time.monotonic()
            pid, status = os.wait()
            lived = time.monotonic() - running.pop(pid)
            log.warning("web worker ended", pid=pid, code=os.waitstatus_to_exitcode(status))
            if lived < SHORTEST_LIFE_SECONDS:  # it cannot start; trying again at once would only burn the processor
                time.sleep(SHORTEST_LIFE_SECONDS)
    except Stopping:
        _end(list(running))


def _stop(signum: int, frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise Stopping


def _fork_worker(listener: socket.socket, app: ASGIApp) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_DFL)
        die_with_parent(signal.SIGTERM, parent)
        server_of(app).run(sockets=[listener])
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def server_of(app: ASGIApp, streams: LiveStreams = live) -> WebServer:
    """The server of one worker, and the streams among what it serves."""
    connections = min(CONNECTIONS, allow_many_files() - FILES_OF_OUR_OWN)
    streams.room = connections * 3 // 4
    return WebServer(
        ServerConfig(
            app,
            lifespan="on",
            ws="none",
            log_config=None,  # Django has set up logging
            access_log=False,
            server_header=False,
            proxy_headers=False,  # incidents_site.proxies decides whom to believe
            limit_concurrency=connections,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        ),
        streams,
    )


def _end(workers: list[int]) -> None:
    """Let the workers finish their requests; whoever takes too long is ended."""
    for pid in workers:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACEFUL_SHUTDOWN_SECONDS + 0.5
    left = set(workers)
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if not _has_ended(pid)}
        time.sleep(0.02)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _has_ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def main() -> None:
    """Take over the supervisor's socket or claim the port, then serve."""
    parser = argparse.ArgumentParser(prog="incidents_site.web", description="Muster's web server.")
    parser.add_argument("--only", choices=("pages", "live"), default="everything", help="serve only this")
    parser.add_argument("--workers", type=int, default=WORKERS, help="how many processes (default: %(default)s)")
    options = parser.parse_args()
    try:
        listener = inherited_or_own(settings.MUSTER)
    except OSError as error:
        port = settings.MUSTER.port
        sys.exit(f"Muster cannot start: port {port} is taken ({error.strerror}); choose another with PORT")
    serve(listener, APPLICATIONS[options.only], workers=options.workers)


if __name__ == "__main__":
    main()
