"""The one address that serves Muster: Django's pages in threads behind the body spool, the event stream beside them.

Not Django's own ASGI handler: it has a fifth of the speed, and holds a thread and a database connection for each
open stream. ``pages`` and ``live`` are whole applications, for processes that serve only one of them.
"""

from __future__ import annotations

from incidents_site import wsgi  # first: it sets Django up
from incidents_site.bridge import Bridge
from incidents_site.live.stream import PATHS, LiveStreams
from incidents_site.spool import BodySpool, Receive, Scope, Send

THREADS = 8
PIECES_AHEAD = 512

pages = BodySpool(Bridge(wsgi.application, threads=THREADS, pieces_ahead=PIECES_AHEAD))
live = LiveStreams()


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Route one connection. Only the streams have something to start and to end."""
    is_page = scope["type"] == "http" and scope["path"] not in PATHS
    await (pages if is_page else live)(scope, receive, send)
