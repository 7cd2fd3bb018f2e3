"""When monthly drills begin, in every time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import time_zones
from notifications import drill_times

ZONES = [time_zones.zone(name) for name in time_zones.names()]
people = st.integers(1, 10**6)
zones = st.sampled_from(ZONES)
instants = st.datetimes(datetime(2024, 1, 1), datetime(2037, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


def in_office_hours(at, zone):
    local = at.astimezone(zone)
    return local.weekday() < 5 and 10 <= local.hour < 16


@given(people, zones, instants)
def test_a_moment_is_a_weekday_between_ten_and_four_where_the_person_is(person, zone, at):
    moment = drill_times.first(person, after=at, zone=zone)
    assert moment > at
    assert in_office_hours(moment, zone)
    assert moment.astimezone(zone).day <= 14
    assert moment == drill_times.first(person, after=at, zone=zone)


@given(people, zones, instants)
def test_there_is_one_a_month_and_never_more_than_44_days_lie_between_two(person, zone, at):
    moments = [drill_times.first(person, after=at, zone=zone)]
    while len(moments) < 6:
        moments.append(drill_times.following(person, after=moments[-1], zone=zone))
        assert moments[-1] == drill_times.first(person, after=moments[-2], zone=zone)
    months = [(local.year, local.month) for local in (moment.astimezone(zone) for moment in moments)]
    assert [(year * 12 + month) - (months[0][0] * 12 + months[0][1]) for year, month in months] == [0, 1, 2, 3, 4, 5]
    gaps = [(later.date() - earlier.date()).days for earlier, later in zip(moments, moments[1:], strict=False)]
    assert max(gaps) <= 45  # of UTC dates, one more than of local ones


@given(zones, instants)
def test_what_is_late_waits_for_office_hours_and_no_longer(zone, at):
    fit = drill_times.next_fit(at, zone)
    assert in_office_hours(fit, zone)
    assert at <= fit <= at + timedelta(days=3)
    assert fit == at or not in_office_hours(at, zone)


def test_people_are_spread_over_the_days_and_hours():
    moments = [drill_times.moment(person, date(2026, 10, 1), ZONES[0]) for person in range(2000)]
    assert {moment.day for moment in moments} == {1, 2, 5, 6, 7, 8, 9, 12, 13, 14}
    assert {moment.hour for moment in moments} == {10, 11, 12, 13, 14, 15}


@pytest.mark.parametrize("name", ["Australia/Lord_Howe", "Africa/Casablanca", "Europe/Dublin", "Pacific/Apia"])
def test_the_change_of_clocks_is_nothing_to_it(name):
    zone = time_zones.zone(name)
    at = datetime(2025, 1, 1, tzinfo=UTC)
    for _ in range(60):
        at = drill_times.following(7, after=at, zone=zone)
        assert in_office_hours(at, zone)
