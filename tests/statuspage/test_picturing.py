"""The picture of a page: what it tells, and how few queries it takes whatever there is to tell."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import MaintenanceWindow
from incidents.models import Incident
from statuspage import components, picturing, publishing
from statuspage.models import StatusPage
from tests import make
from tests.make import MINUTE

MAJOR, PARTIAL, DEGRADED, WELL = "major_outage", "partial_outage", "degraded_performance", "operational"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

pytestmark = pytest.mark.django_db


@pytest.fixture
def page(now):
    made = make.status_page("acme", at=now, time_zone="Europe/Berlin")
    made.components.all().delete()
    return made


def say(incident, status="investigating", *, at, **fields):
    update = make.status_update(incident, at=at, status=status, visibility="external", **fields)
    publishing.publish_missing(now=at)
    return update


def window(*services, start, end, made, **fields):
    planned = MaintenanceWindow.objects.create(title="Upgrade", starts_at=start, ends_at=end, **fields)
    planned.services.set(services)
    MaintenanceWindow.objects.filter(pk=planned.pk).update(created_at=made, updated_at=made)
    return planned


def picture(page, *, at):
    return picturing.of(StatusPage.objects.get(pk=page.pk), now=at)


def test_an_empty_page_is_well_until_tomorrow(page, now):
    drawn = picture(page, at=now)
    assert (drawn.indicator, drawn.sections, drawn.told, drawn.works) == ("none", (), (), ())
    assert drawn.changes_at.isoformat() == "2026-10-14T22:00:00+00:00"


def test_components_stand_in_their_groups_in_order(page, now):
    services = [make.service(f"s{number}") for number in range(4)]
    eu, us = (components.add_group(page, name=name, by=None, now=now) for name in ("Europe", "America"))
    components.add_group(page, name="Empty", by=None, now=now)
    make.component(page, services[0], name="In Europe", group=eu, at=now)
    make.component(page, services[1], name="Alone", at=now)
    make.component(page, services[2], name="In America", group=us, at=now)
    make.component(page, services[3], name="Also in Europe", group=eu, at=now)
    say(make.incident(severity="high", services=[services[3]], at=now), at=now)
    drawn = picture(page, at=now)
    assert [(each.name, each.health, [part.name for part in each.parts]) for each in drawn.sections] == [
        ("", WELL, ["Alone"]),
        ("Europe", PARTIAL, ["In Europe", "Also in Europe"]),
        ("America", WELL, ["In America"]),
    ]


def test_a_component_is_as_the_worst_of_what_is_open(page, now):
    service = make.service("checkout")
    make.component(page, service, name="Payments", at=now)
    window(service, start=now - HOUR, end=now + HOUR, made=now - DAY)
    assert (picture(page, at=now).parts[0].health, picture(page, at=now).indicator) == (
        "under_maintenance",
        "maintenance",
    )
    one = make.incident(severity="medium", services=[service], at=now)
    say(one, at=now)
    assert (picture(page, at=now).parts[0].health, picture(page, at=now).indicator) == (DEGRADED, "minor")
    other = make.incident(severity="critical", services=[service], at=now)
    say(other, at=now)
    assert (picture(page, at=now).parts[0].health, picture(page, at=now).indicator) == (MAJOR, "critical")
    say(other, "resolved", at=now + MINUTE)
    drawn = picture(page, at=now + MINUTE)
    assert (drawn.parts[0].health, [each.is_open for each in drawn.told]) == (DEGRADED, [False, True])
    assert [each.impact for each in drawn.told] == ["critical", "minor"]


def test_an_open_incident_without_impact_is_minor(page, now):
    service = make.service("checkout")
    make.component(page, service, name="Payments", at=now)
    say(make.incident(severity="low", services=[service], at=now), at=now)
    drawn = picture(page, at=now)
    assert (drawn.indicator, drawn.parts[0].health, drawn.told[0].impact) == ("minor", WELL, "none")
    assert [(part.name, health) for part, health in drawn.told[0].parts] == [("Payments", WELL)]


def test_an_incident_is_told_with_its_updates_the_newest_first(page, now):
    service = make.service("checkout")
    make.component(page, service, name="Payments", at=now)
    incident = make.incident(severity="high", services=[service], at=now)
    make.status_update(incident, "Internal.", at=now)
    say(incident, at=now + MINUTE, title="Payments fail", message="Looking.", next_at=now + HOUR)
    say(incident, "monitoring", at=now + 2 * MINUTE, message="Fixed.")
    say(incident, "resolved", at=now + 3 * MINUTE, message="Over.")
    (told,) = picture(page, at=now + HOUR).told
    assert (told.name, told.status, told.impact, told.started_at, told.created_at) == (
        "Payments fail", "resolved", "major", now, now + MINUTE,
    )  # fmt: skip
    assert (told.monitoring_at, told.resolved_at, told.updated_at) == (
        now + 2 * MINUTE, now + 3 * MINUTE, now + 3 * MINUTE,
    )  # fmt: skip
    assert [(each.status, each.message, each.at, each.next_at) for each in told.said] == [
        ("resolved", "Over.", now + 3 * MINUTE, None),
        ("monitoring", "Fixed.", now + 2 * MINUTE, None),
        ("investigating", "Looking.", now + MINUTE, now + HOUR),
    ]
    assert [[(part.name, before, after) for part, before, after in each.changes] for each in told.said] == [
        [("Payments", PARTIAL, WELL)], [], [("Payments", WELL, PARTIAL)],
    ]  # fmt: skip


def test_what_may_not_be_told_is_left_out_with_its_impact(page, now):
    service = make.service("checkout")
    make.component(page, service, name="Payments", at=now - 10 * DAY)
    incident = make.incident(severity="critical", services=[service], at=now)
    say(incident, at=now)
    assert len(picture(page, at=now + HOUR).told) == 1
    for fields in ({"is_private": True}, {"is_private": False, "merged_into": make.incident(at=now)}):
        Incident.objects.filter(pk=incident.pk).update(**fields)
        drawn = picture(page, at=now + HOUR)
        assert (drawn.told, drawn.indicator, drawn.parts[0].health, drawn.parts[0].uptime) == ((), "none", WELL, 1.0)


def test_the_last_90_days_are_told_and_what_is_open_however_old(page, now):
    service = make.service("checkout")
    make.component(page, service, name="Payments", at=now)
    for days, ends in ((200, True), (150, False), (89, True)):
        incident = make.incident(severity="high", services=[service], at=now - days * DAY)
        say(incident, at=now - days * DAY, title=f"{days} days ago")
        if ends:
            say(incident, "resolved", at=now - days * DAY + HOUR)
    assert [each.name for each in picture(page, at=now).told] == ["89 days ago", "150 days ago"]


def test_maintenance_is_told_where_its_services_are_shown(page, now):
    checkout, mail = make.service("checkout"), make.service("mail")
    make.component(page, checkout, name="Payments", at=now)
    window(mail, start=now, end=now + HOUR, made=now)
    window(checkout, start=now, end=now + HOUR, made=now, is_public=False)
    window(checkout, start=now - 100 * DAY, end=now - 99 * DAY, made=now)
    over = window(checkout, start=now - 3 * HOUR, end=now, made=now - DAY, ended_at=now - HOUR)
    off = window(checkout, start=now + 2 * HOUR, end=now + 3 * HOUR, made=now, cancelled_at=now)
    coming = window(checkout, mail, start=now + HOUR, end=now + 5 * HOUR, made=now)
    drawn = picture(page, at=now)
    assert [(each.public_id, each.state, each.ends_at) for each in drawn.works] == [
        (over.public_id, "completed", now - HOUR),
        (coming.public_id, "scheduled", now + 5 * HOUR),
        (off.public_id, "cancelled", now + 3 * HOUR),
    ]
    assert [part.name for part in drawn.works[1].parts] == ["Payments"]
    assert drawn.changes_at == now + HOUR


def test_only_maintenance_that_was_announced_beforehand_is_no_downtime(page, now):
    service = make.service("checkout")
    make.component(page, service, name="Payments", at=now)
    incident = make.incident(severity="critical", services=[service], at=now - 10 * HOUR)
    say(incident, at=now - 10 * HOUR)
    say(incident, "resolved", at=now - 8 * HOUR)
    late = window(service, start=now - 10 * HOUR, end=now - 8 * HOUR, made=now - 9 * HOUR)
    assert sum(day.down_seconds for day in picture(page, at=now).parts[0].days) == 7200
    MaintenanceWindow.objects.filter(pk=late.pk).update(created_at=now - 10 * HOUR)
    assert sum(day.down_seconds for day in picture(page, at=now).parts[0].days) == 0


@pytest.mark.parametrize("many", [1, 8])
def test_it_takes_the_same_few_queries_whatever_there_is(page, now, many):
    for number in range(many):
        service = make.service(f"s{number}")
        group = components.add_group(page, name=f"Group {number}", by=None, now=now)
        make.component(page, service, name=f"Part {number}", group=group, at=now)
        incident = make.incident(severity="high", services=[service], at=now)
        say(incident, at=now)
        say(incident, "monitoring", at=now + MINUTE)
        window(service, start=now + HOUR, end=now + DAY, made=now)
    stored = StatusPage.objects.get(pk=page.pk)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        drawn = picturing.of(stored, now=now + MINUTE)
    assert (len(drawn.parts), len(drawn.told), len(drawn.works)) == (many, many, many)
    assert len(queries) == 8
