"""Cookies as PostgreSQL can take them: a cookie may spell any character, and sessions are looked up by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponseBase

from core.text import clean

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def storable(cookies: Mapping[str, str]) -> dict[str, str]:
    """Those whose value PostgreSQL would take; no browser that we gave a cookie sends another."""
    return {name: value for name, value in cookies.items() if clean(value) == value}


def storable_cookies(get_response: GetResponse) -> GetResponse:
    """Middleware: a request has only such cookies."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.COOKIES = storable(request.COOKIES)
        return get_response(request)

    return middleware
