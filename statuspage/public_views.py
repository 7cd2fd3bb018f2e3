"""What the public reads: documents that were written before, with the headers that let others keep them."""

from __future__ import annotations

import re
import time
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.loader import render_to_string

from statuspage import assets, shelf
from statuspage.assets import NAMED_BY_CONTENT
from statuspage.pages import RESERVED_SLUGS
from statuspage.words import Words

if TYPE_CHECKING:
    from django.http import HttpRequest

    from statuspage.shelf import Copy

SAFE = ("GET", "HEAD")
KEPT = "public, max-age=10, stale-if-error=86400"
KEPT_FOR_EVER = "public, max-age=31536000, immutable"
OLD_SECONDS = 2.0  # a copy whose age is worth saying
HTML = "text/html"
EMBED = "embed.html"
_TAKES_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")


def document(request: HttpRequest, path: str = "") -> HttpResponse:
    """A document of a page: ``<slug>/<its path>``, or one of the default page. Raises Http404, and shelf.Away."""
    if request.method not in SAFE:
        return HttpResponseNotAllowed(SAFE)
    slug, rest, is_open = _parsed(path)
    name = rest.removesuffix("/")
    copy = shelf.find(slug, name) if name or not rest else None
    if copy is None:
        raise Http404
    if is_open:
        return with_slash(request)
    if rest.endswith("/") and copy.content_type.startswith(HTML):  # from where its relative links would lead astray
        return HttpResponseRedirect(f"../{_last(request)}")
    return _handed_out(request, copy)


def with_slash(request: HttpRequest) -> HttpResponse:
    """To the page's own address, whose relative links need the slash at its end."""
    return HttpResponseRedirect(f"{_last(request)}/")


def missing(path: str) -> HttpResponse:
    """404, in plain words."""
    return _plain("not_found", _words_of(path), status=404)


def unreadable(path: str) -> HttpResponse:
    """400, in plain words."""
    return _plain("unreadable", _words_of(path), status=400)


def away(path: str) -> HttpResponse:
    """503, in plain words."""
    response = _plain("away", _words_of(path, is_away=True), status=503)
    response["Retry-After"] = "10"
    return response


def guarded(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """With the headers of everything public: no script but ours, no form but to us, no cookie."""
    response.cookies.clear()
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "same-origin"
    if response["Content-Type"].startswith(HTML) and "Content-Security-Policy" not in response:
        response["Content-Security-Policy"] = _policy("'none'")
        response["X-Frame-Options"] = "DENY"
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        response["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    return response


def _parsed(path: str) -> tuple[str, str, bool]:
    """(slug, path in the page, whether the slash after the slug is missing). No page has the name of a folder of the
    default page, and no slug has a dot."""
    first, slash, rest = path.partition("/")
    if not first or "." in first or first in RESERVED_SLUGS:
        return "", path, False
    return first, rest, not slash


def _last(request: HttpRequest) -> str:
    return request.path_info.rstrip("/").rpartition("/")[2]


def _handed_out(request: HttpRequest, copy: Copy) -> HttpResponse:
    meta = request.META
    tag = f'W/"{copy.etag}"'
    is_known = copy.etag in meta.get("HTTP_IF_NONE_MATCH", "")
    is_packed = bool(copy.packed) and bool(_TAKES_GZIP.search(meta.get("HTTP_ACCEPT_ENCODING", "")))
    body = b"" if is_known else copy.packed if is_packed else copy.body
    headers = {"ETag": tag, "Vary": "Accept-Encoding", "Cache-Control": _kept(copy)}
    if is_packed and not is_known:
        headers["Content-Encoding"] = "gzip"
    if not is_known:
        headers["Content-Length"] = str(len(body))
    age = time.time() - copy.read_at
    if age >= OLD_SECONDS:
        headers["Age"] = str(int(age))
    if not copy.content_type.startswith(HTML):
        headers |= {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
    if copy.path == EMBED:
        headers["Content-Security-Policy"] = _policy("*")
    return HttpResponse(body, status=304 if is_known else 200, content_type=copy.content_type, headers=headers)


def _kept(copy: Copy) -> str:
    return KEPT_FOR_EVER if NAMED_BY_CONTENT.fullmatch(copy.path) else KEPT


@cache
def _policy(ancestors: str, *, style: str = "'self'") -> str:
    base = "{0.scheme}://{0.netloc}".format(urlsplit(settings.MUSTER.base_url))
    return (
        f"default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self' {base}; base-uri 'none'; frame-ancestors {ancestors}"
    )


def _words_of(path: str, *, is_away: bool = False) -> Words:
    """In the language of the page that a path below ``/status`` is of; English where it is of none."""
    slug, _, _ = _parsed(path.removeprefix("/"))
    locale = shelf.known_locale(slug) if is_away else shelf.locale_of(slug)
    return Words(locale or "en", "UTC")


def _plain(key: str, words: Words, *, status: int) -> HttpResponse:
    style, digest = assets.plain_style()
    context = {"words": words, "title": words.say(key), "text": words.say(f"{key}_why"), "style": style}
    text = render_to_string("statuspage/public/missing.html", context)
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": _policy("'none'", style=digest),
        "X-Frame-Options": "DENY",
    }
    return HttpResponse(text, status=status, headers=headers)
