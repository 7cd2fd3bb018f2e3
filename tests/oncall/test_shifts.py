"""Who is on call: examples that people would argue about, and the oracle of bench.rotations on a small count."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import rotations
from oncall.shifts import Calendar, Rota, Rotation, Shift, Turn, Window, gaps, on_call_at, shifts

BERLIN = ZoneInfo("Europe/Berlin")
ALICE, BOB, CARLA = 1, 2, 3
DAILY = Rotation("Primary", BERLIN, "day", 1, time(9), date(2026, 3, 27), (ALICE, BOB, CARLA))
WEEKDAYS = frozenset(range(5))


def utc(day: int, clock: str, *, month: int = 3) -> datetime:
    hour, minute = map(int, clock.split(":"))
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


def turns(*layers, start, end, overrides=()) -> list[tuple[str, str, int | None, str]]:
    found = shifts(Rota(layers, Calendar.of("Override", overrides)), start, end)
    return [(f"{row.start:%d %H:%M}", f"{row.end:%d %H:%M}", row.holder, row.layer) for row in found]


def test_a_day_has_23_hours_where_the_clocks_go_forward():
    assert turns(DAILY, start=utc(27, "8:00"), end=utc(30, "7:00")) == [
        ("27 08:00", "28 08:00", ALICE, "Primary"),
        ("28 08:00", "29 07:00", BOB, "Primary"),
        ("29 07:00", "30 07:00", CARLA, "Primary"),
    ]


def test_a_day_has_25_hours_where_they_go_back():
    autumn = replace(DAILY, starts_on=date(2026, 10, 24))
    start, end = utc(24, "7:00", month=10), utc(26, "8:00", month=10)
    assert turns(autumn, start=start, end=end) == [
        ("24 07:00", "25 08:00", ALICE, "Primary"),
        ("25 08:00", "26 08:00", BOB, "Primary"),
    ]


@pytest.mark.parametrize(
    ("day", "month", "instant"),
    [(29, 3, utc(29, "1:00")), (25, 10, utc(25, "0:30", month=10))],
    ids=["skipped: the first instant after", "twice: the first"],
)
def test_a_handoff_at_half_past_two(day, month, instant):
    layer = replace(DAILY, handoff=time(2, 30), starts_on=date(2026, month, day))
    assert layer.begins_at == instant


def test_a_day_that_a_zone_skips_leaves_its_turn_what_is_left():
    apia = Rotation("x", ZoneInfo("Pacific/Apia"), "day", 1, time(9), date(2011, 12, 28), (ALICE, BOB, CARLA))
    start = datetime(2011, 12, 28, 20, tzinfo=UTC)
    assert turns(apia, start=start, end=start + timedelta(days=3)) == [
        ("28 20:00", "29 19:00", ALICE, "x"),
        ("29 19:00", "30 10:00", BOB, "x"),
        ("30 10:00", "30 19:00", CARLA, "x"),
        ("30 19:00", "31 19:00", ALICE, "x"),
        ("31 19:00", "31 20:00", BOB, "x"),
    ]


def test_hours_are_real_hours():
    half_days = replace(DAILY, unit="hour", length=12, starts_on=date(2026, 3, 28))
    assert turns(half_days, start=utc(28, "8:00"), end=utc(30, "8:00"))[-1] == (
        "29 20:00",
        "30 08:00",
        ALICE,
        "Primary",
    )


def test_weeks_are_handed_over_on_the_weekday_of_the_first():
    weekly = replace(DAILY, unit="week", length=2, people=(ALICE, BOB))
    assert on_call_at(Rota((weekly,)), utc(10, "6:59", month=4))[0].holder == ALICE
    assert on_call_at(Rota((weekly,)), utc(10, "7:00", month=4))[0] == Turn(
        BOB, utc(10, "7:00", month=4), utc(24, "7:00", month=4)
    )


def test_the_higher_layer_holds_within_its_windows_and_the_turn_goes_on_below():
    office = Rotation(
        "Office", BERLIN, "week", 1, time(9), date(2026, 3, 2), (BOB,), windows=(Window(WEEKDAYS, time(9), time(17)),)
    )
    always = replace(DAILY, unit="week", starts_on=date(2026, 3, 2), people=(ALICE,))
    assert turns(always, office, start=utc(6, "7:00"), end=utc(9, "9:00")) == [
        ("06 07:00", "06 08:00", ALICE, "Primary"),
        ("06 08:00", "06 16:00", BOB, "Office"),
        ("06 16:00", "09 08:00", ALICE, "Primary"),
        ("09 08:00", "09 09:00", BOB, "Office"),
    ]


def test_a_night_belongs_to_the_day_on_which_it_begins():
    friday_night = Window(frozenset({4}), time(22), time(6))
    nights = replace(DAILY, people=(ALICE,), starts_on=date(2026, 3, 1), windows=(friday_night,))
    assert [row[:3] for row in turns(nights, start=utc(6, "12:00"), end=utc(8, "0:00"))] == [
        ("06 12:00", "06 21:00", None),
        ("06 21:00", "07 05:00", ALICE),
        ("07 05:00", "08 00:00", None),
    ]


def test_a_window_that_ends_when_it_begins_is_a_whole_day():
    sundays = replace(DAILY, people=(ALICE,), windows=(Window(frozenset({6}), time(0), time(0)),))
    found = [row for row in shifts(Rota((sundays,)), utc(27, "9:00"), utc(31, "9:00")) if row.holder]
    assert found == [
        Shift(utc(28, "23:00"), utc(29, "7:00"), ALICE, "Primary"),
        Shift(utc(29, "7:00"), utc(29, "22:00"), ALICE, "Primary"),
    ]


def test_before_the_first_handoff_and_after_the_last_day_nobody_holds_a_layer():
    short = replace(DAILY, ends_on=date(2026, 3, 28))
    assert turns(short, start=utc(27, "0:00"), end=utc(29, "12:00")) == [
        ("27 00:00", "27 08:00", None, ""),
        ("27 08:00", "28 08:00", ALICE, "Primary"),
        ("28 08:00", "28 23:00", BOB, "Primary"),
        ("28 23:00", "29 12:00", None, ""),
    ]


def test_a_layer_without_people_is_a_gap():
    assert gaps(shifts(Rota((replace(DAILY, people=()),)), utc(28, "0:00"), utc(29, "0:00"))) == [
        Shift(utc(28, "0:00"), utc(29, "0:00"))
    ]


def test_overrides_lie_above_all_layers_and_the_newest_above_the_others():
    older = Turn(CARLA, utc(28, "10:00"), utc(28, "20:00"))
    newer = Turn(ALICE, utc(28, "12:00"), utc(28, "14:00"))
    assert turns(DAILY, start=utc(28, "8:00"), end=utc(29, "7:00"), overrides=[older, newer]) == [
        ("28 08:00", "28 10:00", BOB, "Primary"),
        ("28 10:00", "28 12:00", CARLA, "Override"),
        ("28 12:00", "28 14:00", ALICE, "Override"),
        ("28 14:00", "28 20:00", CARLA, "Override"),
        ("28 20:00", "29 07:00", BOB, "Primary"),
    ]


# ---- properties ----------------------------------------------------------------------------------------------------

ZONES = [ZoneInfo(name) for name in rotations.ZONES]
INSTANTS = st.integers(0, 20 * 366 * 24 * 60).map(lambda minute: utc(1, "0:00") + timedelta(minutes=minute - 8_000_000))


@st.composite
def rotation(draw, windows: bool = True) -> Rotation:
    """Any rotation of a few people."""
    clocks = st.times().map(lambda clock: clock.replace(second=0, microsecond=0))
    days = st.frozensets(st.integers(0, 6), min_size=1)
    return Rotation(
        name=draw(st.sampled_from(["One", "Two"])),
        zone=draw(st.sampled_from(ZONES)),
        unit=draw(st.sampled_from(["hour", "day", "week"])),
        length=draw(st.integers(1, 30)),
        handoff=draw(clocks),
        starts_on=draw(st.dates(date(2009, 1, 1), date(2029, 1, 1))),
        people=tuple(draw(st.lists(st.integers(1, 9), min_size=1, max_size=5))),
        windows=tuple(draw(st.lists(st.builds(Window, days, clocks, clocks), max_size=3))) if windows else (),
    )


@given(rotation(windows=False), INSTANTS)
def test_every_layer_has_exactly_one_holder_from_its_first_handoff(layer, at):
    turn = layer.turn_at(at)
    assert (turn is None) == (at < layer.begins_at)
    if turn:
        assert turn.start <= at < turn.end
        assert {layer.turn_at(turn.start), layer.turn_at(turn.end - timedelta(seconds=1))} == {turn}


@given(st.lists(rotation(), max_size=3), INSTANTS, st.integers(1, 7 * 24 * 60), st.floats(0, 1))
def test_shifts_cover_every_stretch_without_holes_and_say_what_is_said_at_each_instant(layers, start, minutes, part):
    rota, length = Rota(tuple(layers)), timedelta(minutes=minutes)
    found = shifts(rota, start, start + length)
    assert sum((row.end - row.start for row in found), timedelta()) == length
    assert [row.end for row in found[:-1]] == [row.start for row in found[1:]]
    at = min(start + part * length, start + length - timedelta(microseconds=1))
    said = next(row for row in found if row.start <= at < row.end)
    held = on_call_at(rota, at)
    assert (said.holder, said.layer) == ((held[0].holder, held[1].name) if held else (None, ""))


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20), st.integers(1, 3)), max_size=8), st.integers(0, 60))
def test_of_turns_that_overlap_the_last_one_given_holds(given_, minute):
    planned = [
        Turn(holder, utc(1, "0:00") + timedelta(minutes=start), utc(1, "0:00") + timedelta(minutes=start + length))
        for start, length, holder in given_
    ]
    at = utc(1, "0:00") + timedelta(minutes=minute)
    expected = next((turn.holder for turn in reversed(planned) if turn.start <= at < turn.end), None)
    held = Calendar.of("x", planned).turn_at(at)
    assert (held.holder if held else None) == expected


def test_the_oracle_agrees():
    done, _, wrong = rotations.run(6_000)
    assert (done, wrong) == (6_000, [])
