"""The page of events: left out, kept, corrected, added and taken in."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from incidents.models import TimelineEntry
from postmortems import events
from tests import make
from tests.postmortems.desks import SCRIPT, publish, text_of

pytestmark = pytest.mark.django_db


def note_of(postmortem):
    return postmortem.events.get(entry__kind="noted")


def test_events_are_listed_by_their_day_in_the_readers_zone(client, page):
    client.force_login(make.user("tokyo", time_zone="Asia/Tokyo"))
    said = text_of(client.get(f"{page}/events"))
    assert "Wednesday, 14 October 2026" in said
    assert ">10:49:08</time>" in said
    assert "Alice: The disk is full" in said


def test_one_button_leaves_an_event_out_and_keeps_it_again(at_desk, page, postmortem):
    event = note_of(postmortem)
    answer = at_desk.post(f"{page}/events/decide?show=told", {"leave_out": event.pk})
    assert (answer.status_code, answer["Location"]) == (303, f"{page}/events?show=told")
    assert not note_of(postmortem).is_kept
    assert "1 event is left out." in text_of(at_desk.get(f"{page}/events?show=out"))
    fragment = at_desk.post(f"{page}/events/decide", {"keep": event.pk}, headers=SCRIPT)
    assert (fragment.status_code, json.loads(fragment["HX-Trigger"])) == (
        204,
        {"muster:done": {"said": "1 event is told."}},
    )
    assert note_of(postmortem).is_kept


def test_those_that_are_ticked_are_decided_at_once(at_desk, page, postmortem):
    pks = list(postmortem.events.values_list("pk", flat=True))
    at_desk.post(f"{page}/events/decide", {"leave_out": "", "event": pks})
    assert postmortem.events.filter(is_kept=True).count() == 0
    at_desk.post(f"{page}/events/decide", {"keep": "", "event": [*pks[:2], "x", "9" * 30, "-1"]})
    assert postmortem.events.filter(is_kept=True).count() == 2
    nothing = at_desk.post(f"{page}/events/decide", {"keep": ""}, follow=True)
    assert "Nothing was chosen." in text_of(nothing)


def test_an_event_is_corrected_beside_what_the_timeline_says(at_desk, page, postmortem):
    event = note_of(postmortem)
    address = f"{page}/events/{event.pk}/edit"
    assert "The timeline says" in text_of(at_desk.get(address))
    answer = at_desk.post(address, {"text": "The disk of node 3 was full", "at": "2026-10-14T01:40:00"})
    assert (answer.status_code, answer["Location"]) == (303, f"{page}/events#event-{event.pk}")
    said = text_of(at_desk.get(f"{page}/events"))
    assert "The disk of node 3 was full" in said
    assert re.search(r"The timeline says: <time[^>]*>01:49:08</time> Alice: The disk is full", said)
    assert "Corrected by Bob" in said
    at_desk.post(address, {"source": "1"})
    assert (note_of(postmortem).is_corrected, note_of(postmortem).at) == (False, event.at)


def test_a_time_that_was_not_touched_keeps_its_fraction(at_desk, page, postmortem):
    event = note_of(postmortem)
    postmortem.events.filter(pk=event.pk).update(at=event.at + timedelta(milliseconds=250))
    at_desk.post(f"{page}/events/{event.pk}/edit", {"text": "x", "at": "2026-10-14T01:49:08"})
    assert note_of(postmortem).at == event.at + timedelta(milliseconds=250)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"text": "", "at": "2026-10-14T01:49:08"}, "Say what happened."),
        ({"text": "My words", "at": "2926-10-14T01:49:08"}, "in the future"),
        ({"text": "My words", "at": "soon"}, "Enter a valid date/time."),
        ({"text": "My words", "at": "1066-10-14T01:49:08"}, "before 1970"),
    ],
)
def test_an_event_that_cannot_be_is_sent_back_with_why(at_desk, page, postmortem, data, why):
    for address in (f"{page}/events/new", f"{page}/events/{note_of(postmortem).pk}/edit"):
        answer = at_desk.post(address, data)
        assert (answer.status_code, why in text_of(answer), data["text"] in text_of(answer)) == (422, True, True)


def test_an_event_is_added_by_hand(at_desk, page, postmortem):
    answer = at_desk.post(f"{page}/events/new", {"text": "A customer called", "at": "2026-10-14T01:48:00"})
    assert answer.status_code == 303
    said = text_of(at_desk.get(f"{page}/events"))
    assert re.search(r"A customer called</p>\s*<p[^>]*>Added by Bob", said)
    sheet = at_desk.get(f"{page}/events/new", headers=SCRIPT).content.decode()
    assert sheet.lstrip().startswith('<section class="mu-sheet"')


def test_anything_else_of_a_long_timeline_is_found_and_taken_in(at_desk, page, postmortem, alice):
    TimelineEntry.objects.bulk_create(
        TimelineEntry(
            incident=postmortem.incident, kind="noted", at=make.NOW + i * timedelta(seconds=1), by=alice, text=f"no {i}"
        )
        for i in range(2000)
    )
    first = at_desk.get(f"{page}/events?show=rest")
    assert len(first.context["rest"]) == 50
    second = at_desk.get(f"{page}/events?show=rest&cursor={first.context['page'].next}")
    assert not {e.pk for e, _ in first.context["rest"]} & {e.pk for e, _ in second.context["rest"]}
    found = at_desk.get(f"{page}/events?show=rest&q=no+1999&kind=noted")
    ((entry, words),) = found.context["rest"]
    assert words == "Alice: no 1999"
    answer = at_desk.post(f"{page}/events/decide?show=rest&q=no", {"take_in": entry.pk})
    assert answer["Location"] == f"{page}/events?show=rest&q=no"
    assert postmortem.events.get(entry=entry).text == words
    assert at_desk.get(f"{page}/events?show=rest&q=no+1999").context["rest"] == []
    for odd in ("kind=x", "q=%00", "q=%25_", "cursor="):
        assert at_desk.get(f"{page}/events?show=rest&{odd}").status_code == 200
    assert at_desk.get(f"{page}/events?show=rest&cursor=x").status_code == 404


def test_the_list_of_events_is_sent_again_only_when_it_has_changed(at_desk, page, postmortem, alice):
    version = at_desk.get(f"{page}/events").context["version"]
    assert at_desk.get(f"{page}/events?seen=events.{version}", headers=SCRIPT).status_code == 204
    events.leave_out(note_of(postmortem), by=alice)
    answer = at_desk.get(f"{page}/events?seen=events.{version}", headers=SCRIPT)
    assert answer.content.decode().lstrip().startswith('<div id="events"')


def test_events_of_a_published_postmortem_are_only_read(at_desk, page, postmortem):
    event = note_of(postmortem)
    publish(postmortem)
    said = at_desk.get(f"{page}/events").content.decode()
    assert 'type="submit" name="keep"' not in said
    for address, data in {
        "events/decide": {"leave_out": event.pk},
        "events/new": {"text": "x", "at": "2026-10-14T01:48:00"},
        f"events/{event.pk}/edit": {"text": "x", "at": "2026-10-14T01:48:00"},
    }.items():
        for headers in ({}, SCRIPT):
            answer = at_desk.post(f"{page}/{address}", data, headers=headers)
            assert (answer.status_code, "Take it back" in text_of(answer)) == (409, True), address
