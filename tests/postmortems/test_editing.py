"""Writing sections: saves that lose nobody's words, and the way back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from incidents.models import Status
from incidents.models.incident import NotAllowedNow
from postmortems import desk, editing, histories
from postmortems.editing import BODY_LIMIT, Overtaken
from postmortems.models import Postmortem, Revision, Section
from tests import make
from tests.postmortems import writers

MINUTE = timedelta(minutes=1)
SEED = 20261130
LATER = make.NOW + 60 * MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def section():
    return make.postmortem().sections.get(key="root_cause")


def said(section):
    return Section.objects.get(pk=section.pk).body


def notes(section):
    return list(section.revisions.order_by("number").values_list("number", "by__username", "note"))


def test_two_hundred_random_edits_by_two_people_lose_nothing_without_being_told(section, alice, bob):
    section = editing.write(section, body=writers.START, by=alice)
    people = {"a": alice, "b": bob}

    def save_as(writer):
        def save(text, base):
            try:
                return writers.SAVED, editing.write(section, body=text, base=base, by=people[writer.name]).body
            except Overtaken as overtaken:
                return writers.TOLD, overtaken.section.body

        return save

    tally = writers.at_work(save_as, edits=200, seed=SEED)
    assert tally.lost == []
    assert writers.words_of(said(section)) == tally.there
    assert tally.merged > 5, "they were in each other's way"
    assert tally.told > 5, "they wrote the same words"


def test_a_save_keeps_what_somebody_else_saved_since(section, alice, bob):
    base = editing.write(section, body="The disk was full.", by=alice).body
    editing.write(section, body="The big disk was full.", base=base, by=bob)
    saved = editing.write(section, body="The disk was full for an hour.", base=base, by=alice)
    assert saved.body == said(section) == "The big disk was full for an hour."
    assert notes(section) == [(1, None, "drafted"), (2, "alice", ""), (3, "bob", ""), (4, "alice", "merged")]


def test_the_same_words_are_not_saved_twice_and_nobodys_are_replaced(section, alice, bob):
    base = editing.write(section, body="The disk was full.", by=alice).body
    editing.write(section, body="The disk was small.", base=base, by=bob)
    with pytest.raises(Overtaken, match="Bob has changed the same words of “Root cause” meanwhile") as raised:
        editing.write(section, body="The disk was broken.", base=base, by=alice)
    assert (raised.value.section.body, said(section)) == ("The disk was small.", "The disk was small.")
    editing.write(section, body="The disk was broken.", base="The disk was small.", by=alice)
    assert said(section) == "The disk was broken."


def test_saving_what_is_there_already_is_no_revision(section, alice):
    number = editing.write(section, body="One", by=alice).number
    assert editing.write(section, body="One", base="old", by=alice).number == number
    assert editing.write(section, body="One", by=alice).number == number


def test_line_ends_and_what_the_database_refuses_are_made_fit(section, alice):
    assert editing.write(section, body="a\r\nb\rc\x00", base=section.body, by=alice).body == "a\nb\nc\ufffd"
    assert editing.write(section, body="a\r\nb\r\nc\ufffd\r\nd", base="a\r\nb\r\nc\ufffd", by=alice).body.endswith("d")


def test_the_first_edit_moves_the_incident(section, alice, now):
    assert section.postmortem.incident.status == Status.RESOLVED
    editing.write(section, body="x", by=alice, now=LATER)
    postmortem = Postmortem.objects.get()
    assert (postmortem.incident.status, postmortem.started_at, postmortem.owner) == ("postmortem", LATER, alice)


def test_a_text_that_is_too_long_and_a_published_postmortem_are_refused(section, alice):
    with pytest.raises(ValidationError, match="at most 50,000 characters"):
        editing.write(section, body="x" * (BODY_LIMIT + 1), by=alice)
    Postmortem.objects.update(state="published", published_at=LATER)
    for attempt in (
        lambda: editing.write(section, body="x", by=alice),
        lambda: editing.take_back(section, number=1, by=alice),
    ):
        with pytest.raises(NotAllowedNow, match="Take it back to change it"):
            attempt()
    assert notes(section) == [(1, None, "drafted")]


def test_a_section_is_taken_back_to_what_it_said(section, alice, bob):
    drafted = section.body
    editing.write(section, body="One", by=alice)
    editing.take_back(section, number=1, by=bob)
    assert said(section) == drafted
    assert notes(section)[-1] == (3, "bob", "taken back to 1")
    with pytest.raises(Revision.DoesNotExist):
        editing.take_back(section, number=9, by=bob)


def test_autosaves_of_one_person_within_five_minutes_are_one_revision(section, alice, bob):
    def save(seconds, by, body):
        editing.write(section, body=body, base=said(section), by=by, now=LATER + timedelta(seconds=seconds))

    for seconds in range(0, 601, 5):
        save(seconds, alice, f"Text {seconds}")
    rows = section.revisions.order_by("number")
    assert list(rows.values_list("number", "body", "at"))[1:] == [
        (61, "Text 295", LATER), (121, "Text 595", LATER + 5 * MINUTE), (122, "Text 600", LATER + 10 * MINUTE),
    ]  # fmt: skip
    save(601, bob, "Bob's")
    save(602, alice, "Alice's")
    editing.take_back(section, number=61, by=alice, now=LATER + timedelta(seconds=603))
    save(604, alice, "After")
    assert said(section) == "After"
    assert notes(section)[4:] == [
        (123, "bob", ""), (124, "alice", ""), (125, "alice", "taken back to 61"), (126, "alice", ""),
    ]  # fmt: skip


def test_what_two_began_with_may_be_of_a_revision_that_was_replaced(section, alice, bob):
    base = editing.write(section, body="The disk was full.", by=alice, now=LATER).body
    editing.write(section, body="The big disk was full.", base=base, by=alice, now=LATER + MINUTE)
    saved = editing.write(section, body="The disk was full for an hour.", base=base, by=bob, now=LATER + 2 * MINUTE)
    assert saved.body == "The big disk was full for an hour."
    assert notes(section) == [(1, None, "drafted"), (3, "alice", ""), (4, "bob", "merged")]


def test_saves_of_one_person_that_follow_closely_are_shown_as_one(section, alice, bob):
    def save(minute, by, body):
        editing.write(section, body=body, by=by, now=LATER + minute * MINUTE)

    for minute in (0, 5, 10, 16):
        save(minute, alice, f"a{minute}")
    save(17, bob, "b17")
    save(18, alice, "a18")
    editing.take_back(section, number=2, by=alice, now=LATER + 19 * MINUTE)
    save(20, alice, "a20")
    shown = histories.sittings(section.revisions.select_related("by").order_by("-number"))
    assert [(one.number, one.by and one.by.username, one.count, one.before) for one in shown] == [
        (9, "alice", 1, 8),
        (8, "alice", 1, 7),
        (7, "alice", 1, 6),
        (6, "bob", 1, 5),
        (5, "alice", 1, 4),
        (4, "alice", 3, 1),
        (1, None, 1, None),
    ]


def test_what_was_merged_in_is_told_in_the_units_of_a_browser(section, alice, bob):
    base = editing.write(section, body="🔥 fire. And more.", by=alice).body
    editing.write(section, body="🔥 big fire. And more.", base=base, by=bob)
    sent = "🔥 fire. And much more."
    saved = editing.write(section, body=sent, base=base, by=alice)
    typed = {"root_cause": desk.Typed(saved.body, saved.body, sent=sent)}
    place = next(one for one in desk.of(Postmortem.objects.get(), typed).places if one.section == section)
    assert (saved.body, place.changes) == ("🔥 big fire. And much more.", '[[2, 2, " big"]]')


def test_the_desk_counts_what_is_written(alice):
    postmortem = make.postmortem(by=alice)
    shown = desk.of(postmortem)
    assert (shown.written, len(shown.required)) == (2, 7)
    for key in ("summary", "impact"):
        editing.write(postmortem.sections.get(key=key), body="Said.", by=alice)
    shown = desk.of(Postmortem.objects.get())
    assert (shown.written, [place.section.key for place in shown.gaps]) == (
        4,
        ["root_cause", "resolution", "lessons_learned"],
    )


def test_people_of_the_incident_are_whoever_took_part(alice, bob, charlie):
    postmortem = make.postmortem(by=alice)
    postmortem.incident.action_items.create(title="Alarm", owner=bob)
    assert desk.people_of(postmortem.incident) == [alice, bob]
