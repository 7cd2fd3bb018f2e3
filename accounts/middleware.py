"""Pages show times in the reader's own zone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from core import time_zones

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest, HttpResponse


def own_time_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """For the length of a request, activate the zone of whoever is signed in; the site's own for a stranger."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return get_response(request)
        with timezone.override(time_zones.zone(request.user.time_zone)):
            return get_response(request)

    return middleware
