"""``/-/metrics``: the state of the installation for Prometheus."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from accounts import tokens
from alerts import intake
from incidents import lifecycle
from notifications.models import Notification, SweepRun
from tests import make
from tests.api.caller import Caller


def scrape(user, scope="read", **headers):
    """The answer to a scrape with the person's token."""
    _, secret = tokens.create(user, name="prometheus", scope=scope, by=None)
    return Client().get("/-/metrics", headers={"authorization": f"Bearer {secret}", **headers})


def samples(answer) -> dict[tuple[str, ...], float]:
    """(name, label values…) to value."""
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


def test_what_is_open_pending_and_late_is_shown(charlie, bob, admin):
    make.incident(severity="critical", steps=[bob])
    lifecycle.acknowledge(make.incident(severity="low", services=[make.service()], is_private=True), by=bob)
    lifecycle.resolve(make.incident(severity="low"), by=bob)
    made, key = make.integration()
    group = made.groups.create(group_key="x", incident=make.incident(severity="medium"))
    made.alerts.create(group=group, fingerprint="x", title="x", severity="high", started_at=make.NOW)
    intake.store(key=key, format="generic", body=b'{"title": "x"}')
    late = timezone.now() - timedelta(seconds=90)
    Notification.objects.update(state="sent", finished_at=late)
    Notification.objects.filter(user=bob, purpose="page").update(state="pending", finished_at=None, due_at=late)
    SweepRun.objects.create(name="alerts.apply_due", last_run_at=make.NOW)
    assert samples(scrape(charlie))["muster_incidents_open", "low", "acknowledged"] == 0
    found = samples(scrape(admin))
    assert found["muster_incidents_open", "critical", "triggered"] == 1
    assert found["muster_incidents_open", "low", "acknowledged"] == 1
    assert found["muster_incidents_open", "medium", "triggered"] == 1
    assert sum(value for key, value in found.items() if key[0] == "muster_incidents_open") == 3
    assert {key[1]: value for key, value in found.items() if key[0] == "muster_alerts_open"} == {
        "critical": 0, "high": 1, "medium": 0, "low": 0,
    }  # fmt: skip
    assert {key[1]: value for key, value in found.items() if key[0] == "muster_notifications_pending"} == {
        "email": 1, "webhook": 0, "chat": 0,
    }  # fmt: skip
    assert found["muster_events_pending",] == 1
    assert found["muster_oldest_overdue_seconds",] >= 90
    assert found["muster_sweep_last_run_timestamp_seconds", "alerts.apply_due"] == make.NOW.timestamp()
    assert [value for key, value in found.items() if key[0] == "muster_build_info"] == [1]


def test_an_empty_installation_shows_zeros(charlie):
    found = samples(scrape(charlie))
    assert found["muster_incidents_open", "critical", "triggered"] == 0
    assert found["muster_oldest_overdue_seconds",] == 0


def test_openmetrics_is_spoken_to_whoever_asks_for_it(charlie):
    answer = scrape(charlie, accept="application/openmetrics-text; version=1.0.0")
    assert answer["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.content.endswith(b"# EOF\n")
    assert scrape(charlie)["Content-Type"].startswith("text/plain; version=")


def test_only_tokens_open_it(db, alice):
    client = Client()
    client.force_login(alice)
    for headers in ({}, {"authorization": "Bearer x"}):
        answer = client.get("/-/metrics", headers=headers)
        assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
        assert answer["WWW-Authenticate"].startswith("Bearer")
    assert client.post("/-/metrics").status_code == 405


def test_a_scrape_takes_a_bounded_number_of_queries(charlie, bob):
    for _ in range(5):
        make.incident(steps=[bob])
    api = Caller(charlie, "read")
    with CaptureQueriesContext(connection) as queries:
        assert api.get("/-/metrics").status_code == 200
    assert len(queries) <= 20
