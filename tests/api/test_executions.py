"""Executions over the API: asked for, approved, refused and stopped."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation import executing
from automation.models import Execution
from automation.parameters import Parameter
from core.work import db_now
from runbooks import running
from tests import make
from tests.api.caller import Caller, fields_of, mistakes_of
from tests.make import NOW

pytestmark = pytest.mark.django_db

WISH = {"action": "scale-up", "parameters": {"group": "search-indexer"}}


@pytest.fixture
def incident():
    return make.incident()


def ask(api, at, **fields):
    return api.post("executions", WISH | {"incident": at.reference} | fields)


@pytest.fixture
def scale_up(root):
    runner, _ = make.runner("Kafka")
    takes = [Parameter("group"), Parameter("replicas", "integer", default=4, minimum=1, maximum=20)]
    return make.action("scale-up", *takes, runner=runner, has_dry_run=True, kind="scale")


def test_an_action_is_asked_for_and_its_output_is_read(api, incident, scale_up, time_machine):
    time_machine.move_to(NOW, tick=False)
    wish = WISH | {"incident": incident.reference}
    made = api.post("executions", wish, key="once")
    assert made.status_code == 201, made.content
    shown = made.json()
    execution = Execution.objects.get()
    times = {name: shown[name] for name in ("asked_at", "url")}
    assert shown == times | {
        "id": execution.pk, "action": "scale-up", "revision": 1, "incident": incident.reference, "way": "runner",
        "runner": scale_up.runner_id, "parameters": {"group": "search-indexer", "replicas": 4}, "dry_run": False,
        "is_automatic": False, "run": None, "step": None, "rollback_of": None, "state": "queued", "detail": "",
        "asked_by": "alice", "decided_at": None, "decided_by": None, "stopped_at": None, "stopped_by": None,
        "started_at": None, "finished_at": None, "exit_code": None, "http_status": None, "rollback": None,
        "output": "", "left_out": 0,
    }  # fmt: skip
    assert shown["url"].endswith(f"/executions/{execution.pk}")
    again = api.post("executions", wish, key="once")
    assert (again.json(), again["Idempotency-Replayed"]) == (shown, "true")
    work = executing.take(scale_up.runner)
    executing.begin(scale_up.runner, execution.pk, work.token)
    executing.hear(scale_up.runner, execution.pk, work.token, offset=0, text="scaled to 4\n")
    executing.end(scale_up.runner, execution.pk, work.token, outcome="done", exit_code=0, detail="Exit 0")
    over = api.get(f"executions/{execution.pk}").json()
    assert (over["state"], over["exit_code"], over["output"]) == ("done", 0, "scaled to 4\n")
    listed = api.items("executions")
    assert [listed[0]] == [{name: value for name, value in over.items() if name not in ("output", "left_out")}]


def test_an_action_is_under_way_once_at_an_incident(api, bob, incident, scale_up):
    assert ask(api, incident).status_code == 201
    second = ask(Caller(bob, "write"), incident)
    assert (second.status_code, second.json()["detail"]) == (
        409, "Alice asked for “Scale-up” a moment ago: waits to begin.",
    )  # fmt: skip
    assert ask(api, make.incident()).status_code == 201


def test_what_cannot_be_done_now_is_a_conflict(root, api, incident, scale_up):
    root.patch("actions/scale-up", {"has_dry_run": False})
    assert ask(api, incident, dry_run=True).status_code == 409
    root.patch(f"runners/{scale_up.runner_id}", {"is_enabled": False})
    assert ask(api, incident).status_code == 409
    root.patch("actions/scale-up", {"archived": True})
    assert ask(api, incident).json()["detail"] == "“Scale-up” is archived."
    assert not Execution.objects.exists()


def test_wrong_values_are_named_one_by_one(api, incident, scale_up):
    values = {"group": "a; rm -rf /", "replicas": 21, "other": 1}
    other, group, replicas = mistakes_of(ask(api, incident, parameters=values))
    assert other == ("parameters.other", "This action has no such parameter.")
    assert (group[0], group[1][:32]) == ("parameters.group", "Enter a name of at most 128 lett")
    assert replicas == ("parameters.replicas", "Enter a whole number from 1 to 20.")
    assert [field for field, _ in mistakes_of(ask(api, incident, parameters={}))] == ["parameters.group"]
    for wrong in ([], {}, 1.5, True, "", "-x", "x" * 200, {"a": ["b"]}, 10**18 - 1):
        assert [field for field, _ in mistakes_of(ask(api, incident, parameters={"group": wrong}))] == [
            "parameters.group"
        ], wrong
    assert fields_of(ask(api, incident, parameters={f"a{number}": 1 for number in range(21)})) == ["parameters"]
    for wrong in ([], "x", None, 1):
        assert fields_of(ask(api, incident, parameters=wrong)) == ["parameters"], wrong
    assert sorted(fields_of(ask(api, incident, parameters={"__all__": 1, "": 2}))) == [
        "parameters.", "parameters.__all__", "parameters.group",
    ]  # fmt: skip
    assert not Execution.objects.exists()


def test_what_it_names_has_to_be_there(api, incident, scale_up):
    for fields, where in (
        ({"action": "nope"}, "action"),
        ({"action": 1}, "action"),
        ({"incident": "INC-999999"}, "incident"),
        ({"incident": "7"}, "incident"),
        ({"dry_run": "yes"}, "dry_run"),
        ({"run": 999, "step": 1}, "run"),
        ({"run": 999}, "step"),
        ({"step": 1}, "run"),
        ({"run": 10**17, "step": 1}, "run"),
        ({"run": 1, "step": 2**40}, "step"),
        ({"rollback_of": 999}, "rollback_of"),
        ({"place": "run/1/1"}, "place"),
    ):
        assert fields_of(ask(api, incident, **fields)) == [where], fields
    assert not Execution.objects.exists()


def test_an_execution_belongs_to_a_step_of_a_run_at_its_incident(api, incident, scale_up):
    run, _ = running.start(incident, make.runbook("lag", "Look", "Scale"), by=None)
    made = ask(api, incident, run=run.pk, step=2)
    assert made.status_code == 201, made.content
    assert (made.json()["run"], made.json()["step"]) == (run.pk, 2)
    assert Execution.objects.get().place == f"run/{run.pk}/2"
    assert api.items(f"executions?run={run.pk}")[0]["id"] == made.json()["id"]
    assert api.items(f"executions?run={run.pk + 1}") == []
    assert fields_of(ask(api, incident, run=run.pk, step=3)) == ["step"]
    assert mistakes_of(ask(api, make.incident(), run=run.pk, step=2))[0][0] == "run"


def test_what_is_taken_back_was_done_there(root, api, incident, scale_up):
    make.action("scale-down", Parameter("group"), runner=scale_up.runner)
    first = ask(api, incident).json()
    assert fields_of(ask(api, incident, action="scale-down", rollback_of=first["id"])) == ["rollback_of"]
    root.patch("actions/scale-up", {"rollback": "scale-down"})
    assert api.get(f"executions/{first['id']}").json()["rollback"] == "scale-down"
    back = ask(api, incident, action="scale-down", rollback_of=first["id"])
    assert (back.status_code, back.json()["rollback_of"]) == (201, first["id"])
    elsewhere = ask(api, make.incident(), action="scale-down", rollback_of=first["id"])
    assert fields_of(elsewhere) == ["rollback_of"]


def test_a_second_person_approves(root, api, bob, incident, scale_up):
    root.patch("actions/scale-up", {"is_destructive": True})
    asked = ask(api, incident).json()
    assert asked["state"] == "waiting"
    path = f"executions/{asked['id']}"
    own = api.post(f"{path}/approve")
    assert (own.status_code, own.json()["detail"]) == (409, "You asked for it: somebody else has to approve it.")
    approved = Caller(bob, "write").post(f"{path}/approve")
    assert (approved.status_code, approved.json()["state"], approved.json()["decided_by"]) == (200, "queued", "bob")
    late = Caller(bob, "write").post(f"{path}/refuse", {"reason": "No"})
    assert (late.status_code, late.json()["detail"]) == (409, "It does not wait any more: waits to begin, by Bob.")
    assert ask(api, make.incident(), dry_run=True).json()["state"] == "queued"


def test_a_second_person_refuses_and_says_why(root, api, bob, incident, scale_up):
    root.patch("actions/scale-up", {"is_destructive": True})
    path, other = f"executions/{ask(api, incident).json()['id']}", Caller(bob, "write")
    for wrong in ({"reason": ""}, {"reason": " \n"}, {"reason": "x" * 401}, {}, {"reason": None}):
        assert fields_of(other.post(f"{path}/refuse", wrong)) == ["reason"], wrong
    refused = other.post(f"{path}/refuse", {"reason": "The broker is down"}).json()
    assert (refused["state"], refused["detail"], refused["decided_by"]) == ("refused", "The broker is down", "bob")
    assert other.post(f"{path}/approve").status_code == other.post(f"{path}/stop").status_code == 409


def test_what_has_not_begun_is_taken_back_and_a_runner_is_told_to_stop(api, incident, scale_up):
    first = api.post(f"executions/{ask(api, incident).json()['id']}/stop").json()
    assert (first["state"], first["stopped_by"]) == ("cancelled", "alice")
    path = f"executions/{ask(api, incident).json()['id']}"
    work = executing.take(scale_up.runner)
    executing.begin(scale_up.runner, work.execution, work.token)
    for _ in range(2):
        stopping = api.post(f"{path}/stop").json()
        assert (stopping["state"], stopping["stopped_by"]) == ("running", "alice")
    assert executing.hear(scale_up.runner, work.execution, work.token, offset=0, text="")[1] is True


def test_executions_are_narrowed_in_four_queries_or_fewer(api, incident, scale_up):
    make.action("other", Parameter("group"))
    other = make.incident()
    first, second = ask(api, incident).json()["id"], ask(api, other).json()["id"]
    third = ask(api, incident, action="other").json()["id"]
    api.post(f"executions/{first}/stop")
    for query, found in {
        "": [third, second, first], f"incident={incident.reference}": [third, first], "action=other": [third],
        "state=cancelled": [first], "unfinished=true": [third, second], "unfinished=false": [third, second, first],
        "incident=INC-999999": [], "action=nope": [], "incident=x": [], "run=1": [],
    }.items():  # fmt: skip
        assert [row["id"] for row in api.items(f"executions?{query}")] == found, query
    for query in ("state=over", "unfinished=x", "run=0", f"run={2**63}", "run=x", "step=1", "incident=%00", "limit=0"):
        assert api.get(f"executions?{query}").status_code in (400, 422), query
    counts = []
    for limit in (1, 200):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            api.get(f"executions?limit={limit}")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 4


def test_nobody_approves_after_an_hour(root, api, bob, incident, scale_up, time_machine):
    root.patch("actions/scale-up", {"is_destructive": True})
    asked = ask(api, incident).json()
    Execution.objects.update(due_at=db_now() - timedelta(seconds=1))
    answer = Caller(bob, "write").post(f"executions/{asked['id']}/approve")
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
