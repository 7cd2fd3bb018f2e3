"""Actions, runners and executions over the API: who may do what, and what strangers send."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Role
from automation.models import Action, Execution, Runner
from incidents.models import Incident
from runbooks import running
from tests import make
from tests.api.caller import Caller, mistakes_of
from tests.api.test_hostile import BODIES
from tests.profile import share

pytestmark = pytest.mark.django_db

REQUEST: dict[str, Any] = {
    "slug": "scale-up",
    "name": "Scale the consumers",
    "way": "http",
    "url": "https://ci.example.com/hook",
    "authorization": "Bearer abcdef",
    "parameters": [{"name": "group"}],
    "services": [],
    "has_dry_run": True,
}


@pytest.fixture
def incident():
    return make.incident()


def ask(caller, at, **fields):
    return caller.post("executions", {"incident": at.reference, **fields})


# ---- rights --------------------------------------------------------------------------------------------------------

ADMINS = [
    ("POST", "actions", REQUEST),
    ("PATCH", "actions/waits", {"name": "X"}),
    ("POST", "actions/waits/signing-secret", None),
    ("POST", "runners", {"name": "X"}),
    ("PATCH", "runners/{runner}", {"is_enabled": False}),
    ("POST", "runners/{runner}/token", None),
]
RESPONDERS = [
    ("POST", "executions", {"action": "free", "incident": "{incident}"}),
    ("POST", "executions/{execution}/approve", None),
    ("POST", "executions/{execution}/refuse", {"reason": "No"}),
    ("POST", "executions/{execution}/stop", None),
]
READERS = [
    ("GET", path, None)
    for path in ("actions", "actions/waits", "runners", "runners/{runner}", "executions", "executions/{execution}")
]


@pytest.fixture
def things(incident):
    """An execution that waits for a second person, asked for by nobody of the callers."""
    runner, _ = make.runner("Kafka")
    make.action("free", runner=runner)
    make.action("waits", url="https://ci.example.com/", is_destructive=True)
    asked = ask(Caller(make.user("asker"), "write"), incident, action="waits").json()
    return {"runner": runner.pk, "incident": incident.reference, "execution": asked["id"]}


def attempt(caller, method, path, body, things):
    if body and "incident" in body:
        body = body | {"incident": things["incident"]}
    return caller.call(method, path.format(**things), body)


@pytest.mark.parametrize(("role", "scope"), list(itertools.product(Role, ("read", "write", "admin"))))
def test_who_may_do_what(things, role, scope):
    caller = Caller(make.user("caller", role=role), scope)
    may = {
        "admin": role == Role.ADMIN and scope == "admin",
        "responder": role.rank >= Role.RESPONDER.rank and scope != "read",
        "reader": True,
    }
    for need, rows in (("admin", ADMINS), ("responder", RESPONDERS), ("reader", READERS)):
        for row in rows:
            with transaction.atomic():
                answer = attempt(caller, *row, things)
                transaction.set_rollback(True)
            assert answer.status_code in ((200, 201) if may[need] else (403,)), (row, answer.content)


@pytest.mark.parametrize(("method", "path", "body"), [*RESPONDERS, READERS[-1]])
def test_an_execution_at_a_hidden_incident_is_not_there(things, bob, method, path, body):
    Incident.objects.update(is_private=True)
    stranger = Caller(bob, "write")
    answer = attempt(stranger, method, path, body, things)
    if path == "executions":
        assert mistakes_of(answer) == [("incident", "There is no such incident.")]
    else:
        missing = attempt(stranger, method, path, body, things | {"execution": things["execution"] + 1})
        assert (answer.status_code, answer.content) == (404, missing.content)
    assert Execution.objects.get().state == "waiting"
    assert stranger.items("executions") == stranger.items(f"executions?incident={things['incident']}") == []


def test_a_hidden_execution_is_not_taken_back_by_whoever_guesses_its_number(bob, things):
    secret = Incident.objects.get()
    Incident.objects.update(is_private=True)
    make.action("back")
    Action.objects.filter(slug="waits").update(rollback=Action.objects.get(slug="back"))
    run, _ = running.start(secret, make.runbook("lag", "Look"), by=None)
    stranger, open_one = Caller(bob, "write"), make.incident()
    for fields in ({"rollback_of": things["execution"]}, {"run": run.pk, "step": 1}):
        answer = ask(stranger, open_one, action="back", **fields)
        missing = ask(stranger, open_one, action="back", **fields | {next(iter(fields)): 10**9})
        assert (answer.status_code, answer.content) == (422, missing.content)


# ---- hostile input -------------------------------------------------------------------------------------------------

POSTS = [
    "actions",
    "runners",
    "executions",
    "actions/waits/signing-secret",
    "runners/{runner}/token",
    "executions/{execution}/approve",
    "executions/{execution}/refuse",
    "executions/{execution}/stop",
]
EMPTY_IS_FINE = ("signing-secret", "token", "approve", "stop")


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_the_senders_mistake(root, things, name):
    before = (Action.objects.count(), Runner.objects.count(), Execution.objects.count())
    patches = [("PATCH", "actions/waits"), ("PATCH", "runners/{runner}")]
    for method, path in [("POST", path) for path in POSTS] + patches:
        if name in ("empty", "null") and path.rpartition("/")[2] in EMPTY_IS_FINE:
            continue
        answer = root.call(method, path.format(**things), BODIES[name])
        assert 400 <= answer.status_code < 500, (method, path, answer.content)
        assert answer["Content-Type"] == "application/problem+json"
    assert (Action.objects.count(), Runner.objects.count(), Execution.objects.count()) == before


STRANGE: list[Any] = [
    None, True, 0, -1, 2**53, 10**17, 1.5, "", " ", "\u202e", "\U0001f600" * 50, "x" * 5000, "%s{{}}${x}", "a\nb",
    "\x7f", [], [[]], {}, {"a": {}}, [None], ["x"] * 600, "https://[", "../..", "INC-1", "__class__",
]  # fmt: skip


TYPES: dict[str, dict[str, Any]] = {
    "name": {"default": "x"},
    "integer": {"default": 1, "minimum": 1, "maximum": 2},
    "choice": {"default": "x", "choices": ["x"]},
    "boolean": {"default": True},
    "text": {"default": "x", "pattern": "x|y"},
}
ACTION = {
    **REQUEST, "summary": "", "kind": "fix", "runner": None, "command": "", "format": "argo", "target": "x",
    "is_read_only": False, "is_destructive": False, "is_automatic": False, "seconds": 1, "rollback": "free",
}  # fmt: skip
PARAMETER = ("name", "type", "label", "is_required", "default", "minimum", "maximum", "choices", "pattern", "fact")


def with_parameter(kind, **fields):
    return ACTION | {"parameters": [{"name": "a", "type": kind, **TYPES[kind], **fields}]}


def test_the_bodies_that_are_spoilt_are_good_ones(root, things):
    for kind in TYPES:
        answer = root.post("actions", with_parameter(kind) | {"slug": kind})
        assert answer.status_code == 201, answer.content
        asked = {"action": kind, "incident": things["incident"], "parameters": {"a": TYPES[kind]["default"]}}
        assert root.post("executions", asked).status_code == 201


@pytest.mark.parametrize("value", STRANGE, ids=lambda value: repr(value)[:20])
def test_no_value_of_any_field_is_our_mistake(root, things, value):
    """Each field of each body in turn, taken back when it was accepted and what then is listed was read."""
    for kind in TYPES:
        root.post("actions", with_parameter(kind) | {"slug": kind})
    wish = {"action": "free", "incident": things["incident"]}
    tried = [
        *(("POST", "actions", ACTION | {field: value}) for field in ACTION),
        *(("POST", "actions", with_parameter(kind, **{field: value})) for kind in TYPES for field in PARAMETER),
        *(("PATCH", "actions/waits", {field: value}) for field in (*ACTION, "archived")),
        ("POST", "runners", {"name": value}),
        *(("PATCH", "runners/{runner}", {field: value}) for field in ("name", "is_enabled")),
        *(("POST", "executions", wish | {field: value}) for field in (*wish, "parameters", "dry_run", "rollback_of")),
        *(("POST", "executions", wish | {"run": 1, "step": 1, field: value}) for field in ("run", "step")),
        *(("POST", "executions", wish | {"action": kind, "parameters": {"a": value}}) for kind in TYPES),
        ("POST", "executions/{execution}/refuse", {"reason": value}),
    ]
    for method, path, body in share(tried, one_of=4, turn=STRANGE.index(value)):
        with transaction.atomic():
            answer = root.call(method, path.format(**things), body)
            assert answer.status_code < 500, (method, path, body, answer.content)
            if answer.status_code < 300:
                for shown in ("actions?archived=true", "actions", "runners", "executions"):
                    assert root.get(shown).status_code == 200, (shown, body)
            transaction.set_rollback(True)


@pytest.mark.parametrize(
    "path",
    [
        "actions/%00", "actions/a%00", f"actions/{'x' * 5000}", "actions/..", "actions/%ED%A0%80", "actions/x/nothing",
        "runners/0", "runners/x", "runners/9223372036854775808", "runners/1.5", "runners/%00", f"runners/{'9' * 30}",
        "executions/0", "executions/x", "executions/-1", "executions/9223372036854775808", "executions/%00",
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere_is_not_found(root, path):
    answer = root.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_the_whole_address_is_read_by_those_who_define(things):
    for role, shown in ((Role.ADMIN, "https://ci.example.com/"), (Role.MANAGER, "https://ci.example.com/…")):
        caller = Caller(make.user(role=role), "read")
        assert caller.get("actions/waits").json()["url"] == shown
        assert {one["url"] for one in caller.get("actions").json()["items"]} == {"", shown}
