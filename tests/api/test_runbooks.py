"""Runbooks and runs over the API."""

from __future__ import annotations

import pytest

from accounts.models import Role
from incidents.models import Incident
from runbooks import editing
from runbooks.models import Run, Runbook
from tests import make
from tests.api.caller import Caller, fields_of, mistakes_of
from tests.make import NOW

pytestmark = pytest.mark.django_db

BODY = {
    "slug": "lag",
    "title": "Consumer lag",
    "services": ["kafka"],
    "severities": ["high"],
    "steps": [{"title": "Look", "body": "Run `x`"}, {"title": "Scale", "body": "", "action": "scale-up"}],
}


@pytest.fixture(autouse=True)
def _at_night(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def manager(db):
    make.service("kafka")
    return Caller(make.user("meg", role=Role.MANAGER), "write")


def test_a_runbook_is_written_listed_and_read(manager, api):
    made = manager.post("runbooks", BODY, key="once")
    assert made.status_code == 201, made.content
    assert made.json() == {
        "slug": "lag",
        "title": "Consumer lag",
        "summary": "",
        "services": ["kafka"],
        "severities": ["high"],
        "facts": [],
        "steps": [
            {"title": "Look", "body": "Run `x`", "action": None},
            {"title": "Scale", "body": "", "action": "scale-up"},
        ],
        "team": None,
        "version": 1,
        "review_every_days": 180,
        "reviewed_at": "2026-10-14T01:47:08Z",
        "is_stale": False,
        "is_starter": False,
        "archived_at": None,
        "created_at": "2026-10-14T01:47:08Z",
        "url": made.json()["url"],
    }
    assert made.json()["url"].endswith("/runbooks/lag")
    assert manager.post("runbooks", BODY, key="once").json() == made.json()
    assert api.items("runbooks") == [made.json()] == [api.get("runbooks/lag").json()]
    assert api.get("runbooks/nothing").status_code == 404


def test_lists_are_narrowed(manager, api):
    manager.post("runbooks", BODY)
    make.runbook("other", services=("redis",))
    editing.archive(make.runbook("gone"), by=None)
    for query, slugs in {
        "": ["other", "lag"], "q=consumer": ["lag"], "service=redis": ["other"], "severity=high": ["lag"],
        "team=x": [], "stale=true": [], "archived=true": ["gone"],
    }.items():  # fmt: skip
        assert [row["slug"] for row in api.items(f"runbooks?{query}")] == slugs, query
    assert api.get("runbooks?severity=urgent").status_code == 422
    assert api.get("runbooks?x=1").status_code == 422


def test_a_change_makes_a_version_and_an_old_one_is_refused(manager):
    manager.post("runbooks", BODY)
    changed = manager.patch(
        "runbooks/lag", {"summary": "Why", "facts": [{"name": "job", "pattern": "k*"}], "based_on": 1}
    )
    assert changed.status_code == 200, changed.content
    assert {name: changed.json()[name] for name in ("version", "summary", "facts", "services")} == {
        "version": 2, "summary": "Why", "facts": [{"name": "job", "pattern": "k*"}], "services": ["kafka"],
    }  # fmt: skip
    late = manager.patch("runbooks/lag", {"title": "x", "based_on": 1})
    assert (late.status_code, late.json()["detail"]) == (409, "Meg saved version 2 while you were changing version 1.")
    assert manager.patch("runbooks/lag", {"review_every_days": 30, "archived": True}).json()["archived_at"]
    back = manager.patch("runbooks/lag", {"archived": False, "reviewed": True}).json()
    assert (back["archived_at"], back["version"], back["review_every_days"]) == (None, 2, 30)


def test_services_that_a_starter_guide_waits_for_survive_a_change(manager):
    make.runbook("waits", services=("redis",))
    same = manager.patch("runbooks/waits", {"services": ["kafka", "redis"]})
    assert same.json()["services"] == ["kafka", "redis"]
    assert mistakes_of(manager.patch("runbooks/waits", {"services": ["x"]})) == [
        ("services", "There is no service 'x'.")
    ]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"services": ["x"]}, "services"),
        ({"severities": ["urgent"]}, "severities.0"),
        ({"steps": []}, "steps"),
        ({"steps": [{"body": "x"}]}, "steps.0.title"),
        ({"steps": [{"title": " "}]}, "steps"),
        ({"steps": [{"title": "a", "action": "two words"}]}, "steps"),
        ({"steps": [{"title": "a", "run": "rm"}]}, "steps.0.run"),
        ({"slug": "new"}, "slug"),
        ({"slug": "a b"}, "slug"),
        ({"team": "x"}, "team"),
        ({"facts": [{"name": "a:b", "pattern": "c"}]}, "facts"),
        ({"foo": 1}, "foo"),
    ],
)
def test_what_is_wrong_is_named(manager, change, where):
    answer = manager.post("runbooks", BODY | change)
    assert where in [field for field, _ in mistakes_of(answer)]
    assert Runbook.objects.count() == 0


