"""The one address that serves Muster: Django's pages in threads, behind the body spool.

Not Django's own ASGI handler: it has a fifth of the speed, and holds a thread and a database connection for each
open stream.
"""

from __future__ import annotations

from a2wsgi import WSGIMiddleware

from incidents_site.spool import BodySpool, Receive, Scope, Send, takes_spooled_body
from incidents_site.wsgi import application as django_application

THREADS = 8
# A response is at most this many pieces ahead of its reader (8 KB each for files), so that a slow download of an
# ordinary size does not hold a thread.
PIECES_AHEAD = 512

pages = BodySpool(WSGIMiddleware(takes_spooled_body(django_application), workers=THREADS, send_queue_size=PIECES_AHEAD))


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
