"""A runner takes, begins, sends output and ends; whatever is lost on the way, nothing is run twice."""

from __future__ import annotations

import uuid

import pytest

from automation import asking, defining, executing, watching
from automation.asking import Wish
from automation.executing import NotYours
from automation.models import OUTPUT_LIMIT, Execution
from automation.parameters import Parameter
from tests import make
from tests.make import MINUTE, SECOND

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(now):
    return make.incident(at=now)


@pytest.fixture
def lag(db):
    return make.action("lag", Parameter("group"), is_read_only=True, seconds=60)


@pytest.fixture
def execution(lag, incident, alice, now):
    return asking.ask(lag, incident, Wish({"group": "orders"}), by=alice, now=now)[0]


def take(runner, now):
    work = executing.take(runner, now=now)
    assert work is not None
    return work


def state(execution):
    execution.refresh_from_db()
    return execution.state, execution.detail


def test_from_taken_to_done(execution, incident, lag, now):
    work = take(lag.runner, now)
    assert (work.execution, work.action, work.values, work.seconds) == (execution.pk, "lag", {"group": "orders"}, 60)
    assert executing.take(lag.runner, now=now) is None
    executing.begin(lag.runner, work.execution, work.token, now=now + SECOND)
    heard = executing.hear(lag.runner, work.execution, work.token, offset=0, text="LAG 12\n", now=now + 2 * SECOND)
    assert heard == (7, False)
    executing.end(lag.runner, work.execution, work.token, outcome="done", exit_code=0, detail="", now=now + 3 * SECOND)
    assert state(execution) == ("done", "")
    assert (execution.output, execution.exit_code, execution.started_at) == ("LAG 12\n", 0, now + SECOND)
    told = [(entry.actor, entry.data["did"]) for entry in incident.timeline.filter(kind="automation")]
    assert told == [("Alice", "asked"), (str(lag.runner), "done")]
    evidence = incident.evidence.get()
    assert (evidence.kind, evidence.caption) == ("log", "Output of Lag")
    assert evidence.url.endswith(f"/executions/{execution.pk}")


def test_another_runner_gets_nothing(execution, lag, now):
    other, _ = make.runner()
    assert executing.take(other, now=now) is None
    work = take(lag.runner, now)
    for call in (
        lambda: executing.begin(other, work.execution, work.token),
        lambda: executing.begin(lag.runner, work.execution, str(uuid.uuid4())),
        lambda: executing.begin(lag.runner, work.execution, "no token"),
        lambda: executing.hear(other, work.execution, work.token, offset=0, text="x"),
        lambda: executing.end(other, work.execution, work.token, outcome="done", exit_code=0, detail=""),
    ):
        with pytest.raises(NotYours):
            call()


def test_what_was_taken_and_not_begun_goes_back_and_the_first_may_not_begin(execution, lag, now):
    first = take(lag.runner, now)
    assert watching.watch_due(now=now + 14 * SECOND) == 0
    assert watching.watch_due(now=now + 15 * SECOND) == 1
    assert state(execution) == ("queued", "")
    second = take(lag.runner, now + 16 * SECOND)
    with pytest.raises(NotYours):
        executing.begin(lag.runner, first.execution, first.token)
    executing.begin(lag.runner, second.execution, second.token)
    executing.begin(lag.runner, second.execution, second.token)  # its answer was lost
    with pytest.raises(NotYours):
        executing.end(lag.runner, first.execution, first.token, outcome="failed", exit_code=None, detail="")
    assert state(execution)[0] == "running"


def test_what_began_and_fell_silent_is_unknown_and_never_given_out_again(execution, incident, lag, now):
    work = take(lag.runner, now)
    executing.begin(lag.runner, work.execution, work.token, now=now)
    executing.hear(lag.runner, work.execution, work.token, offset=0, text="", now=now + 20 * SECOND)
    assert watching.watch_due(now=now + 49 * SECOND) == 0
    assert watching.watch_due(now=now + 50 * SECOND) == 1
    assert state(execution) == (
        "unknown",
        f"The runner {lag.runner} was not heard of any more. It may have been done: check before you ask again.",
    )
    assert executing.take(lag.runner, now=now + MINUTE) is None
    assert incident.evidence.count() == 1


