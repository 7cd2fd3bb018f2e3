"""A web process that answers one person's requests without a network: what the server itself takes for a page.

Reads one address a line from standard input and answers each with one line of JSON: ``status``, and ``ms`` of the whole
request (session, person, page). With ``~`` before the address it asks as htmx does for a fragment; with ``?`` before
everything the answer also has the ``queries``, as SQL, and ``next``, the address of the following page.
"""

from __future__ import annotations

import gc
import html
import json
import os
import re
import sys
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "incidents_site.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import connection, reset_queries  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from accounts.models import User  # noqa: E402

NEXT = re.compile(r'rel="next"[^>]*? href="([^"]+)"|href="([^"]+)"[^>]*? rel="next"')


def cookie(username: str) -> str:
    """Signs the person in."""
    user = User.objects.get(username=username)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "allauth.account.auth_backends.AuthenticationBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}"


def environment(address: str, signed_in: str) -> dict[str, Any]:
    """A GET request as a WSGI server would hand it over."""
    path, _, query = address.partition("?")
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "localhost",
        "HTTP_COOKIE": signed_in,
        "wsgi.url_scheme": "http",
        "wsgi.input": BytesIO(b""),
        "wsgi.errors": sys.stderr,
    }


def answer(handler: WSGIHandler, address: str, signed_in: str) -> dict[str, Any]:
    """One request."""
    is_watched, is_fragment = address.startswith("?"), address.lstrip("?").startswith("~")
    connection.force_debug_cursor = is_watched
    reset_queries()
    statuses: list[str] = []

    def start(status: str, headers: object, exc_info: object = None, /) -> Callable[[bytes], object]:
        statuses.append(status)
        return sys.stdout.buffer.write

    environ = environment(address.lstrip("?~"), signed_in) | ({"HTTP_HX_REQUEST": "true"} if is_fragment else {})
    started = time.perf_counter()
    response = handler(environ, start)
    body = b"".join(response)
    ms = (time.perf_counter() - started) * 1000
    queries = [query["sql"] for query in connection.queries_log]
    response.close()
    found = NEXT.search(body.decode()) if is_watched else None
    on = html.unescape(found[1] or found[2]) if found else None
    return {"status": int(statuses[0][:3]), "ms": ms, "bytes": len(body), "queries": queries, "next": on}


def main(username: str) -> None:
    """Answer until standard input ends, with the views loaded and set aside as web workers have them before their first
    request (incidents_site.web)."""
    handler, signed_in = WSGIHandler(), cookie(username)
    get_resolver().url_patterns  # noqa: B018
    engines.all()
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(answer(handler, line.strip(), signed_in)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
