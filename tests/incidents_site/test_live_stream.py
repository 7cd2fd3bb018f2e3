"""The event stream over HTTP, with a real Redis: who hears what, and when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import signal
import socket
import time
from dataclasses import replace
from functools import partial

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.test import Client

from accounts import people
from accounts.models import User
from core import live
from incidents.models import Incident
from incidents_site.live import access, line, stream
from incidents_site.live.stream import LiveStreams
from tests import make
from tests.live import Page, cookie_of, serving, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.django_db(transaction=True)]

HELLO = ("hello", "all")
OFFLINE = ("offline", "all")
RESYNC = ("resync", "all")
END = ("end", "")


@pytest.fixture(scope="module")
def port(own_redis):
    """Where a web process serves streams."""
    streams = LiveStreams()
    with serving(streams, streams) as site:
        yield site.port


@pytest.fixture
def incident(alice):
    return make.incident(title="Checkout is down", by=alice)


def check_access_now():
    """What somebody may do has changed, says whoever changed it."""
    live.changed(live.ACCESS)


# ---- what is heard -------------------------------------------------------------------------------------------


def test_an_open_page_hears_of_its_topics_within_a_second(port, alice, incident):
    with Page(port, incident.topic, "incidents", user=alice) as page, Page(port, "incidents", user=alice) as lists:
        assert page.hear() == HELLO
        assert page.hear() == ("presence", incident.topic)
        live.changed(incident.topic, "incident/987654321")
        assert page.hear(within=1) == ("changed", incident.topic)
        assert lists.hear_all() == [HELLO]


def test_nothing_is_said_before_the_commit_and_nothing_after_a_rollback(port, alice):
    with Page(port, "incidents", user=alice) as page:
        assert page.hear() == HELLO
        with transaction.atomic():
            live.changed("incidents")
            assert page.hear_all() == []
        assert page.hear() == ("changed", "incidents")
        with transaction.atomic():
            live.changed("incidents")
            transaction.set_rollback(True)
        assert page.hear_all() == []


def test_a_burst_is_said_a_few_times_and_the_last_change_is_not_lost(port, alice):
    with Page(port, "incidents", user=alice) as page:
        assert page.hear() == HELLO
        for _ in range(500):
            live.changed("incidents")
        heard = page.hear_all()
        assert set(heard) == {("changed", "incidents")}
        assert len(heard) <= 10


def test_proxies_are_asked_to_pass_on_each_piece_at_once(port, alice):
    with Page(port, "incidents", user=alice) as page:
        assert page.status == 200
        assert page.headers["Content-Type"] == "text/event-stream"
        assert page.headers["Cache-Control"] == "no-cache, no-transform"
        assert page.headers["X-Accel-Buffering"] == "no"


# ---- who is let in -------------------------------------------------------------------------------------------


NO_TOPICS = [
    "", "incidents", "topic=", "topic=incident/0", "topic=incident/007", "topic=incident/INC-1", "topic=access",
    "topic=incidents%0a", "topic=incident/1%20incidents", "topic=incident/9999999999999999999", "topic=%ff",
    "topic=incidents&topic=users", "&".join(["topic=incidents"] * 40),
    "&".join(f"topic=incident/{number}" for number in range(1, 10)),
]  # fmt: skip


def test_what_is_no_topic_gets_400(port, alice):
    cookie = cookie_of(alice)
    for query in NO_TOPICS:
        with Page(port, cookie=cookie, query=query) as page:
            assert (query, page.status) == (query, 400)


def test_only_get_opens_a_stream(port, alice):
    cookie = cookie_of(alice)
    for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request(method, "/live?topic=incidents", headers={"Cookie": cookie})
        answer = connection.getresponse()
        assert (method, answer.status, answer.headers["Allow"]) == (method, 405, "GET")
        connection.close()


def test_a_stranger_gets_401_whatever_they_ask_for(port, incident):
    unstorable = 'muster_session="' + r"\000" * 32 + '"'
    for cookie in ("", "muster_session=", "muster_session=nobody", "muster_session=\xff;;=;", unstorable, "other=1"):
        for topic in (incident.topic, "incident/987654321", "incidents"):
            with Page(port, topic, cookie=cookie) as page:
                assert (cookie, topic, page.status) == (cookie, topic, 401)


def test_an_expired_session_is_a_strangers(port, alice):
    cookie = cookie_of(alice)
    Session.objects.update(expire_date=make.NOW)
    with Page(port, "incidents", cookie=cookie) as page:
        assert page.status == 401


def test_a_private_incident_does_not_exist_for_who_may_not_see_it(port, alice, charlie, admin):
    secret = make.incident(title="Leak", by=alice, is_private=True)
    statuses = []
    for topics in ([secret.topic], [secret.topic, "incidents"], ["incident/987654321"]):
        with Page(port, *topics, user=charlie) as page:
            statuses.append(page.status)
    assert statuses == [404, 404, 404]
    for user in (alice, admin):
        with Page(port, secret.topic, user=user) as page:
            assert page.status == 200


def test_nobody_can_use_up_all_streams(port, alice, bob, monkeypatch):
    monkeypatch.setattr(stream, "MOST_OF_ONE_PERSON", 3)
    pages = [Page(port, "incidents", user=alice) for _ in range(3)]
    with Page(port, "incidents", user=alice) as one_too_many:
        assert (one_too_many.status, one_too_many.headers["Retry-After"]) == (429, "30")
    with Page(port, "incidents", user=bob) as another:
        assert another.status == 200
    for page in pages:
        page.close()
    wait_until(lambda: is_let_in(port, alice), "the places are free again")


def is_let_in(port, user):
    with Page(port, "incidents", user=user) as page:
        return page.status == 200


def test_without_the_database_a_new_stream_is_asked_to_come_back(port, alice, monkeypatch):
    cookie = cookie_of(alice)
    monkeypatch.setitem(settings.DATABASES["default"], "PORT", 1)
    with Page(port, "incidents", cookie=cookie) as page:
        assert (page.status, page.headers["Retry-After"]) == (503, "5")


# ---- when it ends ----------------------------------------------------------------------------------------------


def log_out(user, cookie):
    client = Client()
    client.cookies.load(cookie)
    assert client.post("/accounts/logout/").status_code == 302


def switch_off(user, cookie):
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user, cookie):
    user.set_password("another correct horse")
    user.save()


def let_session_expire(user, cookie):
    Session.objects.filter(pk=cookie.partition("=")[2]).update(expire_date=make.NOW)


def make_private(user, cookie):
    Incident.objects.update(is_private=True)


@pytest.mark.parametrize("end", [log_out, switch_off, change_password, let_session_expire, make_private])
def test_a_stream_ends_when_its_person_may_no_longer_hear_it(port, alice, bob, incident, end):
    cookie = cookie_of(bob)
    with Page(port, incident.topic, cookie=cookie) as page, Page(port, incident.topic, user=alice) as stays:
        assert page.hear() == HELLO
        end(bob, cookie)
        check_access_now()
        assert page.hear_all(during=1)[-1] == END
        live.changed(incident.topic)
        assert ("changed", incident.topic) in stays.hear_all()
    with Page(port, incident.topic, cookie=cookie) as page:
        assert page.status == (404 if end is make_private else 401)


@pytest.mark.parametrize(
    "change", [partial(people.update_user, is_active=False), partial(people.set_password, password=None)]
)
def test_whoever_ends_somebodys_rights_ends_their_streams(port, alice, bob, change):
    with Page(port, "incidents", user=bob) as page:
        assert page.hear() == HELLO
        change(bob, by=alice)
        assert page.hear_all(during=1) == [END]


def test_rights_are_looked_at_again_from_time_to_time_without_anybody_asking(own_redis, alice, monkeypatch):
    monkeypatch.setattr(access, "LOOK_AGAIN_SECONDS", 0.5)
    streams, cookie = LiveStreams(), cookie_of(alice)
    with serving(streams, streams) as site, Page(site.port, "incidents", cookie=cookie) as page:
        assert page.hear_all(during=1) == [HELLO]
        log_out(alice, cookie)
        assert page.hear(within=3) == END


def test_open_streams_stay_while_the_database_is_away(own_redis, alice, monkeypatch):
    monkeypatch.setattr(access, "LOOK_AGAIN_SECONDS", 0.1)
    streams = LiveStreams()
    with serving(streams, streams) as site, Page(site.port, "incidents", user=alice) as page:
        assert page.hear() == HELLO
        with monkeypatch.context() as patch:
            patch.setitem(settings.DATABASES["default"], "PORT", 1)
            assert page.hear_all(during=1.2) == []
        live.changed("incidents")
        assert page.hear() == ("changed", "incidents")


def test_an_open_stream_holds_no_database_connection(port, alice, incident):
    def connections():
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
            return cursor.fetchone()[0]

    cookie, before = cookie_of(alice), connections()
    pages = [Page(port, incident.topic, cookie=cookie) for _ in range(40)]
    assert {page.status for page in pages} == {200}
    wait_until(lambda: connections() == before, "connections are back")
    for page in pages:
        page.close()


def test_a_page_that_does_not_read_holds_up_nobody(port, alice, bob):
    with socket.create_connection(("127.0.0.1", port)) as sleeper, Page(port, "incidents", user=bob) as page:
        sleeper.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sleeper.sendall(f"GET /live?topic=incidents HTTP/1.1\r\nHost: x\r\nCookie: {cookie_of(alice)}\r\n\r\n".encode())
        assert page.hear() == HELLO
        for _ in range(20):
            live.changed("incidents")
            assert page.hear() == ("changed", "incidents")


def test_the_server_ends_open_streams_at_once_when_it_stops(own_redis, alice):
    streams = LiveStreams()
    with serving(streams, streams) as site:
        page = Page(site.port, "incidents", user=alice)
        assert page.hear() == HELLO
        stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 1
    assert page.hear() == END
    page.close()


# ---- Redis -----------------------------------------------------------------------------------------------------


def test_a_page_knows_when_redis_is_lost_and_looks_again_when_it_is_back(port, alice, own_redis):
    with Page(port, "incidents", user=alice) as page:
        assert page.hear() == HELLO
        own_redis.kill()
        assert page.hear(within=1) == OFFLINE
        live.changed("incidents")
        with Page(port, "incidents", user=alice) as late:
            assert [late.hear(), late.hear()] == [HELLO, OFFLINE]
        own_redis.launch()
        assert page.hear(within=4) == RESYNC
        live.changed("incidents")
        assert page.hear() == ("changed", "incidents")


def test_a_redis_that_says_nothing_is_noticed_too(port, alice, own_redis, monkeypatch):
    assert line.SILENT_SECONDS + line.ASK_SECONDS <= 5
    monkeypatch.setattr(line, "SILENT_SECONDS", 1.0)
    with Page(port, "incidents", user=alice) as page:
        assert page.hear() == HELLO
        own_redis.process.send_signal(signal.SIGSTOP)
        try:
            assert page.hear(within=3) == OFFLINE
        finally:
            own_redis.process.send_signal(signal.SIGCONT)
        assert page.hear(within=4) == RESYNC


def test_without_redis_a_page_hears_that_it_must_poll(alice, monkeypatch):
    monkeypatch.setattr(settings, "MUSTER", replace(settings.MUSTER, redis_url=""))
    streams = LiveStreams()
    with serving(streams, streams) as site, Page(site.port, "incidents", user=alice) as page:
        assert page.hear_all() == [HELLO, OFFLINE]


def test_work_that_loses_a_cancellation_is_cancelled_again():
    async def deaf():
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)

    async def ends():
        task = asyncio.create_task(deaf())
        await asyncio.sleep(0)
        await stream._end([task])
        return task.cancelled()

    assert asyncio.run(ends())