def test_what_was_unknown_becomes_known_when_its_runner_is_heard_again(execution, incident, lag, now):
    work = take(lag.runner, now)
    executing.begin(lag.runner, work.execution, work.token, now=now)
    watching.watch_due(now=now + MINUTE)
    with pytest.raises(NotYours):
        executing.hear(lag.runner, work.execution, work.token, offset=0, text="late")
    for _ in range(2):
        executing.end(lag.runner, work.execution, work.token, outcome="failed", exit_code=3, detail="Exit code 3")
    assert state(execution) == ("failed", "Exit code 3")
    assert [entry.data["did"] for entry in incident.timeline.filter(kind="automation")] == [
        "asked", "unknown", "failed",
    ]  # fmt: skip
    assert incident.evidence.count() == 1


def test_nobody_takes_it_within_two_minutes(execution, lag, now):
    assert watching.watch_due(now=now + 2 * MINUTE) == 1
    assert state(execution) == (
        "cancelled",
        f"The runner {lag.runner} did not take it within two minutes. Nothing was run.",
    )


def test_repeated_output_adds_nothing_and_a_hole_waits(execution, lag, now):
    work = take(lag.runner, now)
    executing.begin(lag.runner, work.execution, work.token)

    def hear(offset, text):
        return executing.hear(lag.runner, work.execution, work.token, offset=offset, text=text)[0]

    assert [hear(0, "abc"), hear(0, "abc"), hear(1, "bcd"), hear(9, "z"), hear(4, "é\x00")] == [3, 3, 4, 4, 6]
    execution.refresh_from_db()
    assert execution.output == "abcdé\ufffd"


def test_output_is_bounded_and_masked(execution, lag, now):
    work = take(lag.runner, now)
    executing.begin(lag.runner, work.execution, work.token)
    first, rest = "password=hunter22\n", "x" * OUTPUT_LIMIT
    executing.hear(lag.runner, work.execution, work.token, offset=0, text=first)
    received, _ = executing.hear(lag.runner, work.execution, work.token, offset=len(first), text=rest)
    execution.refresh_from_db()
    assert received == len(first) + len(rest)
    assert execution.output.startswith("password=••••\nxxx")
    assert len(execution.output) == OUTPUT_LIMIT
    assert execution.left_out == len("password=••••\n")


def test_stopping_tells_the_runner(execution, lag, alice, bob, now):
    work = take(lag.runner, now)
    executing.begin(lag.runner, work.execution, work.token)
    asking.stop(execution, by=bob)
    asking.stop(execution, by=alice)
    assert executing.hear(lag.runner, work.execution, work.token, offset=0, text="") == (0, True)
    executing.end(lag.runner, work.execution, work.token, outcome="failed", exit_code=-15, detail="stopped by a person")
    execution.refresh_from_db()
    assert (execution.state, execution.stopped_by) == ("failed", bob)


def test_what_was_taken_back_in_between_does_not_begin(execution, lag, alice, now):
    work = take(lag.runner, now)
    asking.stop(execution, by=alice)
    with pytest.raises(NotYours):
        executing.begin(lag.runner, work.execution, work.token)
    assert state(execution)[0] == "cancelled"


def test_what_was_changed_in_between_does_not_begin(execution, lag, now):
    defining.change(lag, by=None, command="other")
    assert executing.take(lag.runner, now=now) is None
    assert state(execution) == ("cancelled", asking.CHANGED)


def test_a_runner_costs_little(lag, now, django_assert_max_num_queries):
    runner = lag.runner
    with django_assert_max_num_queries(1):
        assert executing.take(runner, now=now) is None
    assert Execution.objects.count() == 0
