"""The figures are those of a calculation that knows nothing of Muster's code, whatever has happened.

``independent`` reads what PostgreSQL exports as CSV. A test run draws one world of 40 incidents;
``script/prove metrics`` all of them, 1,000 incidents in five time zones.
"""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from django.db import connection

from metrics import catching_up, drilldown
from metrics.figures import Figures, Narrowing
from metrics.measures import BY_KEY, NAMES
from metrics.models import Fact, Interruption, Load, Series, Tally
from metrics.periods import Period
from tests.metrics import histories, independent
from tests.profile import IS_FULL, share

pytestmark = pytest.mark.django_db

WORLDS, INCIDENTS = 25, 40
EXPORTED = {
    "incidents": """SELECT id, severity, created_at, started_at, acknowledged_at, resolved_at, is_private, assignee_id,
        created_by_id, merged_into_id, excluded_from_metrics FROM incidents_incident ORDER BY id""",
    "timeline": "SELECT id, incident_id, at, kind, by_id, data FROM incidents_timelineentry ORDER BY at, id",
    "clocks": "SELECT id, incident_id, kind, state FROM incidents_slaclock WHERE kind <> 'update' ORDER BY id",
    "affected": "SELECT incident_id, service_id FROM incidents_affectedservice ORDER BY id",
    "services": "SELECT id, team_id FROM catalog_service ORDER BY id",
    "members": "SELECT team_id, user_id FROM accounts_membership ORDER BY id",
    "people": "SELECT id, role, time_zone FROM accounts_user ORDER BY id",
    "groups": "SELECT id, incident_id FROM alerts_group ORDER BY id",
    "alerts": "SELECT id, group_id FROM alerts_alert ORDER BY id",
    "items": "SELECT id, incident_id, due_on, done_at, accepted_at FROM incidents_actionitem ORDER BY id",
    "postmortems": "SELECT id, incident_id, first_published_at FROM postmortems_postmortem ORDER BY id",
    "causes": "SELECT postmortem_id, factor_id FROM postmortems_postmortem_factors ORDER BY id",
    "told": "SELECT topic, user_id FROM notifications_notification ORDER BY id",
    "pages": "SELECT id, topic, user_id, created_at, purpose, state FROM notifications_notification ORDER BY id",
    "settings": "SELECT time_zone, closes_at, array_to_json(weekdays) AS weekdays FROM incidents_incidentsettings",
    "holidays": "SELECT date FROM incidents_holiday",
    "policies": """SELECT severity, respond_within_minutes, resolve_within_minutes, needs_postmortem,
        postmortem_within_days FROM incidents_severitypolicy""",
}


def caught_up(world):
    catching_up.catch_up(now=world.now)  # on an empty database it makes room
    while catching_up.catch_up(now=world.now):
        pass


def exported(world, folder, **options):
    folder.mkdir()
    with connection.cursor() as cursor:
        for name, query in EXPORTED.items():
            with cursor.copy(f"COPY ({query}) TO STDOUT WITH (FORMAT csv, HEADER)") as copy:
                (folder / f"{name}.csv").write_bytes(b"".join(copy))
    return independent.Export(folder, world.now, **options)


def sums():
    """Every row that figures are read from, without the keys that the database gives."""
    found = []
    for model in (Fact, Interruption, Tally, Series, Load):
        names = [field.attname for field in model._meta.concrete_fields if field.attname != "id"]
        rows = [
            [bytes(v) if isinstance(v, memoryview) else v for v in row] for row in model.objects.values_list(*names)
        ]
        found.append(sorted(rows, key=repr))
    return found


# ---- what is asked ------------------------------------------------------------------------------------------------


def periods(world):
    today = world.now.date()
    monday = today - timedelta(days=today.weekday())
    odd = world.dice.randint(1, 40)
    start = world.now - timedelta(days=world.dice.uniform(20, 90))
    return [
        Period.of_days(monday - timedelta(weeks=12), today, world.zone),
        Period.of_days(monday - timedelta(weeks=9), monday - timedelta(days=1), world.zone),
        Period.of_days(
            today - timedelta(days=odd + world.dice.randint(0, 60)), today - timedelta(days=odd), world.zone
        ),
        Period(start, start + timedelta(days=world.dice.uniform(0.1, 60)), world.zone),
        Period.of_days(today - timedelta(days=400), today + timedelta(days=1), world.zone),
    ]


def narrowings(world):
    for row in (*world.services, *world.factors):
        row.refresh_from_db()
    service, team, factor = (world.dice.choice(rows) for rows in (world.services, world.teams, world.factors))
    severity = world.dice.choice(histories.SEVERITIES)
    return [
        Narrowing(),
        Narrowing(severity=severity),
        Narrowing(service=service),
        Narrowing(team=team),
        Narrowing(factor=factor),
        Narrowing(severity=severity, team=team),
        Narrowing(service=service, factor=factor),
    ]


def questions(world):
    everything = [
        (person, period, narrowing)
        for person in (world.admin, world.people[0], world.stranger)
        for period in periods(world)
        for narrowing in narrowings(world)
    ]
    return world.dice.sample(everything, 35 if IS_FULL else 8)


# ---- what is compared ---------------------------------------------------------------------------------------------


