"""The socket that Muster's web server listens on, and the limits of what it accepts."""

from __future__ import annotations

import os
import resource
import socket

from incidents_site.config import Config

# The number of a listening socket that the supervisor holds open and passes on.
INHERITED_SOCKET = "MUSTER_WEB_FD"
BACKLOG = 2048
OPEN_FILES = 8192
# A client that vanishes without a word is given up when it has not taken what we sent for so long. Without this an open
# page on a phone that lost its network would look open for a quarter of an hour.
VANISHED_AFTER_MS = 30_000


def listen(config: Config) -> socket.socket:
    """Claim ``BIND`` and ``PORT``. Raises ``OSError`` when another program listens there."""
    family = socket.AF_INET6 if ":" in config.bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it. asyncio sets it only for sockets that it made itself, and without it the
        # second piece of each small answer waits for the client's delayed acknowledgement, some 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_AFTER_MS)  # inherited as well
        listener.bind((config.bind, config.port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def inherited_or_own(config: Config) -> socket.socket:
    """The supervisor's socket when it passed one, so that clients wait while a killed server is started again."""
    number = os.environ.get(INHERITED_SOCKET)
    return socket.socket(fileno=int(number)) if number else listen(config)


def allow_many_files() -> int:
    """Raise the limit of open files as far as we may, and return it: the common 1,024 are few where pages stay open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
