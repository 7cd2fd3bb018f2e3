"""Numbers of pages equal a plain count over the pages themselves, whoever reads them and however they are narrowed."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.models import User
from incidents.models import Incident
from metrics import catching_up
from metrics.figures import Narrowing
from metrics.loads import Burden, Loads, fairness, gini, members_by_team, working_hours
from metrics.models import Fact, Interruption
from metrics.periods import Period
from tests import make

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 10, 14, 12, tzinfo=UTC)
ZONES = ("UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata")
OFF = [hour for hour in range(168) if hour >= 120 or not 9 <= hour % 24 < 17]


def caught_up():
    while catching_up.catch_up(now=NOW):
        pass


def plain(pages, first, last, off=OFF):
    """By person: (pages, night, off, hours, nights) of pages given as (person, their time zone, moment)."""
    found = {}
    walls = [(user, at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for user, zone, at in pages]
    for user in {user for user, wall in walls if first <= wall.date() <= last}:
        mine = [wall for who, wall in walls if who == user and first <= wall.date() <= last]
        night = [wall for wall in mine if wall.hour >= 22 or wall.hour < 7]
        outside = [wall for wall in mine if wall.weekday() * 24 + wall.hour in off]
        hours = {(wall.date(), wall.hour) for wall in mine}
        nights = {(wall + timedelta(hours=2)).date() for wall in night}
        found[user] = Burden(len(mine), len(night), len(outside), len(hours), len(nights))
    return found


@pytest.fixture
def history(alice, bob, charlie):
    """Two hundred pages of five weeks, some private, some not counted, in four zones; the sums know them."""
    make.policy.ensure_defaults()
    caught_up()
    rng = random.Random(7)
    people = [alice, bob, charlie, make.user("dora")]
    for person, zone in zip(people, ZONES, strict=True):
        User.objects.filter(pk=person.pk).update(time_zone=zone)
        person.time_zone = zone
    service = make.service("one")
    incidents = [
        make.incident(severity=rng.choice(("high", "low")), at=NOW, services=[service] if n % 3 == 0 else [])
        for n in range(40)
    ]
    for incident in incidents[:10]:
        Incident.objects.filter(pk=incident.pk).update(is_private=True)
    for incident in incidents[10:14]:
        Incident.objects.filter(pk=incident.pk).update(excluded_from_metrics=True)
    for incident in incidents[:4]:
        Incident.objects.filter(pk=incident.pk).update(assignee=alice)
    rows = []
    for n in range(220):
        person, incident = rng.choice(people), rng.choice(incidents)
        # Hours repeat, so that public and private pages meet in them.
        at = NOW - timedelta(hours=rng.choice((rng.randrange(35 * 24), rng.randrange(40))), minutes=n % 60)
        row = {"topic": incident.topic, "key": f"k{n}", "purpose": "page", "user": person, "recipient": "x"}
        rows.append(make.Notification(**row, channel="email", state="sent", created_at=at, due_at=at, finished_at=at))
    make.Notification.objects.bulk_create(rows)
    caught_up()
    return rows, service


def seen(user, rows, keep=lambda _incident: True):
    """Pages of what counts and the person may see."""
    visible = {
        incident.topic: incident
        for incident in Incident.objects.visible_to(user).filter(excluded_from_metrics=False)
        if keep(incident)
    }
    return [(row.user_id, row.user.time_zone, row.created_at) for row in rows if row.topic in visible]


PERIODS = [
    (date(2026, 9, 1), date(2026, 10, 31)),
    (date(2026, 9, 21), date(2026, 10, 11)),
    (date(2026, 9, 23), date(2026, 10, 13)),
    (date(2026, 10, 13), date(2026, 10, 13)),
    (date(2026, 10, 5), date(2026, 10, 14)),
]


def test_numbers_equal_a_plain_count(history, alice, charlie, admin):
    rows, service = history
    about = set(Fact.objects.filter(service_ids__contains=[service.pk]).values_list("pk", flat=True))
    for user, (first, last) in itertools.product((alice, charlie, admin), PERIODS):
        period = Period.of_days(first, last, "UTC")
        loads = Loads(user, period, Narrowing(), off=OFF)
        expected = plain(seen(user, rows), first, last)
        assert loads.by_person == expected
        assert loads.pages_by_person == {who: burden.pages for who, burden in expected.items()}
        assert sum(week.pages for week in loads.by_week.values()) == loads.total.pages == sum(loads.by_hour)
        assert sum(week.hours for week in loads.by_week.values()) == loads.total.hours
        assert Counter(loads.behind().values_list("user_id", flat=True)) == loads.pages_by_person

        low = Loads(user, period, Narrowing(severity="low"), off=OFF)
        assert low.by_person == plain(seen(user, rows, lambda one: one.severity == "low"), first, last)
        of_service = Loads(user, period, Narrowing(service=service), off=OFF)
        assert of_service.by_person == plain(seen(user, rows, lambda one: one.pk in about), first, last)


def test_hours_of_the_week_and_weeks_are_the_persons_own(history, alice):
    rows, _ = history
    first, last = PERIODS[0]
    loads = Loads(alice, Period.of_days(first, last, "UTC"), Narrowing(), off=OFF)
    walls = [at.astimezone(ZoneInfo(zone)) for _, zone, at in seen(alice, rows)]
    assert {hour: n for hour, n in enumerate(loads.by_hour) if n} == Counter(
        wall.weekday() * 24 + wall.hour for wall in walls
    )
    weeks = Counter((wall - timedelta(days=wall.weekday())).date() for wall in walls)
    assert {week: found.pages for week, found in loads.by_week.items() if found.pages} == weeks
    assert list(loads.by_week) == [date(2026, 8, 31) + timedelta(days=7 * n) for n in range(9)]


def test_a_team_is_its_present_members(history, alice, bob, charlie, admin):
    rows, _ = history
    team = make.team("crew", alice, bob)
    make.team("other", bob, charlie)
    first, last = PERIODS[2]
    loads = Loads(admin, Period.of_days(first, last, "UTC"), Narrowing(team=team), off=OFF)
    mine = [page for page in seen(admin, rows) if page[0] in (alice.pk, bob.pk)]
    assert loads.by_person == plain(mine, first, last)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert set(Loads(admin, loads.period, Narrowing(team=team), off=OFF).by_person) == {alice.pk}
    assert sorted(members_by_team().values()) == sorted([[alice.pk], [charlie.pk]])


def test_of_nothing(alice):
    loads = Loads(alice, Period.of_days(date(2026, 9, 1), date(2026, 10, 1), "UTC"), Narrowing(), off=OFF)
    assert (loads.by_person, loads.total, sum(loads.by_hour)) == ({}, Burden(), 0)
    assert not any(week.pages for week in loads.by_week.values())
    assert not Interruption.objects.exists()


@pytest.mark.parametrize(
    ("values", "expected"),
    [([], 0), ([0, 0], 0), ([3, 3, 3], 0), ([0, 0, 0, 8], 0.75), ([1, 3], 0.25), ([9, 5, 4, 4], 0.1818)],
)
def test_the_gini_coefficient(values, expected):
    assert gini(values) == pytest.approx(expected, abs=0.0001)
    n, total = len(values), sum(values)
    by_definition = sum(abs(a - b) for a in values for b in values) / (2 * n * total) if total else 0
    assert gini(values) == pytest.approx(by_definition)


def test_how_evenly_pages_fall_counts_members_who_got_none():
    by_person = {1: Burden(pages=9), 2: Burden(pages=7), 3: Burden(pages=6)}
    found = fairness([1, 2, 3, 4], by_person)
    assert (found.busiest, found.most, found.pages, found.members) == (1, 9, 22, 4)
    assert (round(found.share), found.even_share, round(found.gini, 3)) == (41, 25.0, 0.318)
    assert fairness([1], by_person) is None
    assert fairness([3, 4], {3: Burden(pages=4)}) is None
    assert fairness([], by_person) is None


def test_working_hours_in_words(db):
    make.policy.ensure_defaults()
    assert working_hours() == ("Mon to Fri, 09:00 to 17:00", OFF)
    make.policy.IncidentSettings.objects.update(weekdays=[1, 3], opens_at="08:00")
    assert working_hours()[0] == "Mon, Wed, 08:00 to 17:00"


def test_two_reads_for_a_comparison_and_three_for_all(history, alice, django_assert_num_queries):
    loads = Loads(alice, Period.of_days(*PERIODS[2], "UTC"), Narrowing(), off=OFF)
    with django_assert_num_queries(1):
        assert loads.pages_by_person
    with django_assert_num_queries(2):
        assert loads.by_person
        assert loads.by_week
        assert loads.by_hour
