"""The public is answered before sessions, cookies and CSRF are looked at: none of them concerns it.

Everything below ``/status/`` ends here, and everything on a page's own domain, so nothing else of Muster is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.core.exceptions import BadRequest, ObjectDoesNotExist, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from django.urls import Resolver404, resolve

from statuspage import domains, public_views, shelf

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

BELOW = "/status"
PUBLIC_URLS = "statuspage.public_urls"
NOT_HERE = frozenset({404, 405})
UNREADABLE = (BadRequest, MultiPartParserError, SuspiciousOperation)

log = structlog.get_logger(__name__)


def public_first(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer what is public; leave every other request to the middleware below."""

    def middleware(request: HttpRequest) -> HttpResponse:
        path = _public_path(request)
        return get_response(request) if path is None else _answered(request, path)

    return middleware


def _public_path(request: HttpRequest) -> str | None:
    """The path below ``/status``, or None for what is not public."""
    path = request.path_info
    below = path.removeprefix(BELOW) if path == BELOW or path.startswith(f"{BELOW}/") else None
    slug = domains.page_at(request.META.get("HTTP_HOST", ""))
    if slug is None:
        return below
    own = f"/{slug}"
    is_written_out = below is not None and (below == own or below.startswith(f"{own}/"))
    return below if is_written_out else own + path


def _answered(request: HttpRequest, path: str) -> HttpResponse:
    if not path:
        return public_views.guarded(request, public_views.with_slash(request))
    request.META.pop("HTTP_COOKIE", None)
    response = public_views.guarded(request, _called(request, path))
    if response.status_code in NOT_HERE and (other := _other_end(path)):
        response = public_views.guarded(request, _called(request, other))
    return response


def _called(request: HttpRequest, path: str) -> HttpResponse:
    """What a view says, and in plain words of our own whatever comes instead: Muster's pages lead inside."""
    try:
        match = request.resolver_match = resolve(path, PUBLIC_URLS)
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except Http404:
        return public_views.missing(path)
    except (IntegrityError, ObjectDoesNotExist) as error:
        log.warning("what the public asked about was removed meanwhile", error=type(error).__name__)
        return public_views.missing(path)
    except UNREADABLE as error:
        log.info("a public request cannot be read", error=str(error)[:200])
        return public_views.unreadable(path)
    except shelf.Away:
        return public_views.away(path)
    except (OperationalError, InterfaceError) as error:
        log.warning("the database does not answer the public", error=str(error)[:200])
        return public_views.away(path)
    return response


def _other_end(path: str) -> str:
    """The path with a slash, or without, where something is there: addresses work with both, and nothing that takes a
    POST redirects."""
    other = path[:-1] if path.endswith("/") else f"{path}/"
    try:
        match = resolve(other, PUBLIC_URLS)
    except Resolver404:
        return ""
    return "" if match.func is public_views.document else other
