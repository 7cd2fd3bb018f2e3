"""The web server, always with the same limits: ``python -m incidents_site.web``.

One parent loads Django and forks the workers, which then share most of its memory and start at once. The parent
replaces a worker that ends, and the workers end with their parent.
"""

from __future__ import annotations

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

from incidents_site.asgi import application
from incidents_site.embedded.child import die_with_parent
from incidents_site.listening import inherited_or_own

log = structlog.get_logger(__name__)

WORKERS = 2
# Open connections in one worker, live streams among them; past it new ones get 503.
CONNECTIONS = 2000
GRACEFUL_SHUTDOWN_SECONDS = 3
# Longer than the idle time of common proxies, so that it is never we who close a connection they are about to use.
KEEP_ALIVE_SECONDS = 75
SHORTEST_LIFE_SECONDS = 1.0


class Stopping(Exception):
    """A signal has asked the parent to end."""


def serve(listener: socket.socket) -> None:
    """Run the workers until a signal stops them."""
    get_resolver().url_patterns  # noqa: B018 - loads all views before the fork, for all workers
    engines.all()
    gc.collect()
    gc.freeze()
    workers: dict[int, float] = {}
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, _stop)
    try:
        while True:
            while len(workers) < WORKERS:
                workers[_fork_worker(listener)] = time.monotonic()
            pid, status = os.wait()
            lived = time.monotonic() - workers.pop(pid)
            log.warning("web worker ended", pid=pid, code=os.waitstatus_to_exitcode(status))
            if lived < SHORTEST_LIFE_SECONDS:  # it cannot start; trying again at once would only burn the processor
                time.sleep(SHORTEST_LIFE_SECONDS)
    except Stopping:
        _end(list(workers))


def _stop(signum: int, frame: FrameType | None) -> None:
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    raise Stopping


def _fork_worker(listener: socket.socket) -> int:
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, signal.SIG_DFL)
        die_with_parent(signal.SIGTERM, parent)
        _server().run(sockets=[listener])
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _server() -> Server:
    return Server(
        ServerConfig(
            application,
            lifespan="on",
            ws="none",
            log_config=None,  # Django has set up logging
            access_log=False,
            server_header=False,
            proxy_headers=False,  # incidents_site.proxies decides whom to believe
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        )
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
    try:
        listener = inherited_or_own(settings.MUSTER)
    except OSError as error:
        port = settings.MUSTER.port
        sys.exit(f"Muster cannot start: port {port} is taken ({error.strerror}); choose another with PORT")
    serve(listener)


if __name__ == "__main__":
    main()
