"""The static copy: the bytes of every page, in a folder or a bucket, whole at any moment and never stale in silence."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from urllib.parse import urljoin, urlsplit

import pytest

from incidents_site.config import Bucket
from statuspage import buckets, exporting, folders, pages, rendering
from statuspage.models import Document, Export, StatusPage
from tests import make
from tests.make import MINUTE, SECOND
from tests.receivers import free_port
from tests.statuspage import s3

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def folder(tmp_path, settings):
    place = tmp_path / "srv" / "status"
    settings.MUSTER = replace(settings.MUSTER, status_export=place)
    return place


@pytest.fixture
def page(now):
    return make.status_page("acme", make.service("kafka"), at=now, is_default=True, domain="status.acme.example")


def render(at):
    while rendering.render_due(now=at):
        pass


def export(at):
    render(at)
    return exporting.export_due(now=at)


def files(place):
    return {str(path.relative_to(place)): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def documents(page, prefix):
    return {prefix + path: bytes(body) for path, body in page.documents.values_list("path", "body")}


def as_of(at, page):
    return json.dumps({"at": at.isoformat().replace("+00:00", "Z"), "page": page.slug}).encode()


def test_without_a_place_nothing_is_exported(page, now):
    render(now)
    assert (exporting.export_due(now=now), Export.objects.count(), exporting.standing()) == (0, 0, None)


def test_every_page_is_written_where_it_is_read(folder, page, now):
    other = make.status_page("other", at=now)
    assert export(now) == 1
    wanted = documents(other, "other/") | {"other/as-of.json": as_of(now, other)}
    for prefix in ("", "acme/", "domains/status.acme.example/"):
        wanted |= documents(page, prefix) | {f"{prefix}as-of.json": as_of(now, page)}
    assert files(folder) == wanted
    assert {"index.html", "acme/api/v2/summary.json", "other/index.html"} <= set(wanted)
    assert (folder / "index.html").stat().st_mode & 0o777 == 0o644
    assert export(now) == 0
    assert exporting.standing() == exporting.Standing(str(folder), now, "")


def test_a_web_server_of_another_user_may_read_it(folder, page, now):
    before = os.umask(0o077)
    try:
        export(now)
    finally:
        os.umask(before)
    kinds = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (folder, *folder.rglob("*"))}
    assert kinds == {(True, 0o755), (False, 0o644)}


def test_a_change_is_written_and_what_is_gone_is_removed(folder, page, now):
    other = make.status_page("other", at=now)
    export(now)
    (folder / "robots.txt").write_text("not ours")
    pages.change(page, name="Acme Inc", by=None, now=now + SECOND)
    pages.remove(other, by=None)
    assert export(now + SECOND) == 1
    assert b"Acme Inc" in (folder / "index.html").read_bytes()
    assert not (folder / "other").exists()
    assert (folder / "robots.txt").read_text() == "not ours"
    assert StatusPage.objects.get().exported_at == StatusPage.objects.get().rendered_at


def test_only_what_changed_is_written_and_what_somebody_took_away_comes_back(folder, page, now):
    export(now)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.html")}
    (folder / "acme" / "uptime.html").unlink()
    assert export(now + MINUTE) == 1
    after = {path: path.stat().st_mtime_ns for path in folder.rglob("*.html")}
    assert {path.relative_to(folder).as_posix() for path in after if after[path] != before[path]} == {
        "acme/uptime.html"
    }


def test_every_minute_it_is_said_that_it_is_still_right(folder, page, now):
    export(now)
    assert export(now + 50 * SECOND) == 0
    assert export(now + MINUTE) == 1
    assert json.loads((folder / "acme" / "as-of.json").read_text()) == {"at": "2026-10-14T01:48:08Z", "page": "acme"}


def test_nobody_says_so_while_rendering_is_behind(folder, page, now):
    export(now)
    pages.changed([page.pk], now=now + SECOND)
    assert exporting.export_due(now=now + 2 * MINUTE) == 1
    assert (folder / "as-of.json").read_bytes() == as_of(now, page)


def test_a_folder_that_cannot_be_written_is_tried_again_later_and_stops_no_rendering(folder, page, now):
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")
    assert export(now) == 0
    said = exporting.standing()
    assert (said.is_well, said.written_at) == (False, None)
    assert "File exists" in said.error
    assert page.documents.exists()
    folder.unlink()
    assert exporting.export_due(now=now + 4 * SECOND) == 0
    assert exporting.export_due(now=now + 5 * SECOND) == 1
    assert exporting.standing() == exporting.Standing(str(folder), now + 5 * SECOND, "")


def test_waiting_doubles_up_to_five_minutes(folder, page, now):
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")
    render(now)
    waits = []
    for _ in range(9):
        exporting.export_due(now=now)
        due = Export.objects.get().due_at
        waits.append((due - now).total_seconds())
        now = due
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_two_processes_do_not_write_at_once_and_a_lost_one_is_replaced(folder, page, now):
    render(now)
    Export.objects.create(
        target=str(folder), due_at=now, lease_token="00000000-0000-0000-0000-000000000001", lease_until=now + MINUTE
    )
    assert exporting.export_due(now=now) == 0
    assert not folder.exists()
    assert exporting.export_due(now=now + MINUTE) == 1
    assert (folder / "index.html").exists()


def test_what_a_killed_process_left_half_written_is_gone_within_a_day(folder, page, now):
    export(now)
    half, fresh, foreign = (folder / "acme" / name for name in (".x.0123abcd.draft", ".y.0123abcd.draft", ".z.draft"))
    for path in (half, fresh, foreign):
        path.write_bytes(b"<html>")
    for path in (half, foreign):
        os.utime(path, (time.time() - 7200,) * 2)
    export(now + DAY + MINUTE)
    assert [path.exists() for path in (half, fresh, foreign)] == [False, True, True]


def test_a_process_that_is_killed_while_it_writes_leaves_what_tidying_finds(tmp_path, monkeypatch):
    def die(_descriptor):
        raise KeyboardInterrupt

    place = folders.Folder(tmp_path)
    place.put("a/index.html", b"old", content_type="", cache_control="")
    monkeypatch.setattr(folders.os, "fsync", die)
    with pytest.raises(KeyboardInterrupt):
        place.put("a/index.html", b"new", content_type="", cache_control="")
    assert (tmp_path / "a" / "index.html").read_bytes() == b"old"
    monkeypatch.setattr(folders, "LOST_SECONDS", -60.0)
    place.tidy()
    assert files(tmp_path) == {"a/index.html": b"old"}


def test_no_path_leads_out_of_the_folder(folder, page, now):
    render(now)
    Document.objects.filter(path="index.html").update(path="../../outside.html")
    assert exporting.export_due(now=now) == 0
    assert "is no path of a file" in exporting.standing().error
    assert not list(folder.parent.parent.glob("*.html"))


@pytest.mark.enable_socket
def test_admins_read_how_it_fares_and_monitoring_that_it_fails(folder, page, now, client, admin, alice):
    client.get("/healthz")  # the first request reads every view, which takes longer than a sweep may be frozen
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")
    export(now)
    assert client.get("/health/paging").json()["status_export"] == "failing"
    client.force_login(alice)
    assert str(folder) not in client.get("/status-pages/").content.decode()
    client.force_login(admin)
    shown = client.get("/status-pages/").content.decode()
    assert str(folder) in shown
    assert "File exists" in shown
    folder.unlink()
    exporting.export_due(now=now + 5 * SECOND)
    assert client.get("/health/paging").json()["status_export"] == "ok"
    assert "File exists" not in client.get("/status-pages/").content.decode()


# ---- a bucket ------------------------------------------------------------------------------------------------------


@pytest.fixture
def store(settings):
    with s3.s3_server() as server:
        place = Bucket(f"http://127.0.0.1:{server.port}", s3.REGION, "status", "p/", s3.KEY, s3.SECRET)
        settings.MUSTER = replace(settings.MUSTER, status_export=place, allow_nets=(ip_network("127.0.0.0/8"),))
        yield server


@pytest.mark.enable_socket
def test_a_bucket_gets_the_same_bytes_with_their_types(store, now):
    page = make.status_page("acme", make.service("kafka"), at=now)
    assert export(now) == 1
    got = {path.removeprefix("/status/p/"): body for path, (body, _) in store.files.items()}
    wanted = documents(page, "") | documents(page, "acme/")
    assert got == wanted | dict.fromkeys(("as-of.json", "acme/as-of.json"), as_of(now, page))
    sent = {path: headers for path, (_, headers) in store.files.items() if "/acme/" in path}
    types = {path.removeprefix("/status/p/acme/"): headers["content-type"] for path, headers in sent.items()}
    assert types == {
        "as-of.json": "application/json",
        **dict(page.documents.values_list("path", "content_type")),
    }
    caching = {headers["cache-control"] for path, (_, headers) in store.files.items() if path.endswith((".css", ".js"))}
    assert caching == {"public, max-age=31536000, immutable"}
    order = [line.rpartition("/")[2] for line in store.asked]
    assert order[-4:] == ["index.html", "index.html", "as-of.json", "as-of.json"]


@pytest.mark.enable_socket
def test_a_bucket_gets_only_what_changed_and_everything_once_a_day(store, now):
    page = make.status_page("acme", at=now)
    export(now)
    everything, store.asked[:] = set(store.asked), []
    confirmed = ["PUT /status/p/acme/as-of.json", "PUT /status/p/as-of.json"]
    assert exporting.export_due(now=now + MINUTE) == 1
    assert store.asked == confirmed
    page.documents.filter(path="uptime.html").delete()
    store.asked.clear()
    exporting.export_due(now=now + 2 * MINUTE)
    gone = ["/status/p/acme/uptime.html", "/status/p/uptime.html"]
    assert store.asked == [*(f"DELETE {path}" for path in gone), *confirmed]
    store.asked.clear()
    exporting.export_due(now=now + DAY + MINUTE)
    assert set(store.asked) == everything - {f"PUT {path}" for path in gone}


@pytest.mark.enable_socket
def test_a_bucket_that_refuses_is_tried_again_from_where_it_stood(store, now):
    make.status_page("acme", at=now)
    store.refuses = 503
    assert export(now) == 0
    assert exporting.standing().error == f"127.0.0.1:{store.port} answered 503 SlowDown"
    assert s3.SECRET not in exporting.standing().target
    store.refuses = 0
    assert exporting.export_due(now=now + 5 * SECOND) == 1
    assert exporting.standing().error == ""


# ---- served without Muster -----------------------------------------------------------------------------------------


@pytest.mark.enable_socket
def test_any_web_server_serves_the_copy_without_muster(folder, page, now, settings):
    make.status_page("other", make.service("mail"), at=now)
    incident = make.incident(services=[make.service("disk")], at=now)
    make.component(page, *incident.affected_services.all(), at=now)
    make.report(page, incident, at=now, name="Slow")
    make.maintenance(incident.affected_services.get(), starts_at=now + DAY)
    pages.changed([page.pk], now=now)
    export(now)
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        for start in ("/", "/acme/index.html", "/domains/status.acme.example/", "/other/"):
            seen = _crawl(port, start)
            assert len(seen) > 10
            assert {path: status for path, status in seen.items() if status != 200} == {}
    finally:
        server.terminate()
        server.wait()


def _wait_for(port):
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return
        except OSError:
            time.sleep(0.05)


def _crawl(port, start):
    """Every address that a page leads to on the same server, and its status; others are only named."""
    seen, queue = {}, [start]
    while queue:
        path = queue.pop()
        if path in seen:
            continue
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read().decode(errors="replace")
        connection.close()
        seen[path] = answer.status
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        assert not re.search(r'<form[^>]+action="(?!http)', body), path
        for link in re.findall(r'(?:href|src|data-as-of)="([^"]+)"', body):
            parts = urlsplit(link)
            if not parts.scheme and parts.path:
                assert not parts.path.startswith("/"), (path, link)
                queue.append(urljoin(path, parts.path))
    return seen


def test_a_bucket_that_is_as_slow_as_can_be_loses_nobody_the_lease_between_two_renewals():
    assert timedelta(seconds=exporting.BATCH * buckets.SECONDS) < exporting.LEASE
