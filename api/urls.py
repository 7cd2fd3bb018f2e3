"""Addresses below /api/v1/."""

from __future__ import annotations

from django.urls import URLPattern, re_path

from api.app import api
from api.problems import guarded, nothing_here

app_name = "api"


def _guarded_patterns() -> list[URLPattern]:
    patterns = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)]
    for pattern in patterns:
        pattern.callback = guarded(pattern.callback)
    return patterns


urlpatterns = [
    *_guarded_patterns(),
    # Written so that incidents_site.slashes does not take it for an address that leads somewhere.
    re_path(r"^(?P<rest>.*)$", nothing_here),
]
