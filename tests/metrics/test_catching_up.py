"""The sums follow whatever happens, and a rebuild says the same."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from incidents import changes, lifecycle
from incidents.models import Incident
from metrics import catching_up
from metrics.figures import Figures, Narrowing
from metrics.measures import NAMES
from metrics.models import Fact, Interruption, Load, Progress, Series, Stale, Tally
from metrics.periods import Period
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, NOW, SECOND

pytestmark = pytest.mark.django_db

OCTOBER = Period.of_days(date(2026, 10, 1), date(2026, 10, 31), "UTC")


def caught_up(now=NOW):
    while catching_up.catch_up(now=now):
        pass


@pytest.fixture(autouse=True)
def settings_of_the_site():
    make.policy.ensure_defaults()
    caught_up()


def sums():
    return [
        list(model.objects.order_by(*keys).values_list(*keys, *values))
        for model, keys, values in (
            (Tally, ("kind", "ref", "week", "severity"), ("numbers",)),
            (Load, ("user_id", "week"), ("pages", "night_pages", "interrupted_hours", "hours")),
        )
    ] + [
        [(*row[:-1], bytes(row[-1])) for row in Series.objects.order_by(*keys).values_list(*keys, "values")]
        for keys in [("kind", "ref", "measure", "week", "severity")]
    ]


def a_life(alice, team):
    service = make.service(team=team)
    incident = make.incident(steps=[alice], services=[service])
    lifecycle.acknowledge(incident, by=alice, now=NOW + 90 * SECOND)
    lifecycle.transition(incident, to="mitigating", by=alice, now=NOW + 10 * MINUTE)
    lifecycle.acknowledge(incident, by=alice, now=NOW + 12 * MINUTE)  # still on it
    lifecycle.resolve(incident, by=alice, now=NOW + 30 * MINUTE)
    lifecycle.reopen(incident, reason="It is back.", by=alice, now=NOW + 60 * MINUTE)
    lifecycle.resolve(incident, by=alice, now=NOW + 90 * MINUTE)
    return Incident.objects.get(pk=incident.pk)


def test_a_fact_says_what_happened(alice):
    incident = a_life(alice, make.team("payments"))
    caught_up()
    fact = Fact.objects.get(pk=incident.pk)
    assert [fact.acknowledge_us, fact.resolve_us, fact.reopenings] == [90_000_000, 90 * 60_000_000, 1]
    stages = [fact.triggered_us, fact.acknowledged_us, fact.investigating_us, fact.mitigating_us]
    assert [us / 1_000_000 for us in stages] == [90, 510, 1800, 1200]
    assert [fact.response, fact.resolution, fact.standing, fact.hour_of_week] == ["met", "", "counted", 49]


def test_figures_follow_a_change_and_a_rebuild_says_the_same(alice):
    incident = a_life(alice, make.team("payments"))
    other = make.incident(severity="low", at=NOW - timedelta(days=12))
    caught_up()
    figures = Figures(alice, OCTOBER, Narrowing())
    assert [figures.total[name] for name in ("incidents", "open", "acknowledged", "reopened")] == [2, 1, 1, 1]
    assert figures.sample_of("acknowledge").median == 90_000_000
    changes.edit(other, by=alice, excluded_from_metrics=True)
    changes.change_severity(incident, to="high", by=alice)
    assert Stale.objects.exists()
    caught_up()
    figures = Figures(alice, OCTOBER, Narrowing(severity="high"))
    assert [figures.total[name] for name in ("incidents", "excluded")] == [1, 0]
    kept = sums()
    catching_up.rebuild(now=NOW)
    assert sums() == kept


def test_what_is_private_is_in_no_sum_and_added_for_whoever_may_see_it(alice, charlie):
    incident = a_life(alice, make.team("payments"))
    Incident.objects.filter(pk=incident.pk).update(is_private=True)
    caught_up()
    assert sums() == [[], [], []]
    assert Figures(alice, OCTOBER, Narrowing()).total["incidents"] == 1
    assert Figures(alice, OCTOBER, Narrowing()).by_severity["critical"]["reopened"] == 1
    assert Figures(charlie, OCTOBER, Narrowing()).total["incidents"] == 0


def test_an_incident_that_is_deleted_leaves_the_sums(alice):
    incident = make.incident(severity="low")
    caught_up()
    assert Tally.objects.count() == 1
    Incident.objects.filter(pk=incident.pk).delete()
    caught_up()
    assert [Tally.objects.count(), Fact.objects.count()] == [0, 0]


def test_another_zone_of_the_site_makes_everything_anew(alice):
    make.incident(severity="low", at=NOW - timedelta(days=2, hours=2))  # Sunday 23:47 UTC, Monday in Berlin
    caught_up()
    assert Tally.objects.get().week == date(2026, 10, 5)
    make.policy.IncidentSettings.objects.update(time_zone="Europe/Berlin")
    caught_up()
    assert Tally.objects.get().week == date(2026, 10, 12)


def test_edges_of_a_period_come_from_facts(alice):
    for days in range(30):
        make.incident(severity="medium", at=NOW - timedelta(days=days))
    caught_up()
    for first, last in ((1, 14), (5, 11), (6, 10), (7, 8), (3, 20)):
        period = Period.of_days(date(2026, 10, first), date(2026, 10, last), "UTC")
        assert Figures(alice, period, Narrowing()).total["incidents"] == min(last, 14) - first + 1
        assert sum(Figures(alice, period, Narrowing()).by_hour) == min(last, 14) - first + 1


def test_by_service_team_and_factor(alice):
    payments = make.team("payments")
    one, two = make.service("one", team=payments), make.service("two", team=payments)
    make.incident(severity="low", services=[one, two])
    make.incident(severity="high", services=[two], at=NOW - timedelta(days=9))
    caught_up()
    figures = Figures(alice, OCTOBER, Narrowing())
    assert {ref: found["incidents"] for ref, found in figures.by_part("service", "incidents").items()} == {
        one.pk: 1,
        two.pk: 2,
    }
    assert figures.by_part("team", "incidents")[payments.pk]["incidents"] == 2
    narrowed = Figures(alice, OCTOBER, Narrowing(service=one, team=payments))
    assert narrowed.total["incidents"] == 1
    assert Figures(alice, OCTOBER, Narrowing(team=payments)).total["incidents"] == 2
    assert Figures(alice, OCTOBER, Narrowing(team=payments)).behind().count() == 2


def test_a_zone_that_the_database_does_not_know_counts_as_utc(alice):
    alice.time_zone = "Mars/Olympus"
    alice.save()
    make.policy.IncidentSettings.objects.update(time_zone="Mars/Olympus")
    incident = make.incident(steps=[alice])
    Notification.objects.filter(topic=incident.topic, purpose="page").update(state="kept", finished_at=NOW)
    caught_up()
    assert [Fact.objects.get().hour_of_week, Interruption.objects.get().local_hour % 24] == [49, 1]


@pytest.mark.parametrize("model", [Series, Tally])
def test_sums_that_have_gone_astray_are_made_anew(alice, model):
    incident = a_life(alice, make.team("payments"))
    caught_up()
    model.objects.all().delete()
    changes.change_severity(incident, to="high", by=alice)
    caught_up()
    kept = sums()
    assert kept[0]
    assert kept[2]
    catching_up.rebuild(now=NOW)
    assert sums() == kept


def test_what_changes_while_everything_is_made_anew_is_in_the_sums_then(alice):
    first, second = make.incident(severity="low"), make.incident(severity="low")
    caught_up()
    make.policy.IncidentSettings.objects.update(time_zone="Asia/Kolkata")
    catching_up.catch_up(now=NOW)  # the facts, in the other zone
    lifecycle.resolve(first, by=alice, now=NOW + MINUTE)
    Incident.objects.filter(pk=second.pk).delete()
    caught_up()
    kept = sums()
    assert Figures(alice, OCTOBER, Narrowing()).total["resolved"] == 1
    catching_up.rebuild(now=NOW)
    assert sums() == kept


def test_sums_of_before_a_new_measure_are_read_and_changed_until_they_are_made_anew(alice):
    incident = a_life(alice, make.team("payments", alice))
    caught_up()
    expected = sums()
    short = Tally.objects.order_by("kind", "ref", "severity").first().numbers[:-4]
    for tally in Tally.objects.all():
        Tally.objects.filter(pk=tally.pk).update(numbers=tally.numbers[:-4])
    Progress.objects.update(basis={"version": 0})
    read = Figures(alice, OCTOBER, Narrowing()).total
    assert [read[name] for name in NAMES] == [*short, 0, 0, 0, 0]
    Incident.objects.filter(pk=incident.pk).update(severity="low")
    Incident.objects.filter(pk=incident.pk).update(severity=incident.severity)
    caught_up()
    assert sums() == expected


def test_equal_values_leave_the_sums_together(alice):
    incidents = [make.incident(severity="low") for _ in range(3)]
    for incident in incidents:
        lifecycle.acknowledge(incident, by=alice, now=NOW + MINUTE)
    caught_up()
    for incident in incidents[:2]:
        changes.change_severity(incident, to="high", by=alice)
    caught_up()
    kept = sums()
    catching_up.rebuild(now=NOW)
    assert sums() == kept
    figures = Figures(alice, OCTOBER, Narrowing())
    assert [figures.sample_of("acknowledge", severity=name).n for name in ("low", "high")] == [1, 2]


def test_a_sum_too_large_for_the_database_stops_no_other(alice):
    """Lengths that no clock has measured, of which a hundred and fifty are more than a whole number of 64 bits."""
    ended = {"created_at": NOW, "acknowledged_at": NOW, "resolved_at": NOW}
    absurd = [
        Incident(title="Old", severity="low", status="resolved", started_at=datetime(1, 1, 2, tzinfo=UTC), **ended)
        for _ in range(150)
    ]
    Incident.objects.bulk_create(absurd)
    caught_up()
    a_life(alice, make.team("crew", alice))
    caught_up()
    found = Figures(alice, OCTOBER, Narrowing()).total
    assert (found["incidents"], found["resolved"]) == (151, 151)
    before = sums()
    catching_up.rebuild(now=NOW)
    assert sums() == before
    Incident.objects.filter(title="Old").update(started_at=NOW - MINUTE)
    caught_up()
    numbers = Figures(alice, OCTOBER, Narrowing(severity="low")).total
    assert numbers["impact_us"] == 150 * 60_000_000