def test_writing_is_for_managers_of_the_site_or_the_team(manager, alice):
    make.team("core", managers=(alice,))
    caller = Caller(alice, "write")
    assert caller.post("runbooks", BODY).status_code == 403
    assert caller.post("runbooks", BODY | {"team": "core"}).status_code == 201
    assert caller.patch("runbooks/lag", {"title": "x"}).status_code == 200
    assert caller.patch("runbooks/lag", {"team": None}).status_code == 403


# ---- runs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def incident(manager):
    manager.post("runbooks", BODY)
    return make.incident()


def test_a_runbook_is_followed_to_its_end(api, bob, incident):
    body = {"runbook": "lag", "incident": incident.reference}
    started = api.post("runs", body)
    assert started.status_code == 201, started.content
    run = started.json()
    assert (run["incident"], run["runbook"], run["version"], run["started_by"]) == (
        incident.reference, "lag", 1, "alice",
    )  # fmt: skip
    assert run["steps"][1] == {
        "position": 2, "title": "Scale", "body": "", "action": "scale-up", "state": "todo", "by": None, "at": None,
        "text": "",
    }  # fmt: skip
    again = api.post("runs", body)
    assert (again.status_code, again.json()["id"]) == (200, run["id"])
    path = f"runs/{run['id']}/steps"
    done = api.post(f"{path}/1", {"state": "done", "text": "Lag 0"}).json()["steps"][0]
    assert (done["state"], done["by"], done["text"]) == ("done", "alice", "Lag 0")
    overtaken = Caller(bob, "write").post(f"{path}/1", {"state": "done"})
    assert (overtaken.status_code, overtaken.json()["detail"]) == (409, "Alice did step 1 at 01:47:08.")
    assert [field for field, _ in mistakes_of(api.post(f"{path}/2", {"state": "skipped"}))] == ["text"]
    assert api.post(f"{path}/2", {"text": "No room"}).json()["steps"][1]["state"] == "todo"
    over = api.post(f"{path}/2", {"state": "skipped", "text": "No room"}).json()
    assert over["finished_at"] == "2026-10-14T01:47:08Z"
    assert api.get(f"runs/{run['id']}").json() == over
    assert api.items("runs?state=finished") == [over]
    assert api.items(f"runs?state=unfinished&runbook=lag&incident={incident.reference}") == []
    assert api.post(f"{path}/1", {"state": "todo"}).json()["finished_at"] is None
    kinds = [row["kind"] for row in api.items(f"incidents/{incident.reference}/timeline")]
    assert [kind for kind in kinds if kind.startswith("runbook")] == [
        "runbook_started", "runbook_step", "runbook_step", "runbook_step", "runbook_finished", "runbook_step",
    ]  # fmt: skip


def test_what_is_no_run_is_refused_by_name(api, incident):
    assert fields_of(api.post("runs", {"runbook": "x", "incident": incident.reference})) == ["runbook"]
    assert fields_of(api.post("runs", {"runbook": "lag", "incident": "INC-999999"})) == ["incident"]
    assert sorted(fields_of(api.post("runs", {}))) == ["incident", "runbook"]
    assert api.post("runs/1/steps/1", {"state": "done"}).status_code == 404
    run = api.post("runs", {"runbook": "lag", "incident": incident.reference}).json()["id"]
    assert api.post(f"runs/{run}/steps/3", {"state": "done"}).status_code == 404
    assert api.post(f"runs/{run}/steps/1", {"state": "failed"}).status_code == 422
    assert api.post(f"runs/{run}/steps/1", {}).status_code == 422


def test_runs_at_hidden_incidents_are_not_there(api, bob, incident):
    run = api.post("runs", {"runbook": "lag", "incident": incident.reference}).json()["id"]
    Incident.objects.filter(pk=incident.pk).update(is_private=True, created_by=api.user)
    caller = Caller(bob, "write")
    assert caller.get(f"runs/{run}").status_code == 404
    assert caller.items("runs") == []
    assert caller.post(f"runs/{run}/steps/1", {"state": "done"}).status_code == 404
    assert Run.objects.get().steps.filter(state="done").count() == 0
