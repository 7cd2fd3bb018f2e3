"""Telling open pages, as the domain sees it: after the commit, at once, and whatever Redis does."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace

import pytest
from django.db import transaction

from core import live
from core.background import Courier

ALICE, BOB, ERIN = 1, 2, 3


@pytest.fixture
def redis_at(settings):
    """Have Redis at another address."""

    def move(url):
        settings.MUSTER = replace(settings.MUSTER, redis_url=url)

    return move


@pytest.fixture
def silent_redis(redis_at):
    """Somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        redis_at(f"redis://127.0.0.1:{listener.getsockname()[1]}/0")
        yield


def seconds(call):
    begun = time.monotonic()
    call()
    return time.monotonic() - begun


# ---- looking ---------------------------------------------------------------------------------------------------


@pytest.mark.enable_socket
def test_people_look_once_each_in_the_order_in_which_they_came(own_redis):
    now = time.time()
    seats = {
        live.seat_of(BOB, process="b", since=now - 20): now + 30,
        live.seat_of(ALICE, process="a", since=now - 10): now + 30,
        live.seat_of(BOB, process="a", since=now - 5): now + 30,
        live.seat_of(ERIN, process="a", since=now - 60): now - 1,
    }
    own_redis.client().zadd(live.seats_key("incident/5"), seats)
    assert live.looking("incident/5") == [BOB, ALICE]
    assert live.looking("incident/6") == []


@pytest.mark.enable_socket
def test_nobody_waits_for_a_redis_that_is_away(silent_redis, redis_at):
    assert seconds(lambda: live.looking("incident/5")) < 0.5
    assert live.looking("incident/5") is None
    redis_at("redis://127.0.0.1:1/0")
    assert live.looking("incident/5") is None
    redis_at("")
    assert live.looking("incident/5") is None


def test_what_redis_may_not_be_asked_for_fails_no_page(redis_at):
    redis_at("redis://127.0.0.1:2/0")  # where no socket may be opened at all
    assert live.looking("incident/5") is None


# ---- changed ---------------------------------------------------------------------------------------------------


@pytest.mark.enable_socket
@pytest.mark.django_db(transaction=True)
def test_a_change_is_published_after_the_commit_and_once(own_redis):
    with own_redis.client().pubsub(ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(live.CHANNEL)
        subscription.get_message(timeout=1)
        live.changed("test/first")  # the first leaves at once, and what follows leaves together
        assert heard(subscription) == {b"changed test/first"}
        with transaction.atomic():
            live.changed("test/b", "test/a")
            live.changed("test/a")
            assert heard(subscription) == set()
        assert heard(subscription) in ({b"changed test/a test/b"}, {b"changed test/b", b"changed test/a test/b"})


def heard(subscription):
    """What is published within a moment."""
    said = set()
    while message := subscription.get_message(timeout=0.2):
        said.add(message["data"])
    return said


@pytest.mark.enable_socket
@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_publishing_either(silent_redis):
    assert seconds(lambda: [live.changed("test/x") for _ in range(100)]) < 0.5


@pytest.mark.django_db(transaction=True)
def test_without_redis_a_change_is_just_not_told(redis_at):
    redis_at("")
    live.changed("test/x")


# ---- the courier -------------------------------------------------------------------------------------------------


def test_a_courier_carries_a_burst_together_and_goes_on_after_a_failure():
    carried, both = [], threading.Event()

    def deliver(names):
        carried.append(names)
        if "end" in names:
            both.set()
        if len(carried) == 1:
            raise ConnectionError

    courier = Courier("test", deliver, every=0.1)
    courier.send(["lost"])
    time.sleep(0.05)
    for name in ("b", "a", "b"):
        courier.send([name])
    courier.send(["end"])
    assert both.wait(2)
    assert carried == [["lost"], ["a", "b", "end"]]
