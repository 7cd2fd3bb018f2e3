"""The editor: every section is written, previewed and saved, with a script and without."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents import action_items
from postmortems import editing, events
from tests import make
from tests.postmortems.desks import SCRIPT, place, publish, section, text_of

pytestmark = pytest.mark.django_db


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


@pytest.mark.parametrize("data", [{"body": "x" * 50_001, "base": ""}, {"body": "My words", "base": "x" * 50_001}])
@pytest.mark.parametrize(("address", "more"), [("", {}), ("", {"together": "1"}), ("/preview", {})])
def test_nothing_longer_than_a_section_is_merged_compared_or_shown(at_desk, page, postmortem, data, address, more):
    before = section(postmortem).body
    for headers in ({}, SCRIPT):
        answer = at_desk.post(f"{page}/sections/root_cause{address}", data | more, headers=headers)
        assert (answer.status_code, section(postmortem).body) == (422, before)
        assert place(answer).typed.text == data["body"]
        assert "x" * 1_000 not in place(answer).part.text
        assert place(answer).typed.base == ""


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
