"""Addresses work with and without a trailing slash, and nothing redirects.

A redirect would turn an alert sender's POST into an empty GET whose 200 it takes for delivered.
"""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.urls import Resolver404, resolve

GetResponse = Callable[[HttpRequest], HttpResponseBase]
CATCH_ALL = ".*)$"


def either_slash(get_response: GetResponse) -> GetResponse:
    """Middleware: when the path leads nowhere, try it with the other ending."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if not _leads_somewhere(path):
            other = path[:-1] if path.endswith("/") else f"{path}/"
            if other and _leads_somewhere(other):
                request.path_info = other
        return get_response(request)

    return middleware


def _leads_somewhere(path: str) -> bool:
    """Whether a view serves the path; a pattern that takes anything, as Django admin's last one, does not count."""
    try:
        return not resolve(path).route.endswith(CATCH_ALL)
    except Resolver404:
        return False
