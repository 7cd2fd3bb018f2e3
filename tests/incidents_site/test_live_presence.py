"""Who looks at an incident: once a person, across processes, and not for long after they have left."""

from __future__ import annotations

import threading
import time

import pytest

from core import live
from incidents_site.live import presence
from incidents_site.live.stream import LiveStreams
from tests import make
from tests.live import Page, cookie_of, serving, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True, scope="module")
def _brief():
    """Seconds instead of tens of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(presence, "LINGER_SECONDS", 0.4)
        patch.setattr(presence, "LOOK_SECONDS", 0.1)
        patch.setattr(presence, "RENEW_SECONDS", 0.5)
        yield


@pytest.fixture(scope="module")
def port(own_redis):
    """Where a web process serves streams."""
    streams = LiveStreams()
    with serving(streams, streams) as site:
        yield site.port


@pytest.fixture(scope="module")
def other_port(own_redis):
    """Another web process, perhaps on another machine."""
    streams = LiveStreams()
    with serving(streams, streams) as site:
        yield site.port


@pytest.fixture
def topic(alice):
    return make.incident(by=alice).topic


def wait_for(topic, *people):
    expected = [person.pk for person in people]
    wait_until(lambda: live.looking(topic) == expected, f"{expected} look")


def test_whoever_opens_the_page_looks_until_the_page_is_closed(port, topic, alice, bob):
    assert live.looking(topic) == []
    with Page(port, topic, user=alice) as page:
        wait_for(topic, alice)
        with Page(port, topic, user=bob):
            wait_for(topic, alice, bob)
        wait_for(topic, alice)
        assert page.hear_all() == [("hello", "all"), *[("presence", topic)] * 3]
    wait_for(topic)


def test_lists_are_not_looked_at_by_anybody_in_particular(port, alice):
    with Page(port, "incidents", user=alice) as page:
        assert page.hear_all() == [("hello", "all")]
        assert live.looking("incidents") == []


def test_two_tabs_are_one_person_in_one_process_and_in_two(port, other_port, topic, alice, bob):
    cookie = cookie_of(alice)
    first, second = Page(port, topic, cookie=cookie), Page(port, topic, cookie=cookie)
    with Page(other_port, topic, user=bob) as page:
        wait_for(topic, alice, bob)
        third = Page(other_port, topic, cookie=cookie)
        for tab in (first, second):
            tab.close()
            time.sleep(0.6)
            assert sorted(live.looking(topic)) == [alice.pk, bob.pk]
        page.hear_all()
        third.close()
        wait_for(topic, bob)
        assert page.hear_all() == [("presence", topic)]


def test_loading_the_page_again_does_not_tell_others_that_somebody_left(port, topic, alice, bob):
    cookie = cookie_of(alice)
    with Page(port, topic, user=bob) as page:
        wait_for(topic, bob)
        for _ in range(5):
            Page(port, topic, cookie=cookie).close()
            time.sleep(0.1)
        with Page(port, topic, cookie=cookie):
            wait_for(topic, bob, alice)
            assert page.hear_all() == [("hello", "all"), *[("presence", topic)] * 2]


def test_those_who_stay_are_remembered_longer_than_a_seat_lasts(port, topic, alice, monkeypatch):
    monkeypatch.setattr(presence, "EXPIRES_SECONDS", 1)
    with Page(port, topic, user=alice):
        wait_for(topic, alice)
        for _ in range(8):
            time.sleep(0.25)
            assert live.looking(topic) == [alice.pk]


def test_people_of_a_killed_process_are_forgotten_and_the_others_hear_it(port, topic, alice, bob, own_redis):
    seat = live.seat_of(bob.pk, process="killed", since=time.time() - 60)
    with Page(port, topic, user=alice) as page:
        wait_for(topic, alice)
        page.hear_all(during=0.2)
        own_redis.client().zadd(live.seats_key(topic), {seat: time.time() + 0.3})
        wait_for(topic, bob, alice)
        assert page.hear_all(during=1.5) == [("presence", topic)]
        assert live.looking(topic) == [alice.pk]


def test_a_redis_that_has_forgotten_everything_is_told_again(port, topic, alice, own_redis):
    with Page(port, topic, user=alice):
        wait_for(topic, alice)
        own_redis.client().flushall()
        assert live.looking(topic) == []
        wait_for(topic, alice)


def test_a_redis_that_comes_back_empty_is_told_at_once(port, topic, alice, own_redis, monkeypatch):
    with Page(port, topic, user=alice) as page:
        wait_for(topic, alice)
        monkeypatch.setattr(presence, "RENEW_SECONDS", 60)
        time.sleep(0.7)
        own_redis.client().flushall()
        own_redis.kill()
        own_redis.launch()
        wait_for(topic, alice)
        assert page.hear_all(during=2.0)[-3:] == [("offline", "all"), ("resync", "all"), ("presence", topic)]


def test_people_leave_with_the_process_that_ends(own_redis, topic, alice):
    streams = LiveStreams()
    with serving(streams, streams) as site:
        page = Page(site.port, topic, user=alice)
        wait_for(topic, alice)
    page.close()
    assert live.looking(topic) == []


def test_many_who_come_at_once_are_all_there(port, topic):
    people = [make.user(email=False) for _ in range(30)]
    cookies = [cookie_of(person) for person in people]
    pages = []
    threads = [threading.Thread(target=lambda one=one: pages.append(Page(port, topic, cookie=one))) for one in cookies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_until(lambda: set(live.looking(topic)) == {person.pk for person in people}, "all of them")
    for page in pages:
        page.close()
    wait_for(topic)
