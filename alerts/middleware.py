"""Senders of alerts are answered before sessions, cookies and CSRF are looked at: none of them concerns a monitor."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alerts.intake_view import receive

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse

# With and without a trailing slash, and never a redirect: Alertmanager follows one as a GET and calls it delivered.
ADDRESS = re.compile(r"/integrations/(?P<key>[^/]+)/(?P<format>[a-z_]+)/?")


def intake_first(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Answer the intake's addresses; leave every other request to the middleware below."""

    def middleware(request: HttpRequest) -> HttpResponse:
        found = ADDRESS.fullmatch(request.path_info)
        return receive(request, **found.groupdict()) if found else get_response(request)

    return middleware
