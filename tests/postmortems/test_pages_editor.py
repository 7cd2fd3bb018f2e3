"""Pages on which a postmortem is written: the editor, its events, its history."""

from __future__ import annotations

import html
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import action_items, lifecycle, timeline
from incidents.models import TimelineEntry
from postmortems import editing, events
from postmortems.models import Postmortem
from tests import make

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def postmortem(alice):
    incident = make.incident(steps=[alice], title="Checkout fails")
    lifecycle.acknowledge(incident, by=alice, now=make.NOW + MINUTE)
    timeline.add_note(incident, text="The disk is full", by=alice, now=make.NOW + 2 * MINUTE)
    return make.postmortem(lifecycle.resolve(incident, by=alice, now=make.NOW + 30 * MINUTE))


@pytest.fixture
def page(postmortem):
    return f"/postmortems/{postmortem.incident.reference}"


@pytest.fixture
def at_desk(client, bob):
    client.force_login(bob)
    return client


def text_of(response):
    return html.unescape(response.content.decode())


def section(postmortem, key="root_cause"):
    return postmortem.sections.get(key=key)


def place(response, key="root_cause"):
    return next(one for one in response.context["places"] if one.section.key == key)


def publish(postmortem):
    Postmortem.objects.filter(pk=postmortem.pk).update(state="published", published_at=make.NOW)


# ---- writing -------------------------------------------------------------------------------------------------------


def test_the_editor_has_every_section_says_what_is_missing_and_leads_there(at_desk, page):
    answer = at_desk.get(f"{page}/edit")
    said = text_of(answer)
    assert [one.section.key for one in answer.context["places"]][:2] == ["summary", "timeline"]
    assert "2 of 7 required sections are written" in said
    assert '<a class="mu-link" href="#edit-root_cause">Root cause</a>' in said
    assert "Ask why until the answer is about the system" in said
    assert f'href="{page}/events">Choose and correct the events' in said
    assert "action-items/new?next=" in said


def test_it_is_written_without_a_script(at_desk, page, postmortem, bob):
    row = section(postmortem)
    answer = at_desk.post(f"{page}/sections/root_cause", {"body": "The disk\r\nwas full.", "base": row.body})
    assert (answer.status_code, answer["Location"]) == (303, f"{page}/edit#edit-root_cause")
    row.refresh_from_db()
    assert (row.body, row.edited_by) == ("The disk\nwas full.", bob)
    said = text_of(at_desk.get(f"{page}/edit"))
    assert "Root cause: saved." in said
    assert "3 of 7 required sections are written" in said
    postmortem.incident.refresh_from_db()
    assert postmortem.incident.status == "postmortem"


def test_a_preview_shows_what_is_typed_with_its_lists_and_saves_nothing(at_desk, page, postmortem):
    body = "**Soon**\n\n[[events]]\n\n<script>x</script>\n\nIt was human error."
    answer = at_desk.post(f"{page}/sections/timeline/preview", {"body": body, "base": ""})
    said = text_of(answer)
    assert answer.status_code == 200
    assert "<strong>Soon</strong>" in said
    assert "acknowledged it</li>" in said
    assert "<script>x" not in answer.content.decode()
    assert "Preview, not saved" in said
    assert "“Human error” ends the question" in said
    assert place(answer, "timeline").typed.text == body
    assert section(postmortem, "timeline").body == "[[events]]"
    fragment = at_desk.post(f"{page}/sections/timeline/preview", {"body": body, "base": ""}, headers=SCRIPT)
    assert fragment.content.decode().lstrip().startswith('<div class="mu-prose">')


def test_the_script_gets_the_section_as_it_was_saved_with_what_was_merged_in(at_desk, page, postmortem, alice):
    base = editing.write(section(postmortem), body="The disk was full.", by=alice).body
    editing.write(section(postmortem), body="The big disk was full.", by=alice)
    sent = "The disk was full, twice."
    answer = at_desk.post(f"{page}/sections/root_cause", {"body": sent, "base": base}, headers=SCRIPT)
    said = answer.content.decode()
    assert answer.status_code == 200
    assert place(answer).typed.text == "The big disk was full, twice."
    changes = json.loads(html.unescape(re.search(r'data-changes="([^"]*)"', said)[1]))
    assert changes == [[3, 3, " big"]]
    assert re.search(r'data-said="Saved \d\d:\d\d"', said)
    assert "3 of 7 required" in said


