"""The stream in real web processes: they end at once, and pages and stream may be served apart."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from core import live
from incidents_site.config import BASE_DIR
from incidents_site.embedded import child
from tests.live import Page, wait_until
from tests.receivers import free_port

pytestmark = [pytest.mark.enable_socket, pytest.mark.django_db(transaction=True), pytest.mark.story]


@contextmanager
def web(own_redis, *arguments):
    """A web server on the test's database; gives its port and its process."""
    port = free_port()
    environ = os.environ | {
        "PORT": str(port),
        "DATABASE_URL": urlsplit(settings.MUSTER.database_url)
        ._replace(path=f"/{connection.settings_dict['NAME']}")
        .geturl(),
        "REDIS_URL": own_redis.url,
    }
    argv = [sys.executable, "-m", "incidents_site.web", *arguments]
    process = child.start(argv, death_signal=signal.SIGTERM, cwd=BASE_DIR, env=environ, output=subprocess.DEVNULL)
    try:
        wait_until(lambda: status(port, "/healthz"), "the web server answers", within=20)
        yield port, process
    finally:
        child.stop(process, signal.SIGTERM, within=5)


def status(port, path):
    """What a page answers; 0 when nobody does."""
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        asking.request("GET", path)
        return asking.getresponse().status
    except OSError:
        return 0
    finally:
        asking.close()


def test_workers_with_open_streams_end_within_a_second(own_redis, alice):
    with web(own_redis) as (port, process):
        pages = [Page(port, "incidents", user=alice) for _ in range(10)]
        assert {page.hear() for page in pages} == {("hello", "all")}
        live.changed("incidents")
        assert {page.hear(within=1) for page in pages} == {("changed", "incidents")}
        asked_at = time.monotonic()
        process.terminate()
        process.wait(5)
        assert time.monotonic() - asked_at < 1
        assert {page.hear() for page in pages} == {("end", "")}
        for page in pages:
            page.close()


def test_pages_and_stream_may_be_served_apart(own_redis, alice):
    with web(own_redis, "--only", "live", "--workers", "1") as (port, _), Page(port, "incidents", user=alice) as page:
        assert page.hear() == ("hello", "all")
        assert [status(port, path) for path in ("/healthz", "/incidents/")] == [404, 404]
    with web(own_redis, "--only", "pages", "--workers", "1") as (port, _):
        assert status(port, "/healthz") == 200
        with Page(port, "incidents", user=alice) as page:  # Django says so, in a page that needs static files
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
