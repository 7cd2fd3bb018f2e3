"""A page's own domain: requests for it get what is public of that page, and nothing else of Muster."""

from __future__ import annotations

import threading
import time
from contextlib import suppress

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from statuspage.models import StatusPage

KNOWN_SECONDS = 5.0

_lock = threading.Lock()
_known: dict[str, str] = {}
_ask_at = 0.0


def page_at(host: str) -> str | None:
    """The slug of the page whose domain this is; ``host`` as a browser sends it. None for Muster's own hosts, without
    asking anybody, and for what is no page's.

    A page that is new, or has a new domain, is found within ``KNOWN_SECONDS``. While the database is away, what was
    known stays known.
    """
    name = host.lower().rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host.lower()
    name = name.rstrip(".")
    if not name or name in settings.ALLOWED_HOSTS:
        return None
    return _current().get(name)


def forget() -> None:
    """Ask anew at the next request."""
    global _ask_at
    with _lock:
        _ask_at = 0.0


def _current() -> dict[str, str]:
    global _known, _ask_at
    if time.monotonic() >= _ask_at:
        with _lock:
            if time.monotonic() < _ask_at:
                return _known
            _ask_at = time.monotonic() + KNOWN_SECONDS  # the others go on with what is known
        with suppress(DatabaseError, InterfaceError):
            _known = dict(StatusPage.objects.exclude(domain="").values_list("domain", "slug"))
    return _known