def test_the_same_words_of_two_people_are_told_and_nothing_is_saved(at_desk, page, postmortem, alice):
    base = editing.write(section(postmortem), body="The disk was full.", by=alice).body
    editing.write(section(postmortem), body="The disk was small.", by=alice)
    for headers in ({}, SCRIPT):
        answer = at_desk.post(f"{page}/sections/root_cause", {"body": "The disk broke.", "base": base}, headers=headers)
        said = text_of(answer)
        assert (answer.status_code, section(postmortem).body) == (409, "The disk was small.")
        assert "Alice has changed the same words of “Root cause” meanwhile." in said
        assert (place(answer).typed.text, place(answer).typed.base) == ("The disk broke.", "The disk was small.")
        for choice in ("Take theirs", "Keep mine", "Edit both together"):
            assert choice in said
        assert "The disk was small." in said
    both = at_desk.post(f"{page}/sections/root_cause", {"body": "The disk broke.", "base": base, "together": "1"})
    assert place(both).typed.text == "The disk was small.\nThe disk broke."
    assert section(postmortem).body == "The disk was small."
    kept = {"body": place(answer).typed.text, "base": place(answer).typed.base}
    assert at_desk.post(f"{page}/sections/root_cause", kept).status_code == 303
    assert section(postmortem).body == "The disk broke."


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ({"body": "x" * 50_001, "base": ""}, "at most 50,000 characters; this has 50,001"),
        ({"body": "x"}, "was not complete"),
        ({}, "was not complete"),
    ],
)
def test_what_cannot_be_saved_is_given_back_with_why(at_desk, page, postmortem, data, why):
    before = section(postmortem).body
    for headers in ({}, SCRIPT):
        answer = at_desk.post(f"{page}/sections/root_cause", data, headers=headers)
        assert (answer.status_code, section(postmortem).body) == (422, before)
        assert why in text_of(answer)
        assert place(answer).typed.text == (data["body"] if "base" in data else before)


def test_a_text_that_begins_with_an_empty_line_and_quotes_comes_back_as_it_is(at_desk, page, postmortem, alice):
    body = "\n\"</textarea><b>'&amp; 🔥"
    editing.write(section(postmortem), body=body, by=alice)
    said = at_desk.get(f"{page}/edit").content.decode()
    field = re.search(r'<textarea id="text-root_cause"[^>]*>\n(.*?)</textarea>', said, re.DOTALL)[1]
    base = re.search(r'id="base-root_cause" value="([^"]*)"', said)[1]
    assert (html.unescape(field), html.unescape(base)) == (body, body)


def test_only_what_has_changed_is_sent_again(at_desk, page, postmortem, alice):
    shown = at_desk.get(f"{page}/edit").context["desk"]
    seen = ",".join(f"{name}.{version}" for name, version in shown.versions.items())
    assert at_desk.get(f"{page}/edit/changed?seen={seen}").status_code == 204
    editing.write(section(postmortem), body="The disk was full.", by=alice)
    answer = at_desk.get(f"{page}/edit/changed?seen={seen}")
    assert [one.section.key for one in answer.context["places"]] == ["root_cause"]
    action_items.add(postmortem.incident, title="An alarm", by=alice)
    answer = at_desk.get(f"{page}/edit/changed?seen={seen}")
    assert [one.section.key for one in answer.context["places"]] == ["root_cause", "action_items"]
    assert "An alarm" in text_of(answer)


def test_names_and_blame_are_pointed_out_below_the_section_and_block_nothing(at_desk, page, postmortem):
    body = "Alice should have looked."
    answer = at_desk.post(
        f"{page}/sections/root_cause", {"body": body, "base": section(postmortem).body}, headers=SCRIPT
    )
    assert (answer.status_code, section(postmortem).body) == (200, body)
    assert "<q>Alice</q> An analysis needs no names" in text_of(answer)
    assert "<q>should have</q>" in text_of(answer)


def test_a_published_postmortem_is_not_edited_and_says_how_to(at_desk, page, postmortem):
    publish(postmortem)
    answer = at_desk.get(f"{page}/edit")
    assert answer.status_code == 409
    assert "Take it back to change it" in text_of(answer)
    assert "<textarea" not in answer.content.decode()
    sent = {"body": "My words", "base": section(postmortem).body}
    for headers in ({}, SCRIPT):
        answer = at_desk.post(f"{page}/sections/root_cause", sent, headers=headers)
        assert answer.status_code == 409
        assert "Take it back to change it" in text_of(answer)
        assert "My words" in text_of(answer)
    assert section(postmortem).body != "My words"


