"""``/-/metrics``: the incident figures of all time, as the token's owner may see them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics

from incidents import lifecycle
from incidents.models import Incident
from metrics import catching_up
from metrics.models import Stale
from notifications.models import Notification
from tests import make
from tests.incidents_site.test_metrics import samples, scrape
from tests.make import MINUTE, NOW, SECOND

pytestmark = pytest.mark.django_db

SEVERITIES = ("critical", "high", "medium", "low")


def caught_up():
    while catching_up.catch_up(now=NOW):
        pass


@pytest.fixture(autouse=True)
def _defaults(db):
    make.policy.ensure_defaults()
    caught_up()


@pytest.fixture
def lives(alice):
    """Two critical ones that were resolved, one of them reopened before, and private, and a low one two years ago."""
    made = [make.incident(at=NOW), make.incident(at=NOW, is_private=True, assignee=alice)]
    make.incident(severity="low", at=NOW - timedelta(days=730))
    for incident, seconds in zip(made, (60, 90.25), strict=True):
        lifecycle.acknowledge(incident, by=alice, now=NOW + seconds * SECOND)
        lifecycle.resolve(incident, by=alice, now=NOW + 10 * MINUTE)
    lifecycle.reopen(made[0], reason="It is back.", by=alice, now=NOW + 20 * MINUTE)
    Notification.objects.all().delete()
    for incident in made:
        Notification.objects.create(
            topic=incident.topic, key=incident.topic, purpose="page", user=alice, channel="email", recipient="x",
            title="x", state="sent", due_at=NOW, finished_at=NOW,
        )  # fmt: skip
    caught_up()
    return made


def test_figures_are_those_of_all_time_that_the_owner_may_see(lives, alice, bob):
    for user, critical, added in ((alice, 2, 150.25), (bob, 1, 60)):
        found = samples(scrape(user))
        assert [found["muster_incidents_total", severity] for severity in SEVERITIES] == [critical, 0, 0, 1]
        assert found["muster_incident_acknowledge_seconds_sum", "critical"] == added
        assert found["muster_incident_acknowledge_seconds_count", "critical"] == critical
        assert found["muster_incident_resolve_seconds_count", "critical"] == critical - 1
        assert found["muster_incident_resolve_seconds_sum", "critical"] == (critical - 1) * 600
        assert found["muster_incident_response_clock_total", "critical", "met"] == critical
        assert found["muster_incident_response_clock_total", "low", "pending"] == 1
        assert found["muster_incidents_reopened_total",] == 1
        assert found["muster_pages_total",] == critical
        assert found["muster_metrics_stale",] == 0


def test_what_is_left_out_leaves_the_figures_so_they_are_no_counters(lives, alice):
    Incident.objects.filter(pk=lives[0].pk).update(excluded_from_metrics=True)
    assert samples(scrape(alice))["muster_metrics_stale",] == Stale.objects.count() == 1
    summed = samples(scrape(alice))["muster_metrics_summed_timestamp_seconds",]
    assert summed == NOW.timestamp()
    caught_up()
    answer = scrape(alice)
    found = samples(answer)
    assert (found["muster_incidents_total", "critical"], found["muster_pages_total",]) == (1, 1)
    assert found["muster_metrics_summed_timestamp_seconds",] > summed  # nothing waits
    types = dict(line.split()[2:] for line in answer.content.decode().splitlines() if line.startswith("# TYPE"))
    of_figures = [name for name in types if name.startswith(("muster_incident_", "muster_incidents_", "muster_pages"))]
    assert {types[name] for name in of_figures if name != "muster_incidents_open"} == {"untyped"}


def test_both_formats_can_be_read(lives, alice):
    answer = scrape(alice, accept="application/openmetrics-text; version=1.0.0")
    read = {each.name for family in openmetrics(answer.content.decode()) for each in family.samples}
    assert {"muster_incidents_total", "muster_incident_acknowledge_seconds_sum", "muster_pages_total"} <= read
    assert read == {name for name, *_ in samples(scrape(alice))}


def test_nothing_yet_is_zero(alice):
    found = samples(scrape(alice))
    assert [found["muster_incidents_total", severity] for severity in SEVERITIES] == [0, 0, 0, 0]
    assert found["muster_incident_resolve_seconds_sum", "high"] == found["muster_pages_total",] == 0


def test_figures_take_the_same_few_queries_however_many_weeks_there_are(lives, bob):
    counts = []
    for weeks in (1, 20):
        for week in range(weeks):
            make.incident(severity="low", at=NOW - timedelta(weeks=week))
        caught_up()
        scrape(bob)
        with CaptureQueriesContext(connection) as queries:
            scrape(bob)
        counts.append(len(queries))
    assert counts[0] == counts[1]
