"""The events that a postmortem tells: kept, left out, corrected, added, taken in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from incidents import lifecycle, timeline
from incidents.models import TimelineEntry
from incidents.models.incident import NotAllowedNow
from postmortems import drafting, events
from postmortems.models import EVENT_LIMIT, Postmortem
from tests import make

MINUTE = timedelta(minutes=1)
LATER = make.NOW + 60 * MINUTE
pytestmark = pytest.mark.django_db


@pytest.fixture
def postmortem(alice):
    incident = make.incident(steps=[alice], title="Checkout fails")
    lifecycle.acknowledge(incident, by=alice, now=make.NOW + MINUTE)
    timeline.add_note(incident, text="The disk is full", by=alice, now=make.NOW + 2 * MINUTE)
    timeline.link_evidence(
        incident, url="https://graphs.example.com/1", caption="Free space", by=alice, now=make.NOW + 3 * MINUTE
    )
    return make.postmortem(lifecycle.resolve(incident, by=alice, now=make.NOW + 30 * MINUTE))


def note_of(postmortem):
    return postmortem.events.get(entry__kind="noted")


def told(postmortem):
    return list(postmortem.events.filter(is_kept=True).values_list("text", flat=True))


def status_of(postmortem):
    return Postmortem.objects.get(pk=postmortem.pk).incident.status


def test_one_is_left_out_and_kept_again(postmortem, alice, bob):
    before = told(postmortem)
    events.leave_out(note_of(postmortem), by=alice, now=LATER)
    assert told(postmortem) == [text for text in before if text != "Alice: The disk is full"]
    event = note_of(postmortem)
    assert (event.is_kept, event.is_generated, event.changed_by, event.changed_at) == (False, False, alice, LATER)
    events.keep(event, by=bob, now=LATER + MINUTE)
    assert told(postmortem) == before


def test_many_at_once_and_only_those_of_the_same_postmortem(postmortem, alice):
    other = make.postmortem(by=alice)
    mine = [event.pk for event in postmortem.events.all()]
    theirs = [event.pk for event in other.events.all()]
    assert events.decide(postmortem, [*mine, *theirs], is_kept=False, by=alice, now=LATER) == len(mine)
    assert (told(postmortem), len(told(other))) == ([], len(theirs))
    assert events.decide(postmortem, mine[:2], is_kept=True, by=alice, now=LATER) == 2


def test_a_decision_for_what_the_rule_chose_is_a_decision_too(postmortem, alice):
    events.keep(note_of(postmortem), by=alice, now=LATER)
    assert not note_of(postmortem).is_generated


def test_the_first_decision_moves_the_incident_and_makes_an_owner(postmortem, bob):
    assert (status_of(postmortem), postmortem.started_at) == ("resolved", None)
    events.leave_out(note_of(postmortem), by=bob, now=LATER)
    postmortem.refresh_from_db()
    assert (status_of(postmortem), postmortem.started_at) == ("postmortem", LATER)


def test_a_correction_keeps_what_the_timeline_says(postmortem, alice):
    event, entry = note_of(postmortem), note_of(postmortem).entry
    events.correct(event, text="The disk of\nnode 3 was full", at=make.NOW, by=alice, now=LATER)
    event = note_of(postmortem)
    assert (event.text, event.at) == ("The disk of node 3 was full", make.NOW)
    assert (event.source_text, event.source_at) == ("Alice: The disk is full", make.NOW + 2 * MINUTE)
    assert (event.is_corrected, event.changed_by, event.is_generated) == (True, alice, False)
    entry.refresh_from_db()
    assert (entry.text, entry.at) == ("The disk is full", make.NOW + 2 * MINUTE)
    event = events.correct(event, text=event.source_text, at=event.source_at, by=alice, now=LATER)
    assert not event.is_corrected


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"text": " \n "}, "text"),
        ({"text": "x" * (EVENT_LIMIT + 1)}, "text"),
        ({"at": LATER + timedelta(seconds=1)}, "at"),
        ({"at": make.NOW.replace(year=1969)}, "at"),
    ],
)
def test_what_cannot_be_is_refused(postmortem, alice, change, field):
    said = {"text": "x", "at": make.NOW, "by": alice, "now": LATER} | change
    for attempt in (lambda: events.correct(note_of(postmortem), **said), lambda: events.add(postmortem, **said)):
        with pytest.raises(ValidationError) as raised:
            attempt()
        assert list(raised.value.message_dict) == [field]
    assert status_of(postmortem) == "resolved", "nothing has happened"


def test_an_event_is_added_by_hand_in_its_place(postmortem, alice):
    event = events.add(postmortem, text="A customer called", at=make.NOW + timedelta(seconds=90), by=alice, now=LATER)
    assert (event.entry, event.is_corrected, event.changed_by) == (None, False, alice)
    texts = told(postmortem)
    assert texts.index("A customer called") == texts.index("Alice acknowledged it") + 1


def test_a_second_press_of_the_button_adds_nothing(postmortem, alice, bob):
    said = {"text": "A customer called", "at": make.NOW}
    event = events.add(postmortem, **said, by=alice, now=LATER)
    assert events.add(postmortem, **said, by=alice, now=LATER + timedelta(seconds=5)) == event
    assert events.add(postmortem, **said, by=bob, now=LATER) != event, "somebody else may have been called too"
    assert events.add(postmortem, **said, by=alice, now=LATER + 2 * MINUTE) != event
    events.leave_out(event, by=alice, now=LATER)
    assert events.add(postmortem, **said, by=alice, now=LATER) != event, "what was left out is not there"


def test_whatever_else_the_timeline_has_is_taken_in(postmortem, alice):
    entry = postmortem.incident.timeline.get(kind="evidence_linked")
    assert entry in events.not_told(postmortem)
    (event,) = events.take_in(postmortem, [entry.pk], by=alice, now=LATER)
    assert (event.text, event.at, event.is_generated) == ("Alice linked evidence: Free space", entry.at, False)
    assert (event.source_text, event.is_corrected) == (event.text, False)
    assert entry not in events.not_told(postmortem)


def test_what_is_an_event_already_is_kept_and_what_is_of_another_incident_is_not_taken(postmortem, alice):
    event = note_of(postmortem)
    events.leave_out(event, by=alice, now=LATER)
    stranger = make.incident().timeline.first()
    taken = events.take_in(postmortem, [event.entry_id, stranger.pk], by=alice, now=LATER)
    assert taken == [event]
    assert note_of(postmortem).is_kept
    assert not postmortem.events.filter(entry=stranger).exists()


@pytest.mark.parametrize(
    ("chosen", "kinds"),
    [
        ({"q": "free SPACE"}, ["evidence_linked"]),
        ({"q": "evidence"}, ["evidence_linked"]),
        ({"q": "nothing of it"}, []),
        ({"kind": "evidence_linked"}, ["evidence_linked"]),
        ({"kind": "reminded"}, []),
        ({"q": "graphs.example.com alice"}, ["evidence_linked"]),
        ({"q": "100%_\\"}, []),
    ],
)
def test_the_rest_of_the_timeline_is_narrowed_by_words_and_kind(postmortem, chosen, kinds):
    assert [entry.kind for entry in events.not_told(postmortem, **chosen)] == kinds


def test_a_postmortem_does_not_tell_without_end(postmortem, alice, monkeypatch):
    monkeypatch.setattr(events, "MOST_KEPT", len(told(postmortem)))
    entry = postmortem.incident.timeline.get(kind="evidence_linked")
    for attempt in (
        lambda: events.add(postmortem, text="x", at=make.NOW, by=alice, now=LATER),
        lambda: events.take_in(postmortem, [entry.pk], by=alice, now=LATER),
    ):
        with pytest.raises(ValidationError, match="at most"):
            attempt()
    events.leave_out(note_of(postmortem), by=alice, now=LATER)
    assert events.take_in(postmortem, [entry.pk], by=alice, now=LATER)


def test_a_published_postmortem_stands_as_it_is(postmortem, alice):
    event = note_of(postmortem)
    Postmortem.objects.filter(pk=postmortem.pk).update(state="published", published_at=LATER)
    for attempt in (
        lambda: events.leave_out(event, by=alice, now=LATER),
        lambda: events.correct(event, text="x", at=make.NOW, by=alice, now=LATER),
        lambda: events.add(postmortem, text="x", at=make.NOW, by=alice, now=LATER),
        lambda: events.take_in(postmortem, [event.entry_id], by=alice, now=LATER),
    ):
        with pytest.raises(NotAllowedNow, match="Take it back"):
            attempt()


def test_a_draft_that_is_written_anew_leaves_decisions_alone(postmortem, alice):
    events.leave_out(note_of(postmortem), by=None, now=LATER)
    lifecycle.reopen(postmortem.incident, reason="Again", by=alice, now=LATER)
    lifecycle.resolve(postmortem.incident, by=alice, now=LATER + MINUTE)
    drafting.draft_missing(now=LATER + MINUTE)
    assert not note_of(postmortem).is_kept
    assert TimelineEntry.objects.filter(incident=postmortem.incident, kind="reopened").exists()
