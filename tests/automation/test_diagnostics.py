"""What runs by itself when an incident opens: only what reads, once, and not without end."""

from __future__ import annotations

import pytest

from automation import defining, diagnostics, runners
from automation.models import Action, Execution
from automation.parameters import Parameter
from incidents import lifecycle
from tests import make
from tests.make import MINUTE, SECOND

pytestmark = pytest.mark.django_db


@pytest.fixture
def kafka(db):
    return make.service("kafka")


@pytest.fixture
def lag(kafka):
    group = Parameter("group", fact="consumer_group")
    return make.action("lag", group, is_read_only=True, is_automatic=True, services=(kafka,))


def opened(kafka, now, **facts):
    return make.incident(services=(kafka,), at=now, facts=facts)


def test_the_output_is_under_way_when_somebody_arrives(lag, kafka, now):
    incident = opened(kafka, now, consumer_group="orders")
    assert diagnostics.start_missing(now=now + SECOND) == 1
    assert diagnostics.start_missing(now=now + 2 * SECOND) == 0
    execution = Execution.objects.get()
    assert (execution.incident, execution.state, execution.values) == (incident, "queued", {"group": "orders"})
    assert (execution.is_automatic, execution.asked_by) == (True, None)
    entry = incident.timeline.get(kind="automation")
    assert (entry.actor, entry.data["did"]) == ("Muster", "asked")


def test_a_label_that_does_not_fit_is_not_used_and_that_is_said(lag, kafka, now):
    incident = opened(kafka, now, consumer_group="orders; reboot")
    assert diagnostics.start_missing(now=now) == 1
    assert diagnostics.start_missing(now=now) == 0
    execution = Execution.objects.get()
    assert (execution.state, execution.values) == ("cancelled", {})
    assert execution.detail == "Not run by itself: The label consumer_group does not fit."
    assert "reboot" not in str(incident.timeline.get(kind="automation").data) + execution.detail


def test_other_services_old_incidents_and_closed_ones_are_left_alone(lag, kafka, now):
    make.incident(services=(make.service(),), at=now, facts={"consumer_group": "orders"})
    opened(kafka, now - 6 * MINUTE, consumer_group="orders")
    over = opened(kafka, now, consumer_group="orders")
    lifecycle.resolve(over, by=None, now=now)
    assert diagnostics.start_missing(now=now) == 0


def test_a_storm_does_not_start_it_without_end(lag, kafka, now):
    for _ in range(12):
        opened(kafka, now, consumer_group="orders")
    assert diagnostics.start_missing(now=now) == 12
    assert diagnostics.start_missing(now=now) == 0
    states = list(Execution.objects.order_by("id").values_list("state", flat=True))
    assert (states.count("queued"), states.count("cancelled")) == (10, 2)


def test_what_is_off_or_archived_does_not_run(lag, kafka, now):
    runners.update(lag.runner, by=None, is_enabled=False)
    opened(kafka, now, consumer_group="orders")
    assert diagnostics.start_missing(now=now) == 1
    assert Execution.objects.get().detail.endswith("is switched off.")
    defining.archive(lag, by=None)
    opened(kafka, now, consumer_group="orders")
    assert diagnostics.start_missing(now=now) == 0


def test_what_was_changed_since_it_was_looked_for_does_not_run_by_itself(lag, kafka, now):
    stale = Action.objects.get(pk=lag.pk)
    incident = opened(kafka, now, consumer_group="orders")
    defining.change(lag, by=None, is_automatic=False, is_read_only=False, is_destructive=True)
    diagnostics._start(stale, incident, now=now)
    diagnostics._start(stale, incident, now=now)  # another worker, at the same time
    execution = Execution.objects.get()
    assert (execution.state, execution.detail) == (
        "cancelled",
        "Not run by itself: “Lag” does not run by itself any more.",
    )


def test_looking_costs_one_query_where_nothing_runs_by_itself(now, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert diagnostics.start_missing(now=now) == 0
