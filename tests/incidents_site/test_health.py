"""What a load balancer and a person are told about this process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection

from incidents_site import health
from incidents_site.embedded.child import free_port

pytestmark = pytest.mark.enable_socket


@pytest.fixture(autouse=True)
def _ask_for_migrations_again():
    health._applied.clear()


def ready(client):
    answer = client.get("/readyz")
    return answer.status_code, answer.json()


@pytest.mark.django_db
def test_ready_when_everything_is_there(client):
    body = {"status": "ok", "database": "ok", "migrations": "ok", "redis": "ok"}
    assert ready(client) == (200, body)


@pytest.mark.django_db
def test_without_redis_pages_still_leave(client, settings):
    settings.MUSTER = replace(settings.MUSTER, redis_url=f"redis://127.0.0.1:{free_port()}/0")
    body = {"status": "degraded", "database": "ok", "migrations": "ok", "redis": "down"}
    assert ready(client) == (200, body)


@pytest.mark.django_db
def test_not_ready_before_the_migrations(client):
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'incidents'")
    body = {"status": "unavailable", "database": "ok", "migrations": "pending", "redis": "ok"}
    assert ready(client) == (503, body)


@pytest.mark.django_db
def test_not_ready_without_the_database(client, monkeypatch):
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "PORT", free_port())
    monkeypatch.setattr(connection, "connection", None)
    status, body = ready(client)
    assert status == 503
    assert (body["status"], body["database"], body["migrations"]) == ("unavailable", "down", "unknown")


def test_alive_needs_neither(client):
    assert client.get("/healthz").json() == {"status": "ok"}
