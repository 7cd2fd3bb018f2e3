"""What waits for an open page, without a server: nothing is lost, nothing is said twice, nothing grows."""

from __future__ import annotations

import asyncio

from incidents_site.live import hub as hub_module
from incidents_site.live.hub import BEAT, HELLO, OFFLINE, RESYNC, Hub, Stream, message

LISTS = frozenset({"incidents"})


def stream(*topics, user_id=1):
    return Stream(user_id, "session", frozenset(topics or LISTS))


def waiting(one):
    """What the reader would be given now."""

    async def take():
        return await asyncio.wait_for(one.take(), 1)

    return asyncio.run(take())


def test_a_page_hears_of_its_topics_and_of_no_other():
    hub, mine, other = Hub(), stream("incident/1", "incidents"), stream("incident/2")
    hub.is_online = True
    for one in (mine, other):
        hub.add(one)
    hub.tell("changed", ["incident/1", "incidents"])
    assert waiting(mine) == HELLO + message("changed", "incident/1") + message("changed", "incidents")
    assert waiting(other) == HELLO


def test_an_event_is_named_and_has_data():
    assert message("changed", "incident/42") == b"event: changed\ndata: incident/42\n\n"


def test_the_same_event_waits_once():
    one = stream()
    for _ in range(1000):
        one.put(message("changed", "incidents"))
    assert waiting(one) == message("changed", "incidents")


def test_an_event_after_reading_is_said_again():
    one = stream()
    for _ in range(2):
        one.put(message("changed", "incidents"))
        assert waiting(one) == message("changed", "incidents")


def test_what_waits_for_a_page_that_does_not_read_has_a_limit():
    topics = [f"incident/{number}" for number in range(1, 9)]
    hub, one = Hub(), stream(*topics)
    hub.add(one)
    waiting(one)
    for round in range(1000):
        hub.tell("changed", topics)
        hub.tell("presence", topics)
        hub.set_online(round % 2 == 0)
        one.put(BEAT)
    events = [message(event, topic) for event in ("changed", "presence") for topic in topics]
    assert sorted(waiting(one).split(b"\n\n")) == sorted(b"".join([*events, BEAT, OFFLINE]).split(b"\n\n"))


def test_a_page_that_opens_while_the_line_is_lost_hears_so_at_once():
    hub, one = Hub(), stream()
    hub.add(one)
    assert waiting(one) == HELLO + OFFLINE


def test_losing_and_finding_the_line_is_told_once_and_never_in_the_wrong_order():
    hub, reads, sleeps = Hub(), stream(), stream()
    hub.is_online = True
    for one in (reads, sleeps):
        hub.add(one)
        waiting(one)
    said = []
    for is_online in (True, False, False, True, False, True):
        hub.set_online(is_online)
        if reads._pending:
            said.append(waiting(reads))
    assert said == [OFFLINE, RESYNC, OFFLINE, RESYNC]
    assert waiting(sleeps) == RESYNC


def test_a_closed_stream_ends_for_its_reader_whatever_waits():
    async def read():
        one = stream()
        reader = asyncio.create_task(one.take())
        await asyncio.sleep(0)
        one.close()
        assert await reader == b""
        one.put(RESYNC)
        return await one.take()

    assert asyncio.run(read()) == b""


def test_a_hub_that_closes_ends_all_streams_and_forgets_each_that_has_ended():
    hub, streams = Hub(), [stream("incidents", "incident/1", user_id=number % 2) for number in range(4)]
    for one in streams:
        hub.add(one)
    assert (len(hub), hub.streams_of) == (4, {0: 2, 1: 2})
    hub.close()
    assert [one.is_open for one in streams] == [False] * 4
    for one in streams:
        hub.remove(one)
    assert (len(hub), dict(hub.streams_of), hub._by_topic) == (0, {}, {})


def test_each_stream_has_its_moment_for_a_sign_of_life(monkeypatch):
    monkeypatch.setattr(hub_module, "BEAT_SECONDS", 2)
    hub, first, second = Hub(), stream(), stream()

    async def beats():
        hub.add(first)
        hub.add(second)
        await first.take()
        await second.take()
        beating = asyncio.create_task(hub.beat_for_ever())
        now = asyncio.get_running_loop().time
        begun = now()
        heard = [(await one.take(), round(now() - begun)) for one in (first, second)]
        beating.cancel()
        return heard

    assert asyncio.run(beats()) == [(BEAT, 0), (BEAT, 1)]
