"""The end of the next business day: weekends, holidays, zones, and the two Sundays that have 23 and 25 hours."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incidents.business_time import BusinessCalendar, next_business_day_end

EVERY_DAY = frozenset(range(7))
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Africa/Casablanca",
)


def office(
    zone: str = "Europe/Berlin", closes: str = "17:00", opens: str = "00:00", **changes: Any
) -> BusinessCalendar:
    return BusinessCalendar(zone=zone, opens=time.fromisoformat(opens), closes=time.fromisoformat(closes), **changes)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "end"),
    [
        ("2026-10-14T10:00", "2026-10-15T15:00"),  # Wednesday
        ("2026-10-16T10:00", "2026-10-19T15:00"),  # Friday
        ("2026-10-17T10:00", "2026-10-19T15:00"),  # Saturday
        ("2026-10-18T21:59", "2026-10-19T15:00"),  # Sunday, 23:59 in Berlin
        ("2026-10-18T22:00", "2026-10-20T15:00"),  # Monday, 00:00 in Berlin
        ("2026-10-23T10:00", "2026-10-26T16:00"),  # summer time ends in between
    ],
)
def test_next_business_day_is_counted_in_local_dates(at: str, end: str) -> None:
    assert next_business_day_end(office(), utc(at)) == utc(end)


def test_holidays_are_no_business_days() -> None:
    christmas = office(holidays=frozenset({date(2026, 12, 25), date(2026, 12, 28)}))
    assert next_business_day_end(christmas, utc("2026-12-24T10:00")) == utc("2026-12-29T16:00")


def test_every_zone_of_the_instant_gives_the_same_end() -> None:
    at = datetime(2026, 10, 14, 22, 30, tzinfo=UTC)
    ends = {next_business_day_end(office(), at.astimezone(ZoneInfo(zone))) for zone in ZONES}
    assert ends == {utc("2026-10-16T15:00")}
    assert next(iter(ends)).tzinfo is UTC


@pytest.mark.parametrize(
    ("zone", "closes", "at", "end"),
    [
        ("Europe/Berlin", "02:30", "2026-03-28T12:00", "2026-03-29T01:00"),  # 02:00 becomes 03:00
        ("Europe/Berlin", "02:30", "2026-10-24T12:00", "2026-10-25T00:30"),  # 02:30 CEST comes first
        ("Australia/Lord_Howe", "02:15", "2026-10-03T00:00", "2026-10-03T15:30"),  # half an hour is skipped
        ("America/Sao_Paulo", "00:30", "2018-11-03T12:00", "2018-11-04T03:00"),  # midnight is skipped
        ("Pacific/Apia", "17:00", "2011-12-29T12:00", "2011-12-30T10:00"),  # the whole 30th is skipped
    ],
)
def test_closing_time_in_a_gap_or_a_fold(zone: str, closes: str, at: str, end: str) -> None:
    assert next_business_day_end(office(zone, closes, weekdays=EVERY_DAY), utc(at)) == utc(end)


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Mars/Olympus"},
        {"zone": "../etc/passwd"},
        {"zone": ""},
        {"weekdays": frozenset()},
        {"weekdays": frozenset({7})},
        {"opens": "17:00"},
    ],
)
def test_impossible_calendar_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"time zone|weekdays|closes"):
        office(**wrong)


def test_the_last_year_has_no_next_business_day() -> None:
    with pytest.raises(ValueError, match="no business day"):
        next_business_day_end(office("UTC"), datetime(9999, 12, 31, tzinfo=UTC))


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    at=st.integers(0, 21 * 365 * 86_400).map(
        lambda seconds: datetime(2011, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    ),
    closes=st.times(min_value=time(0, 1)).map(lambda value: value.replace(microsecond=0)),
    weekdays=st.sets(st.integers(0, 6), min_size=1).map(frozenset),
    holiday_offsets=st.sets(st.integers(-2, 20), max_size=8),
)
def test_end_is_the_closing_time_of_the_first_business_day_after(
    zone: str, at: datetime, closes: time, weekdays: frozenset[int], holiday_offsets: set[int]
) -> None:
    here = ZoneInfo(zone)
    today = at.astimezone(here).date()
    holidays = frozenset(today + timedelta(days=offset) for offset in holiday_offsets)
    calendar = office(zone, closes.isoformat(), weekdays=weekdays, holidays=holidays)
    end = next_business_day_end(calendar, at)
    local = end.astimezone(here)
    candidates = (today + timedelta(days=offset) for offset in range(1, 200))
    day = next(each for each in candidates if each.weekday() in weekdays and each not in holidays)
    assert end > at
    if (local.date(), local.time()) == (day, closes):
        assert local.fold == 0
    else:  # the wall time does not exist: one second earlier the clocks showed a time before it
        earlier = (end - timedelta(seconds=1)).astimezone(here)
        assert earlier.replace(tzinfo=None) < datetime.combine(day, closes) < local.replace(tzinfo=None)
        assert earlier.utcoffset() != local.utcoffset()
