"""Addresses of this app."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path


def _later(request: HttpRequest, **_: str) -> HttpResponse:
    return HttpResponse(status=404)


app_name = "incidents"

urlpatterns = [
    path("incidents/", _later, name="list"),
    path("incidents/<str:reference>", _later, name="detail"),
    path("answers/email/<str:token>", _later, name="answer"),
]
