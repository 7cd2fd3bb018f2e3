"""Addresses of this app."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def _later(request: HttpRequest, **_: str) -> HttpResponse:
    return HttpResponse(status=404)


app_name = "accounts"

urlpatterns = [path("setup/<str:token>", _later, name="setup")]
