"""Documents as the web server hands them out: one query a second at most for each, none for what it has just read, and
the last copy while the database is away.

Each process has its own shelf. It holds what exists and nothing else, so asking for addresses that lead nowhere fills
nothing.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import DatabaseError, InterfaceError
from django.db.models import Subquery

from notifications.models import SweepRun
from statuspage.models import Document, StatusPage

if TYPE_CHECKING:
    from django.db.models import QuerySet

FRESH_SECONDS = 1.0
RECENT_SECONDS = 3.0
AWAY_SECONDS = 5.0  # before a database that was away is asked again, for whatever: each asking may hold a thread
MOST_BYTES = 32 * 1024 * 1024
LEAST_PACKED = 256
PACKED_TYPES = ("text/", "application/", "image/svg+xml")
INDEX, AS_OF = "index.html", "as-of.json"
RENDERING = "statuspage.render_due"
_SLUG, _PATH = re.compile(r"[A-Za-z0-9_-]{0,60}"), re.compile(r"[A-Za-z0-9._/-]{0,120}")


class Away(Exception):
    """The database does not answer, and this process has no copy."""


@dataclass(slots=True)
class Copy:
    """A document. ``packed`` is its body with gzip, empty where that is no smaller; ``read_at`` is when the database
    last said that this is it, in seconds since 1970; ``ask_at`` is when it is to be asked again, by the monotonic
    clock."""

    path: str
    content_type: str
    body: bytes
    packed: bytes
    etag: str
    read_at: float
    ask_at: float

    @property
    def size(self) -> int:
        """Bytes held."""
        return len(self.body) + len(self.packed)


_shelf: OrderedDict[tuple[str, str], Copy] = OrderedDict()
_locales: dict[str, str] = {}  # of pages that exist, by what was asked for: a slug, or nothing for the default page
_lock = threading.Lock()
_away_until = 0.0


def find(slug: str, path: str) -> Copy | None:
    """A document of a page by its slug; of the default page without one. None where there is none.

    ``history`` finds ``history.html`` too. Raises Away.
    """
    if not (_SLUG.fullmatch(slug) and _PATH.fullmatch(path)):
        return None
    global _away_until
    key, now = (slug, path), time.monotonic()
    held = _shelf.get(key)
    if held is not None:
        if now < held.ask_at:
            return held
        if time.time() - held.read_at < RECENT_SECONDS:
            held.ask_at = now + FRESH_SECONDS  # one asks, and the others go on with what there is
    if now < _away_until:
        return _last_copy(held)
    try:
        found = _as_of(slug) if path == AS_OF else _read(slug, path)
    except (DatabaseError, InterfaceError):
        _away_until = time.monotonic() + AWAY_SECONDS
        return _last_copy(held)
    if held is not None and found is not None and held.etag == found.etag:
        held.read_at, held.ask_at = found.read_at, found.ask_at
        return held
    _put(key, found)
    return found


def locale_of(slug: str) -> str | None:
    """The language of a page; None where there is no such page. The database is asked where no document of the page
    has been read yet."""
    if slug not in _locales and _SLUG.fullmatch(slug) and time.monotonic() >= _away_until:
        page = {"slug": slug} if slug else {"is_default": True}
        with suppress(DatabaseError, InterfaceError):
            found = StatusPage.objects.filter(**page).values_list("locale", flat=True).first()
            if found is not None:
                _locales[slug] = found
    return known_locale(slug)


def known_locale(slug: str) -> str | None:
    """The same, without asking."""
    return _locales.get(slug)


def clear() -> None:
    """Forget every copy."""
    global _away_until
    with _lock:
        _shelf.clear()
        _locales.clear()
        _away_until = 0.0


def _last_copy(held: Copy | None) -> Copy:
    if held is None:
        raise Away
    return held


def _put(key: tuple[str, str], found: Copy | None) -> None:
    with _lock:
        _shelf.pop(key, None)
        if found is not None:
            _shelf[key] = found
        while sum(each.size for each in _shelf.values()) > MOST_BYTES:
            _shelf.popitem(last=False)


def _of_page(slug: str) -> QuerySet[Document]:
    return Document.objects.filter(page__slug=slug) if slug else Document.objects.filter(page__is_default=True)


def _read(slug: str, path: str) -> Copy | None:
    path = path or INDEX
    names = [path] if "." in path.rpartition("/")[2] else [f"{path}.html"]
    rows = _of_page(slug).filter(path__in=names)
    row = rows.values_list("path", "content_type", "body", "etag", "page__locale").first()
    if row is None:
        return None
    _locales[slug] = row[4]
    return _copy(row[0], row[1], bytes(row[2]), row[3])


def _as_of(slug: str) -> Copy | None:
    """When a page was last looked after, whether or not it changed: the script of its documents asks."""
    ran = SweepRun.objects.filter(name=RENDERING).values("last_run_at")[:1]
    index = _of_page(slug).filter(path=INDEX).annotate(ran_at=Subquery(ran))
    row = index.values_list("page__slug", "rendered_at", "ran_at").first()
    if row is None:
        return None
    name, rendered_at, ran_at = row
    at: datetime = max(rendered_at, ran_at or rendered_at).astimezone(UTC)
    body = json.dumps({"at": at.isoformat(timespec="seconds").replace("+00:00", "Z"), "page": name}).encode()
    return _copy(AS_OF, "application/json", body, hashlib.sha256(body).hexdigest()[:32])


def _copy(path: str, content_type: str, body: bytes, etag: str) -> Copy:
    packed = b""
    if len(body) >= LEAST_PACKED and content_type.startswith(PACKED_TYPES):
        packed = gzip.compress(body, 6, mtime=0)
        packed = packed if len(packed) < len(body) else b""
    return Copy(path, content_type, body, packed, etag, time.time(), time.monotonic() + FRESH_SECONDS)