def check_figures(lives, person, period, narrowing):
    figures = Figures(person, period, narrowing)
    keys = {name: getattr(narrowing, name) and getattr(narrowing, name).pk for name in ("service", "team", "factor")}
    asked = independent.Asked(str(person.pk), period.start, period.end, narrowing.severity, **keys)
    behind = asked.behind(lives)
    assert sorted(figures.behind().values_list("pk", flat=True)) == [int(life.number) for life in behind]
    assert real(figures.total) == independent.numbers(behind)
    check_groups(figures, behind)
    check_samples(figures, behind)
    check_parts(figures, behind)
    assert figures.by_hour == independent.by_hour(behind)
    for kind in ("response", "resolution"):
        met, breached = figures.total[f"{kind}_met"], figures.total[f"{kind}_breached"]
        assert independent.compliance(behind, kind) == (
            independent.Fraction(met, met + breached) if met + breached else None
        )
    check_drilldown(figures, behind)


def real(numbers):
    return {name: number for name, number in numbers.items() if number}


def check_groups(figures, behind):
    groups = {}
    for life in behind:
        groups.setdefault((life.week, life.severity), []).append(life)
    expected = {key: independent.numbers(some) for key, some in groups.items()}
    assert {key: real(found) for key, found in figures.by_cell.items() if real(found)} == {
        key: found for key, found in expected.items() if found
    }
    for name, found in (("severity", figures.by_severity), ("week", figures.by_week)):
        for value, numbers in found.items():
            assert real(numbers) == independent.numbers([life for life in behind if getattr(life, name) == value])


def check_samples(figures, behind):
    weeks = {life.week for life in behind}
    for name in ("acknowledge", "resolve"):
        for severity in ("", *histories.SEVERITIES):
            some = [life for life in behind if severity in ("", life.severity)]
            check_sample(figures.sample_of(name, severity=severity), some, name)
        for week in weeks:
            check_sample(figures.sample_of(name, week=week), [life for life in behind if life.week == week], name)


def check_sample(sample, some, name):
    n, mean, median, p90 = independent.described([getattr(life, name) for life in some])
    assert [sample.n, sample.mean, sample.median] == [n, mean, median]
    assert sample.p90 == (None if p90 is None else pytest.approx(p90, rel=1e-12, abs=1e-6))


def check_parts(figures, behind):
    names = ("incidents", "impact_us", "response_breached", "items", "reopened")
    for kind in ("service", "team", "factor"):
        found = {ref: real(numbers) for ref, numbers in figures.by_part(kind, *names).items()}
        refs = {ref for life in behind for ref in getattr(life, f"{kind}s")}
        expected = {}
        for ref in refs:
            numbers = independent.numbers([life for life in behind if ref in getattr(life, f"{kind}s")])
            expected[ref] = {name: numbers[name] for name in names if name in numbers}
        assert {ref: numbers for ref, numbers in found.items() if numbers} == {
            ref: numbers for ref, numbers in expected.items() if numbers
        }


def check_drilldown(figures, behind):
    dice = random.Random(len(behind))  # noqa: S311
    for name in NAMES if IS_FULL else dice.sample(NAMES, 6):
        rows = drilldown.rows(figures, name)
        assert drilldown.total(rows, name) == figures.total[name]
    name = dice.choice([name for name in NAMES if BY_KEY[name].label])
    for week, numbers in figures.by_week.items():
        assert drilldown.total(drilldown.rows(figures, name, week=week), name) == numbers[name]
    for hour, count in enumerate(figures.by_hour):
        if count:
            assert drilldown.rows(figures, "incidents", hour=hour).count() == count


def check_pages(export):
    pages = independent.pages(export)
    assert {
        (str(row.user_id), str(row.incident_id), row.at) for row in Interruption.objects.filter(is_counted=True)
    } == {(page.person, page.incident, page.at) for page in pages}
    found = {
        (str(row.user_id), row.week): ((row.pages, row.night_pages, row.interrupted_hours), row.hours)
        for row in Load.objects.all()
    }
    expected = {}
    for page in pages:
        if not page.is_private:
            expected.setdefault((page.person, page.week), []).append(page)
    assert found == {
        key: (independent.load(some), sorted(page.wall.weekday() * 24 + page.wall.hour for page in some))
        for key, some in expected.items()
    }


def check(world, folder, **options):
    export = exported(world, folder, **options)
    lives = independent.lives(export)
    check_pages(export)
    for question in questions(world):
        check_figures(lives, *question)
    return lives


@pytest.mark.parametrize("seed", share(range(WORLDS), one_of=WORLDS))
def test_figures_are_those_of_an_independent_calculation(seed, tmp_path):
    world = histories.world(seed, incidents=INCIDENTS)
    caught_up(world)
    lives = check(world, tmp_path / "first")
    assert sum(life.standing == "incidents" for life in lives) > INCIDENTS / 2
    histories.go_on(world, things=INCIDENTS)
    caught_up(world)
    check(world, tmp_path / "later")
    kept = sums()
    catching_up.rebuild(now=world.now)
    assert sums() == kept
    histories.move_house(world)
    caught_up(world)
    check(world, tmp_path / "moved", is_settled=False)
