"""The one address that serves Muster: Django's pages in threads, behind the body spool.

Not Django's own ASGI handler: it has a fifth of the speed, and holds a thread and a database connection for each
open stream.
"""

from __future__ import annotations

from incidents_site.bridge import Bridge
from incidents_site.spool import BodySpool, Receive, Scope, Send
from incidents_site.wsgi import application as django_application

THREADS = 8
PIECES_AHEAD = 512

pages = BodySpool(Bridge(django_application, threads=THREADS, pieces_ahead=PIECES_AHEAD))


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Route one connection."""
    if scope["type"] == "http":
        await pages(scope, receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    elif scope["type"] == "lifespan":
        await _lifespan(receive, send)


async def _lifespan(receive: Receive, send: Send) -> None:
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
