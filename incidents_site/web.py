"""The web server, always with the same limits: ``python -m incidents_site.web``.

Listens on ``BIND`` and ``PORT``, or on the socket that the supervisor has passed in ``MUSTER_WEB_FD``. Then the port
stays ours, and clients wait instead of being refused, while a killed server is started again.
"""

from __future__ import annotations

import os
import socket
import sys

from uvicorn import Config as ServerConfig
from uvicorn.supervisors import Multiprocess

from incidents_site import logs
from incidents_site.config import Config, ConfigError, load

WORKERS = 2
INHERITED_SOCKET = "MUSTER_WEB_FD"
# Open connections in one worker, live streams among them; past it new ones get 503.
CONNECTIONS = 2000
GRACEFUL_SHUTDOWN_SECONDS = 3
# Longer than the idle time of common proxies, so that it is never we who close a connection they are about to use.
KEEP_ALIVE_SECONDS = 75
HUNG_AFTER_SECONDS = 15


def bind(config: Config) -> socket.socket:
    """Claim the port. Raises ``OSError`` when another program listens there."""
    family = socket.AF_INET6 if ":" in config.bind else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted connections inherit it. asyncio sets it only for sockets that it made itself, and without it the
        # second piece of each small answer waits for the client's delayed acknowledgement, some 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((config.bind, config.port))
        listener.listen(2048)
    except OSError:
        listener.close()
        raise
    return listener


def serve(listener: socket.socket) -> None:
    """Run the workers until a signal stops them; a worker that ends is replaced."""
    server = ServerConfig(
        "incidents_site.asgi:application",
        workers=WORKERS,
        lifespan="on",
        ws="none",
        log_config=logs.logging_config(),
        access_log=False,
        server_header=False,
        proxy_headers=False,  # incidents_site.proxies decides whom to believe
        limit_concurrency=CONNECTIONS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_SECONDS,
        timeout_worker_healthcheck=HUNG_AFTER_SECONDS,
    )
    Multiprocess(server, sockets=[listener]).run()


def main() -> None:
    """Take over the supervisor's socket or claim the port, then serve."""
    try:
        config = load(os.environ)
        inherited = os.environ.get(INHERITED_SOCKET)
        listener = socket.socket(fileno=int(inherited)) if inherited else bind(config)
    except ConfigError as error:
        sys.exit(f"Muster cannot start: {error}")
    except OSError as error:
        sys.exit(f"Muster cannot start: port {config.port} is taken ({error.strerror}); choose another with PORT")
    serve(listener)


if __name__ == "__main__":
    main()
