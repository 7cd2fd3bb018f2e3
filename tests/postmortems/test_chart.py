"""The drawing of how an incident went: what it was when, its turning points, and where they stand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.models import Incident, TimelineEntry
from postmortems import chart
from postmortems.models import KeyEvent
from tests import make

MINUTE = timedelta(minutes=1)
BERLIN = ZoneInfo("Europe/Berlin")


def at(minutes):
    return make.NOW + minutes * MINUTE


def incident(*, started=0, acknowledged=None, resolved=None):
    return Incident(
        pk=42,
        created_at=make.NOW,
        started_at=at(started),
        acknowledged_at=None if acknowledged is None else at(acknowledged),
        resolved_at=None if resolved is None else at(resolved),
    )


def moves(*told):
    """Entries from (minutes, kind) or (minutes, kind, to)."""
    return [TimelineEntry(kind=kind, at=at(minutes), data={"to": to[0]} if to else {}) for minutes, kind, *to in told]


def drawn(of, *told, events=(), zone=UTC, now=None):
    return chart.draw(of, moves(*told), list(events), zone=zone, now=now or at(600))


def stretches(of):
    return [(one.kind, one.words.rpartition(", ")[2]) for one in of.stretches]


def turns(of):
    return [(turn.number, turn.name, turn.after) for turn in of.turns]


STRAIGHT = [(2, "acknowledged"), (5, "moved", "investigating"), (30, "moved", "mitigating"), (48, "resolved")]


def test_an_incident_that_went_straight():
    found = drawn(incident(started=-2, acknowledged=2, resolved=48), *STRAIGHT)
    assert [(one.kind, one.x, one.width) for one in found.stretches] == [
        ("unnoticed", "3.50%", "3.72%"),
        ("unanswered", "7.22%", "3.72%"),
        ("working", "10.94%", "52.08%"),
        ("mitigating", "63.02%", "33.48%"),
    ]
    assert turns(found) == [
        (1, "Impact began", ""),
        (2, "Detected", "2 min"),
        (3, "Acknowledged", "2 min"),
        (4, "Mitigating", "28 min"),
        (5, "Resolved", "18 min"),
    ]
    assert [(total.name, total.length) for total in found.totals] == [
        ("Not noticed", "2 min"),
        ("Not answered", "2 min"),
        ("Investigating", "28 min"),
        ("Mitigating", "18 min"),
    ]


def test_reopened_stretches_are_a_gap_and_then_work():
    found = drawn(
        incident(acknowledged=1, resolved=90), (1, "acknowledged"), (40, "resolved"), (60, "reopened"), (90, "resolved")
    )
    assert stretches(found) == [
        ("unanswered", "1 min"),
        ("working", "39 min"),
        ("ended", "20 min"),
        ("working", "30 min"),
    ]
    assert [turn.name for turn in found.turns] == [
        "Impact began, detected",
        "Acknowledged",
        "Resolved",
        "Reopened",
        "Resolved",
    ]


def test_given_back_it_is_unanswered_again():
    told = [(1, "acknowledged"), (10, "unacknowledged"), (14, "acknowledged"), (20, "woken", "triggered")]
    found = drawn(incident(resolved=30), *told, (30, "resolved"))
    assert [kind for kind, _ in stretches(found)] == ["unanswered", "working", "unanswered", "working", "unanswered"]


def test_without_a_timeline_the_incident_itself_says_enough():
    found = drawn(incident(acknowledged=3, resolved=13))
    assert stretches(found) == [("unanswered", "3 min"), ("working", "10 min")]
    assert [turn.name for turn in found.turns] == ["Impact began, detected", "Acknowledged", "Resolved"]


def test_one_that_is_open_again_is_drawn_until_now():
    found = drawn(incident(acknowledged=1), (1, "acknowledged"), (20, "resolved"), (30, "reopened"), now=at(50))
    assert stretches(found)[-1] == ("working", "20 min")


def test_marks_that_would_touch_stand_one_above_the_other():
    found = drawn(incident(started=-1, acknowledged=1, resolved=300), (1, "acknowledged"), (300, "resolved"))
    assert [turn.y for turn in found.turns] == [55, 33, 11, 55]
    assert (found.bar_y, found.ticks_y, found.axis_y, found.height) == (71, 101, 117, 137)


def test_events_stand_at_their_time_and_outside_at_the_edge():
    events = [KeyEvent(at=at(minutes), text="Looked") for minutes in (24, -60, 900)]
    found = drawn(incident(acknowledged=2, resolved=48), *STRAIGHT, events=events, zone=BERLIN)
    assert [(mark.x, mark.text) for mark in found.events] == [
        ("50.00%", "04:11 Looked"),
        ("3.50%", "02:47 Looked"),
        ("96.50%", "18:47 Looked"),
    ]


@pytest.mark.parametrize(
    ("minutes", "labels"),
    [
        (4, ["01:48", "01:49", "01:50", "01:51"]),
        (48, ["01:50", "02:00", "02:10", "02:20", "02:30"]),
        (24 * 60, ["06:00", "12:00", "18:00", "15 Oct"]),
        (6 * 24 * 60, ["16 Oct", "18 Oct", "20 Oct"]),
    ],
)
def test_the_axis_has_a_few_round_times(minutes, labels):
    assert [mark.text for mark in drawn(incident(resolved=minutes)).axis] == labels


def test_the_axis_has_the_readers_times_also_when_clocks_change():
    night = Incident(pk=1, created_at=datetime(2026, 10, 25, 0, 10, tzinfo=UTC))
    night.started_at, night.resolved_at = night.created_at, night.created_at + timedelta(hours=3)
    found = chart.draw(night, [], [], zone=BERLIN, now=night.resolved_at)
    assert [mark.text for mark in found.axis] == ["02:00", "03:00", "04:00"]
    assert found.zone == "CEST"


def test_it_says_in_words_what_it_shows():
    found = drawn(incident(started=-2, acknowledged=2, resolved=48), *STRAIGHT, events=[KeyEvent(at=at(3), text="x")])
    assert found.title == "How INC-42 went"
    assert found.description == (
        "Impact began 14 Oct 2026, 01:45; Detected 14 Oct 2026, 01:47; Acknowledged 14 Oct 2026, 01:49; "
        "Mitigating 14 Oct 2026, 02:17; Resolved 14 Oct 2026, 02:35. "
        "Not noticed, 2 min; Not answered, 2 min; Investigating, 28 min; Mitigating, 18 min. 1 key event."
    )


def test_of_many_turning_points_the_first_and_the_last_are_numbered():
    told = [(1, "acknowledged")]
    for number in range(20):
        told += [(10 + 4 * number, "resolved"), (12 + 4 * number, "reopened")]
    found = drawn(incident(acknowledged=1, resolved=95), *told, (95, "resolved"))
    assert [turn.number for turn in found.turns] == list(range(1, 13))
    assert found.turns[-1].at == at(95)


KINDS = ["acknowledged", "resolved", "reopened", "unacknowledged", "moved", "woken", "snoozed"]
TOLD = st.lists(
    st.tuples(
        st.integers(-30, 500), st.sampled_from(KINDS), st.sampled_from(["triggered", "mitigating", "", "nonsense"])
    ),
    max_size=15,
)


@settings(max_examples=40, derandomize=True, database=None, deadline=None)
@given(TOLD, st.integers(-100, 100), st.none() | st.integers(0, 500))
def test_whatever_the_timeline_says_the_stretches_follow_each_other_inside_the_drawing(told, started, resolved):
    found = drawn(incident(started=started, resolved=resolved), *sorted(told))
    assert all(one.start < one.end for one in found.stretches)
    assert all(before.end <= after.start for before, after in pairwise(found.stretches))
    for one in [*found.stretches, *found.turns, *found.axis]:
        assert 3.5 <= float(one.x.rstrip("%")) <= 96.5
