"""A period is its whole weeks and what is beside them, in every zone: nothing twice, nothing left out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core import time_zones
from metrics import periods
from metrics.periods import DAY, Period

# Half-hour steps, a clock that goes back over midnight, days that never were, and midnights that do not exist.
ODD = (
    "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham", "America/Havana",
    "America/Sao_Paulo", "Asia/Beirut", "Pacific/Apia", "Africa/Cairo", "Atlantic/Azores", "America/Scoresbysund",
)  # fmt: skip
ZONES = st.one_of(st.sampled_from(ODD), st.sampled_from(time_zones.names()))
DAYS = st.dates(date(2000, 1, 1), date(2037, 1, 1))
LENGTHS = st.one_of(st.integers(0, 20), st.integers(0, 800))
MICROSECOND = timedelta(microseconds=1)


def monday_of(at, zone):
    """The Monday of an instant's week on the clocks of a zone, as PostgreSQL's date_trunc has it."""
    local = at.astimezone(ZoneInfo(zone)).date()
    return local - DAY * local.weekday()


def midnight(day, zone):
    return time_zones.instant(day, time.min, ZoneInfo(zone))


@given(DAYS, LENGTHS, ZONES, ZONES)
@example(date(2011, 12, 26), 14, "Pacific/Apia", "Pacific/Apia")
def test_days_and_the_weeks_of_any_zone(first, length, zone, other):
    check(Period.of_days(first, first + DAY * length, zone), other)


@given(st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)), st.timedeltas(timedelta(0), 60 * DAY), ZONES, ZONES)  # noqa: DTZ001
def test_instants_and_the_weeks_of_any_zone(start, length, zone, other):
    start = start.replace(tzinfo=UTC)
    check(Period(start, start + length, zone), other)


def check(period, zone):
    """Weeks and edges follow one another from the beginning to the end, and what is at either side of a seam is said to
    be of the week that it is of."""
    monday, end = period.weeks(zone)
    assert (monday.weekday(), end.weekday()) == (0, 0) or monday == end
    edges = period.edges(zone)
    weeks = [(midnight(monday, zone), midnight(end, zone))] if monday < end else []
    tiles = sorted(tile for tile in (*edges, *weeks) if tile[0] < tile[1])
    if period.start == period.end:
        assert tiles == []
        return
    assert (tiles[0][0], tiles[-1][1]) == (period.start, period.end)
    assert all(before[1] == after[0] for before, after in zip(tiles, tiles[1:], strict=False))
    for start, until in weeks:
        assert [monday_of(start, zone), monday_of(until - MICROSECOND, zone)] == [monday, end - 7 * DAY]
        assert monday_of(start - MICROSECOND, zone) < monday
        assert monday_of(until, zone) >= end
    assert all(until - start < 8 * DAY + timedelta(hours=2) for start, until in edges) or not weeks


@given(DAYS, LENGTHS, ZONES)
def test_days_are_what_they_were_made_of(first, length, zone):
    last = first + DAY * length
    period = Period.of_days(first, last, zone)
    if {first, last} & missing_days(zone, first, last):
        return  # a day that never was, at the date line
    assert period.days == (first, last)
    assert period.earlier(7 * DAY).first == first - 7 * DAY
    assert periods.length(period) == DAY * (length + 1)
    mondays = period.mondays()
    assert mondays[0] <= first < mondays[0] + 7 * DAY
    assert mondays[-1] <= last < mondays[-1] + 7 * DAY


def missing_days(zone, *days):
    return {day for day in days if midnight(day, zone).astimezone(ZoneInfo(zone)).date() != day}


@pytest.mark.parametrize("zone", ODD)
@given(st.datetimes(datetime(2000, 1, 1), datetime(2037, 1, 1)))  # noqa: DTZ001
def test_what_is_offered_ends_with_today(zone, now):
    now = now.replace(tzinfo=UTC)
    today = now.astimezone(ZoneInfo(zone)).date()
    for name, days in (("30d", 30), ("13w", None), ("1y", None)):
        period = periods.chosen(name, now=now, zone_name=zone)
        assert period.start <= now < period.end
        assert period.last == today
        if days:
            assert (period.last - period.first).days == days - 1
        else:
            assert period.first.weekday() == 0


MONDAYS = st.integers(1, 530).map(lambda count: [date(2020, 1, 6) + periods.WEEK * n for n in range(count)])


@given(MONDAYS)
def test_steps_are_all_weeks_in_their_order_and_the_last_is_whole(mondays):
    steps = periods.steps(mondays)
    assert [monday for step in steps for monday in step.mondays] == mondays
    assert len(steps) <= 55
    sizes = [len(step.mondays) for step in steps]
    assert sizes[0] <= sizes[-1]
    assert set(sizes[1:]) <= {sizes[-1]}
    assert sizes[-1] == (1 if len(mondays) <= 54 else 4 if len(mondays) <= 216 else 13)
    assert all(step.last - step.first == periods.WEEK * len(step.mondays) - DAY for step in steps)
