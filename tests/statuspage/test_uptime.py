"""Uptime: days of every length, overlaps that count once, and the same figures by another way of calculating."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from statuspage import uptime
from statuspage.picture import DAYS, Day
from statuspage.uptime import Fault
from tests.profile import share

MAJOR, PARTIAL, DEGRADED = "major_outage", "partial_outage", "degraded_performance"
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def at(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def history(*faults, works=(), since="2026-01-01", now="2026-11-02 12:00", zone=BERLIN):
    made = [
        Fault(health, report, at(start, zone), at(end, zone) if end else None) for health, report, start, end in faults
    ]
    spans = [(at(start, zone), at(end, zone)) for start, end in works]
    return uptime.history_of(made, spans, since=date.fromisoformat(since), zone=zone, now=at(now, zone))


def day(found, on):
    return next(each for each in found.days if each.on == date.fromisoformat(on))


def test_without_faults_all_of_it_was_up():
    found = history()
    assert (len(found.days), found.days[0].on, found.days[-1].on) == (DAYS, date(2026, 8, 5), date(2026, 11, 2))
    assert found.uptime == 1.0
    assert {each.health for each in found.days} == {"operational"}


def test_a_fault_is_cut_at_midnight_and_the_days_that_clocks_change_have_their_own_length():
    found = history((MAJOR, "a", "2026-10-24 23:00", "2026-10-26 01:00"))
    assert [day(found, on).down_seconds for on in ("2026-10-24", "2026-10-25", "2026-10-26")] == [3600, 25 * 3600, 3600]
    spring = history((MAJOR, "a", "2026-03-28 12:00", "2026-03-30 12:00"), now="2026-04-10 00:00")
    assert day(spring, "2026-03-29").down_seconds == 23 * 3600


def test_several_at_once_count_once_and_the_worst_is_what_the_day_was():
    found = history(
        (PARTIAL, "a", "2026-10-10 10:00", "2026-10-10 12:00"),
        (MAJOR, "b", "2026-10-10 11:00", "2026-10-10 13:00"),
        (DEGRADED, "c", "2026-10-10 09:00", "2026-10-10 14:00"),
    )
    assert day(found, "2026-10-10") == Day(date(2026, 10, 10), MAJOR, 3 * 3600, 2 * 3600, 0, ("a", "b", "c"))
    known = at("2026-11-02 12:00") - at("2026-08-05 00:00")
    assert found.uptime == 1 - 3 * HOUR / known


def test_degraded_is_no_downtime():
    found = history((DEGRADED, "c", "2026-10-10 09:00", "2026-10-10 14:00"))
    assert (day(found, "2026-10-10").health, day(found, "2026-10-10").degraded_seconds) == (DEGRADED, 5 * 3600)
    assert found.uptime == 1.0


def test_announced_maintenance_is_no_downtime():
    found = history(
        (MAJOR, "a", "2026-10-10 10:00", "2026-10-10 12:00"), works=[("2026-10-10 09:00", "2026-10-10 11:00")]
    )
    assert day(found, "2026-10-10") == Day(date(2026, 10, 10), MAJOR, 3600, 0, 7200, ("a",))
    whole = history(
        (MAJOR, "a", "2026-10-10 10:00", "2026-10-10 12:00"), works=[("2026-10-10 09:00", "2026-10-10 12:00")]
    )
    assert (day(whole, "2026-10-10").health, whole.uptime) == ("under_maintenance", 1.0)


def test_nothing_is_known_before_the_first_day_or_after_now():
    found = history((MAJOR, "a", "2026-10-30 00:00", None), since="2026-11-01", now="2026-11-02 12:00")
    assert [(each.is_known, each.health, each.down_seconds) for each in found.days[-4:]] == [
        (False, "operational", 0), (False, "operational", 0), (True, MAJOR, 24 * 3600), (True, MAJOR, 12 * 3600),
    ]  # fmt: skip
    assert found.uptime == 0.0
    assert history(since="2026-11-03").uptime is None


# ---- another way of calculating ----------------------------------------------------------------------------------

ZONES = (
    "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Africa/Cairo", "America/Havana",
    "America/Santiago", "Asia/Kolkata", "America/St_Johns", "UTC",
)  # fmt: skip
QUARTER = timedelta(minutes=15)


def random_history(seed):
    dice = random.Random(seed)
    zone = ZoneInfo(dice.choice(ZONES))
    now = datetime(2026, dice.choice([3, 4, 5, 9, 10, 11, 12]), dice.randint(1, 28), tzinfo=UTC)
    now += timedelta(seconds=dice.randrange(86_400), microseconds=dice.choice([0, 123_456]))

    def span(longest):
        start = now - timedelta(seconds=dice.randrange(100 * 86_400), microseconds=dice.choice([0, 1, 999_999]))
        return start, start + timedelta(seconds=dice.randrange(int(longest.total_seconds())))

    faults = []
    for number in range(dice.randint(0, 25)):
        start, end = span(dice.choice([HOUR, 6 * HOUR, 4 * DAY]))
        is_open = end >= now or dice.random() < 0.05
        faults.append(Fault(dice.choice([MAJOR, PARTIAL, DEGRADED]), f"r{number}", start, None if is_open else end))
    works = [span(10 * HOUR) for _ in range(dice.randint(0, 6))]
    since = now.astimezone(zone).date() - timedelta(days=dice.choice([0, 1, 30, 89, 90, 400]))
    return faults, works, since, zone, now


def by_looking_at_moments(faults, works, since, zone, now):
    """Cut time wherever anything changes; ask of the middle of each piece how the component was then."""
    start = now - 92 * DAY
    quarters = [datetime.fromtimestamp(0, UTC) + QUARTER * ((start - datetime.fromtimestamp(0, UTC)) // QUARTER)]
    while quarters[-1] < now:
        quarters.append(quarters[-1] + QUARTER)
    dates = [moment.astimezone(zone).date() for moment in quarters]
    cuts = {moment for moment, on, before in zip(quarters[1:], dates[1:], dates, strict=False) if on != before}
    cuts |= {start, now} | {moment for span in works for moment in span}
    cuts |= {moment for fault in faults for moment in (fault.start, fault.end or now)}
    edges = sorted(moment for moment in cuts if start <= moment <= now)
    down, degraded, busy, known = (Counter() for _ in range(4))
    health, reports = {}, {}
    for left, right in zip(edges, edges[1:], strict=False):
        middle, long = left + (right - left) / 2, right - left
        on = middle.astimezone(zone).date()
        if on < since:
            continue
        active = [fault for fault in faults if fault.start <= middle < (fault.end or now)]
        reports.setdefault(on, set()).update(fault.report for fault in active)
        known[on] += long // timedelta(microseconds=1)
        kinds = {fault.health for fault in active}
        if any(first <= middle < last for first, last in works):
            kinds, bucket = {"under_maintenance"}, busy
        elif kinds & {MAJOR, PARTIAL}:
            bucket = down
        elif kinds:
            bucket = degraded
        else:
            continue
        bucket[on] += long // timedelta(microseconds=1)
        health.setdefault(on, set()).update(kinds)
    return down, degraded, busy, known, health, reports


def worst(kinds):
    return next((kind for kind in (MAJOR, PARTIAL, DEGRADED, "under_maintenance") if kind in kinds), "operational")


@pytest.mark.parametrize("seed", share(range(1000), one_of=17))
def test_figures_are_those_of_another_way_of_calculating(seed):
    faults, works, since, zone, now = random_history(seed)
    found = uptime.history_of(faults, works, since=since, zone=zone, now=now)
    down, degraded, busy, known, health, reports = by_looking_at_moments(faults, works, since, zone, now)
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=ago) for ago in range(DAYS - 1, -1, -1)]
    assert [each.on for each in found.days] == days
    for each in found.days:
        on = each.on
        assert (each.down_seconds, each.degraded_seconds, each.maintenance_seconds, each.is_known) == (
            down[on] // 10**6, degraded[on] // 10**6, busy[on] // 10**6, on >= since,
        )  # fmt: skip
        assert (each.health, set(each.reports)) == (worst(health.get(on, ())), reports.get(on, set()))
    whole = sum(known[on] for on in days)
    assert found.uptime == 1 - timedelta(microseconds=sum(down[on] for on in days)) / timedelta(microseconds=whole)
