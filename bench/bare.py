"""Settings of the bare views: Muster's own, whose server imports its models, with no middleware and few addresses."""

from __future__ import annotations

import json

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from incidents_site.settings import *  # noqa: F403

INSTALLED_APPS = [app for app in INSTALLED_APPS if not app.startswith(("allauth", "django.contrib.admin"))]  # noqa: F405
TEMPLATES = []
MIDDLEWARE = []
ROOT_URLCONF = "bench.bare"

_TABLE = "CREATE TABLE IF NOT EXISTS bench_bare (key text PRIMARY KEY, body bytea NOT NULL, times int NOT NULL)"
_INSERT = """
    INSERT INTO bench_bare (key, body, times) VALUES (%s, %s, 1)
    ON CONFLICT (key) DO UPDATE SET times = bench_bare.times + 1
"""


def insert(request: HttpRequest) -> HttpResponse:
    """One statement, one answer."""
    key = json.loads(request.body)["dedup_key"]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, [key, request.body])
    return HttpResponse(status=202)


def prepare(request: HttpRequest) -> HttpResponse:
    """Makes the table; the bench asks until it answers."""
    with connection.cursor() as cursor:
        cursor.execute(_TABLE)
    return HttpResponse(status=204)


def hello(request: HttpRequest) -> HttpResponse:
    """Nothing else."""
    return HttpResponse("hello", headers={"Content-Length": "5"})


urlpatterns = [path("bare", insert), path("hello", hello), path("", prepare)]
