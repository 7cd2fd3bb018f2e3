"""Events of calendar feeds that others wrote, honest and hostile."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from oncall.ical_events import Happening, Unreadable, read

BERLIN = ZoneInfo("Europe/Berlin")
START, END = datetime(2026, 10, 19, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC)


def feed(*events: str) -> bytes:
    inner = "".join(f"BEGIN:VEVENT\nUID:{n}\n{event}\nEND:VEVENT\n" for n, event in enumerate(events))
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{inner}END:VCALENDAR\n".replace("\n", "\r\n").encode()


def found(*events: str) -> list[Happening]:
    return read(feed(*events), start=START, end=END, zone=BERLIN)


def test_an_event_says_when_and_whose():
    assert found(
        "DTSTART:20261020T070000Z\nDTEND:20261020T150000Z\nSUMMARY:On call: alice\n"
        "ATTENDEE;CN=Bob:mailto:bob@example.com"
    ) == [
        Happening(
            datetime(2026, 10, 20, 7, tzinfo=UTC),
            datetime(2026, 10, 20, 15, tzinfo=UTC),
            ("bob@example.com", "Bob", "On call: alice"),
        )
    ]


def test_days_and_floating_times_are_those_of_the_schedule_and_turns_recur_in_their_zone():
    day, *weeks = found(
        "DTSTART;VALUE=DATE:20261025\nDTEND;VALUE=DATE:20261026\nSUMMARY:a",
        "DTSTART:20261012T090000\nDTEND:20261012T170000\nRRULE:FREQ=WEEKLY;BYDAY=MO,FR\n"
        "EXDATE:20261030T090000\nSUMMARY:b",
    )[2:3] + found(
        "DTSTART:20261012T090000\nDTEND:20261012T170000\nRRULE:FREQ=WEEKLY\nEXDATE:20261102T090000\nSUMMARY:b"
    )
    assert (day.start, day.end) == (
        datetime(2026, 10, 24, 22, tzinfo=UTC),
        datetime(2026, 10, 25, 23, tzinfo=UTC),
    )
    assert [row.start for row in weeks] == [
        datetime(2026, 10, 19, 7, tzinfo=UTC),
        datetime(2026, 10, 26, 8, tzinfo=UTC),
    ]


def test_what_is_called_off_is_left_out():
    assert found("DTSTART:20261020T070000Z\nDTEND:20261020T150000Z\nSTATUS:CANCELLED\nSUMMARY:a") == []


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=SECONDLY;INTERVAL=7;BYSECOND=3",
        "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=DAILY;BYHOUR=0,1,2,3,4,5;BYMINUTE=0,1,2,3,4,5,6;BYSECOND=0,1,2,3,4,5,6,7,8,9",
    ],
)
def test_a_hostile_rule_costs_a_second(rule):
    began = time.process_time(), time.perf_counter()
    with pytest.raises(Unreadable):
        found(f"DTSTART:19700101T000000Z\nDTEND:19700101T000001Z\nRRULE:{rule}\nSUMMARY:a")
    assert time.process_time() - began[0] < 0.2
    assert time.perf_counter() - began[1] < 10


@pytest.mark.parametrize("text", [b"", b"<html>", b"\xff\xfe", b"BEGIN:VCALENDAR\r\n", b"x" * 2_000_000])
def test_what_is_no_calendar_is_said_to_be_none(text):
    with pytest.raises(Unreadable):
        read(text, start=START, end=END, zone=BERLIN)