def test_strangers_and_viewers_do_not_write(client, charlie, page, postmortem):
    private = make.postmortem(by=None, is_private=True)
    addresses = ("edit", "edit/changed", "events/new", f"events/{postmortem.events.first().pk}/edit")
    client.force_login(charlie)
    assert {client.get(f"{page}/{address}").status_code for address in addresses} == {403}
    posts = ("sections/summary", "sections/summary/preview", "sections/summary/restore", "events/decide")
    assert {client.post(f"{page}/{address}").status_code for address in posts} == {403}
    assert {client.get(f"{page}/{address}").status_code for address in ("events", "history")} == {200}
    client.force_login(make.user("dora"))
    hidden = f"/postmortems/{private.incident.reference}"
    assert {client.get(f"{hidden}/{address}").status_code for address in (*addresses, "events", "history")} == {404}
    assert {client.post(f"{hidden}/{address}").status_code for address in posts} == {404}
    for wrong in ("sections/nothing", "sections/nothing/preview", "sections/nothing/restore"):
        assert client.post(f"{page}/{wrong}", {"body": "", "base": ""}).status_code == 404
    assert client.get(f"{page}/history?section=nothing").status_code == 404


def test_pages_cost_the_same_for_many_as_for_few(at_desk, page, postmortem, alice, bob):
    def cost():
        counts = []
        for address in ("edit", "events", "events?show=rest", "history?section=root_cause"):
            with CaptureQueriesContext(connection) as queries:
                assert at_desk.get(f"{page}/{address}").status_code == 200
            counts.append(len(queries))
        return counts

    at_desk.get(f"{page}/edit")
    few = cost()
    for number in range(4):
        editing.write(section(postmortem), body=f"x {number}", by=(alice, bob)[number % 2])
        events.add(postmortem, text=f"Event {number}", at=make.NOW, by=alice)
        action_items.add(postmortem.incident, title=f"Item {number}", owner=bob, by=alice)
    assert cost() == few
    assert max(cost()) <= 12


def test_an_action_item_that_is_added_from_here_leads_back(at_desk, page, postmortem):
    address = f"/incidents/{postmortem.incident.reference}/action-items/new"
    back = f"{page}/edit#edit-action_items"
    form = at_desk.get(address, {"next": back}).content.decode()
    assert f'name="next" value="{back}"' in form
    assert at_desk.post(address, {"title": "An alarm", "next": back})["Location"] == back
    wrong = at_desk.post(address, {"title": "", "next": back})
    assert (wrong.status_code, f'name="next" value="{back}"' in wrong.content.decode()) == (422, True)
    elsewhere = at_desk.post(address, {"title": "Another", "next": "https://example.com/"})
    assert elsewhere["Location"].startswith(postmortem.incident.get_absolute_url())


# ---- events --------------------------------------------------------------------------------------------------------


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


# ---- history -------------------------------------------------------------------------------------------------------


def test_history_shows_what_the_last_sitting_changed_and_leads_back(at_desk, page, postmortem, alice, bob):
    drafted = section(postmortem).body
    editing.write(section(postmortem), body="One\nTwo", by=alice)
    editing.write(section(postmortem), body="One\nThree", by=bob)
    answer = at_desk.get(f"{page}/history?section=root_cause")
    assert [(line.kind, line.text) for line in answer.context["lines"]] == [
        ("same", "One"),
        ("removed", "Two"),
        ("added", "Three"),
    ]
    assert [one.number for one in answer.context["sittings"]] == [3, 2, 1]
    compared = at_desk.get(f"{page}/history?section=root_cause&from=1&to=3")
    assert (compared.context["old"], compared.context["new"]) == (1, 3)
    back = at_desk.post(f"{page}/sections/root_cause/restore", {"number": 1})
    assert (back.status_code, back["Location"]) == (303, f"{page}/history?section=root_cause")
    assert section(postmortem).body == drafted
    for odd in ("from=99", "to=x", "until=x", "from=%00", "until=1"):
        assert at_desk.get(f"{page}/history?section=root_cause&{odd}").status_code in (200, 404)
    for number in ("99", "x", "", "9" * 30):
        assert at_desk.post(f"{page}/sections/root_cause/restore", {"number": number}).status_code == 404


def test_history_of_a_draft_and_of_a_published_postmortem(at_desk, page, postmortem, client, charlie):
    assert "It says what it said at first." in text_of(at_desk.get(f"{page}/history"))
    publish(postmortem)
    answer = at_desk.post(f"{page}/sections/root_cause/restore", {"number": 1})
    assert (answer.status_code, "Take it back" in text_of(answer)) == (409, True)
