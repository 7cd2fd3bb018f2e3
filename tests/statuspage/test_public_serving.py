"""How documents reach their readers: quickly, without a cookie, also while the database is away."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection
from django.test import Client

from notifications.models import SweepRun
from statuspage import public_views, rendering, shelf
from statuspage.models import Document
from tests import make
from tests.make import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(db):
    """The default page, rendered."""
    made = make.status_page("acme", make.service("shop"), name="Acme status")
    rendering.render_due(now=NOW)
    return made


def read(path, **headers):
    """The answer to somebody who has every cookie that there is."""
    return Client(headers={"cookie": "muster_session=abc; muster_csrf=def"}).get(path, headers=headers)


@pytest.mark.parametrize(
    "path",
    [
        "/status/",
        "/status/acme/",
        "/status/index.html",
        "/status/history",
        "/status/history.html",
        "/status/acme/history",
        "/status/acme/uptime.html",
        "/status/acme/api/v2/summary.json",
        "/status/api/v2/summary.json",
        "/status/api/v2/summary.json/",
        "/status/history.atom",
        "/status/acme/badge.svg",
    ],
)
def test_every_way_of_writing_an_address_leads_to_its_document(page, path):
    assert read(path).status_code == 200


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/status", "status/"),
        ("/status/acme", "acme/"),
        ("/status/history/", "../history"),
        ("/status/acme/uptime/", "../uptime"),
    ],
)
def test_relative_links_are_never_led_astray_by_a_slash(page, path, to):
    answer = read(path)
    assert (answer.status_code, answer["Location"]) == (302, to)


def test_a_document_takes_one_query_and_then_none(page, django_assert_num_queries):
    with django_assert_num_queries(1):
        read("/status/acme/")
    with django_assert_num_queries(0):
        read("/status/acme/")


def test_what_is_written_anew_is_read_within_seconds(page, monkeypatch):
    before = read("/status/acme/").content
    Document.objects.filter(page=page, path="index.html").update(body=b"new", etag="new")
    assert read("/status/acme/").content == before
    _later(monkeypatch, 1.1)
    assert read("/status/acme/").content == b"new"


def test_what_lay_for_long_and_is_still_so_is_asked_for_once(page, monkeypatch, django_assert_num_queries):
    read("/status/acme/")
    _later(monkeypatch, 60)
    with django_assert_num_queries(1):
        read("/status/acme/")
        read("/status/acme/")


def test_a_copy_that_lay_for_long_is_shown_to_nobody_while_another_asks(page, monkeypatch):
    read("/status/acme/")
    _later(monkeypatch, 60)
    asked = []
    real = shelf._read

    def slow(slug, path):
        asked.append(path)
        if len(asked) == 1:  # a second reader comes while the first one waits
            shelf.find(slug, "")
        return real(slug, path)

    monkeypatch.setattr(shelf, "_read", slow)
    shelf.find("acme", "")
    assert asked == ["", ""]


def test_nobody_gets_a_cookie_and_everything_may_be_kept(page):
    answer = read("/status/acme/")
    assert answer.cookies == {}
    assert "Set-Cookie" not in answer.headers
    assert {name: answer[name] for name in ("Cache-Control", "Vary", "X-Content-Type-Options", "X-Frame-Options")} == {
        "Cache-Control": "public, max-age=10, stale-if-error=86400",
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }
    assert answer["Content-Security-Policy"] == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self' http://127.0.0.1:8000; base-uri 'none'; frame-ancestors 'none'"
    )


def test_only_the_banner_to_embed_may_be_framed(page):
    answer = read("/status/acme/embed.html")
    assert answer["Content-Security-Policy"].endswith("frame-ancestors *")
    assert "X-Frame-Options" not in answer.headers


def test_programs_of_others_may_read_json_and_feeds(page):
    assert read("/status/acme/api/v2/status.json")["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in read("/status/acme/").headers


def test_the_sheet_is_kept_for_ever_because_its_name_changes_with_it(page):
    (path,) = page.documents.filter(path__endswith=".css").values_list("path", flat=True)
    assert read(f"/status/acme/{path}")["Cache-Control"] == "public, max-age=31536000, immutable"


def test_who_has_it_already_gets_nothing_again(page):
    first = read("/status/acme/")
    again = read("/status/acme/", if_none_match=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert read("/status/acme/", if_none_match='W/"other"').status_code == 200


def test_it_is_packed_for_those_who_can_unpack(page):
    plain, packed = read("/status/acme/"), read("/status/acme/", accept_encoding="br, gzip")
    assert packed["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert [int(each["Content-Length"]) for each in (plain, packed)] == [len(plain.content), len(packed.content)]


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip", "gzip"), ("br, gzip;q=0.5", "gzip"), ("gzip;q=0", None), ("gzip; q=0.000, br", None), ("br", None)],
)
def test_it_is_packed_for_nobody_who_refuses_that(page, accepted, encoding):
    assert read("/status/", **{"accept-encoding": accepted}).get("Content-Encoding") == encoding


def test_head_has_the_headers_alone(page):
    answer = Client().head("/status/acme/")
    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    ["/status/nobody/", "/status/acme/nothing", "/status/acme/incidents/x.html", "/status/acme/a\x00b", "/status/%FF/"]
    + [f"/status/acme/{'x' * 5000}", "/status/../admin/", "/status//", "/status/acme//index.html"],
)
def test_what_is_not_there_is_said_in_plain_words(page, path):
    answer = read(path)
    assert answer.status_code == 404
    assert b"Nothing is here" in answer.content
    assert answer["Cache-Control"] == "no-store"
    style = answer.content.split(b"<style>")[1].split(b"</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"


@pytest.fixture
def german(db):
    """A page in German beside the default one in English, both rendered."""
    make.status_page("first", make.service("shop"), locale="en")
    made = make.status_page("acme", locale="de", domain="status.acme.example")
    rendering.render_due(now=NOW)
    return made


@pytest.mark.parametrize(
    ("path", "host", "words"),
    [
        ("/status/acme/nothing", "testserver", "Hier ist nichts"),
        ("/status/acme/%0A", "testserver", "Hier ist nichts"),
        ("/nothing", "status.acme.example", "Hier ist nichts"),
        ("/status/nothing", "testserver", "Nothing is here"),
        ("/status/nobody/", "testserver", "Nothing is here"),
    ],
)
@pytest.mark.parametrize("is_read", [False, True])
def test_what_is_not_there_is_said_in_the_language_of_the_page(german, path, host, words, is_read):
    if is_read:
        read("/status/acme/")
    answer = read(path, host=host)
    assert answer.status_code == 404
    assert words in answer.content.decode()


def test_where_nothing_is_takes_one_query_once_the_page_is_known(german, django_assert_num_queries):
    read("/status/acme/nothing")
    with django_assert_num_queries(1):
        read("/status/acme/nothing")


def test_a_database_that_is_away_is_told_in_the_language_of_the_page_and_asked_for_nothing(german, monkeypatch):
    read("/status/acme/")
    asked = []

    def fails(slug, path):
        asked.append(path)
        _fails(slug, path)

    monkeypatch.setattr(shelf, "_read", fails)
    _later(monkeypatch, 90)
    answers = [read(f"/status/acme/{path}") for path in ("uptime", "", "history", "uptime")]
    assert [answer.status_code for answer in answers] == [503, 200, 503, 503]
    assert "Diese Seite ist gerade nicht lesbar" in answers[0].content.decode()
    assert asked == ["uptime"]


def test_without_any_page_there_is_nothing(db):
    assert [read(path).status_code for path in ("/status/", "/status/as-of.json", "/status/acme/")] == [404] * 3


def test_a_post_to_a_document_is_refused(page):
    assert Client(enforce_csrf_checks=True).post("/status/acme/history.html").status_code == 405


def test_the_last_copy_is_served_with_its_age_while_the_database_is_away(page, monkeypatch):
    before = read("/status/acme/")
    monkeypatch.setattr(shelf, "_read", _fails)
    _later(monkeypatch, 90)
    answer = read("/status/acme/")
    assert (answer.status_code, answer.content, answer["Age"]) == (200, before.content, "90")
    unread = read("/status/acme/history.html")
    assert (unread.status_code, unread["Retry-After"]) == (503, "10")
    assert b"cannot be read just now" in unread.content


def test_a_database_that_is_away_is_not_asked_at_every_request(page, monkeypatch):
    read("/status/acme/")
    asked = []

    def fails(slug, path):
        asked.append(path)
        _fails(slug, path)

    monkeypatch.setattr(shelf, "_read", fails)
    _later(monkeypatch, 90)
    for _ in range(10):
        read("/status/acme/")
    assert asked == [""]


def test_as_of_is_when_the_page_was_last_looked_after(page):
    answer = read("/status/acme/as-of.json")
    assert answer.json() == {"at": "2026-10-14T01:47:08Z", "page": "acme"}
    SweepRun.objects.create(name=shelf.RENDERING, last_run_at=NOW + timedelta(minutes=5))
    shelf.clear()
    assert json.loads(read("/status/as-of.json").content) == {"at": "2026-10-14T01:52:08Z", "page": "acme"}


def test_what_is_held_stays_within_its_limit(page, monkeypatch):
    monkeypatch.setattr(shelf, "MOST_BYTES", 60_000)
    for path in ("", "history.html", "uptime.html", "embed.html", "api/v2/summary.json", "history.atom"):
        assert read(f"/status/acme/{path}").status_code == 200
        assert sum(each.size for each in shelf._shelf.values()) <= 60_000
    read("/status/acme/nothing")
    assert ("acme", "nothing") not in shelf._shelf


def test_muster_itself_is_reached_as_before(client):
    assert client.get("/healthz").status_code == 200
    assert client.get("/statuses").status_code == 404
    assert connection.in_atomic_block


def _fails(slug, path):
    raise OperationalError("the connection is closed")


def _later(monkeypatch, seconds):
    """Both of the process's clocks go on."""
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + seconds, time=lambda: time.time() + seconds)
    monkeypatch.setattr(shelf, "time", clock)
    monkeypatch.setattr(public_views, "time", clock)
