"""The door for runners: a token, strict JSON, and no surprise for whatever comes in."""

from __future__ import annotations

import json

import pytest

from automation import asking, runners
from automation.asking import Wish
from automation.models import Execution
from automation.parameters import Parameter
from tests import make

pytestmark = pytest.mark.django_db

CLAIM = "/runner/v1/claim"


@pytest.fixture
def runner(db):
    return make.runner("Kafka")


@pytest.fixture
def knock(client, runner):
    def send(address, body, *, token=runner[1], **more):
        data = body if isinstance(body, bytes) else json.dumps(body)
        return client.post(
            address, data=data, content_type="application/json", headers={"Authorization": f"Bearer {token}"}, **more
        )

    return send


def test_the_whole_way(knock, runner, alice):
    lag = make.action("lag", Parameter("group"), runner=runner[0], is_read_only=True, seconds=45)
    execution, _ = asking.ask(lag, make.incident(), Wish({"group": "orders"}), by=alice)
    work = knock(CLAIM, {"version": "1", "host": "h", "actions": []}).json()
    assert work == {
        "execution": execution.pk,
        "token": work["token"],
        "action": "lag",
        "parameters": {"group": "orders"},
        "dry_run": False,
        "seconds": 45,
    }
    assert knock(CLAIM, {}).status_code == 204
    at = f"/runner/v1/executions/{execution.pk}"
    token = {"token": work["token"]}
    assert knock(f"{at}/start/", token).status_code == 200
    assert knock(f"{at}/output", {**token, "offset": 0, "text": "LAG 0\n"}).json() == {"received": 6, "stop": False}
    assert knock(f"{at}/finish", {**token, "outcome": "done", "exit_code": 0}).status_code == 200
    assert Execution.objects.get().state == "done"
    assert knock(f"{at}/start", token).status_code == 409


def test_what_the_file_allows_is_shown(knock, runner, now):
    offers = [{"name": "lag", "description": "Shows it", "read_only": True, "parameters": [{"name": "group"}]}]
    knock(CLAIM, {"version": "1", "host": "kafka-1", "actions": offers, "later": 1})
    runner[0].refresh_from_db()
    assert (runner[0].host, runner[0].offer("lag")["read_only"], runner[0].offer("other")) == ("kafka-1", True, None)


def test_nobody_gets_in_without_a_token_that_counts(client, knock, runner):
    for headers in (
        {},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic abc"},
        {"Authorization": "Bearer x\x00"},
    ):
        assert client.post(CLAIM, data="{}", content_type="application/json", headers=headers).status_code == 401
    runners.update(runner[0], by=None, is_enabled=False)
    assert knock(CLAIM, {}).status_code == 401
    assert client.get(CLAIM).status_code == 405


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("claim", b""),
        ("claim", b"[]"),
        ("claim", b'{"version": 1}'),
        ("claim", b"\xff"),
        ("executions/1/start", b"{}"),
        ("executions/1/start", b'{"token": null}'),
        ("executions/1/output", b'{"token": "x", "offset": -1}'),
        ("executions/1/output", b'{"token": "x", "offset": 1e999}'),
        ("executions/1/finish", b'{"token": "x", "outcome": "maybe"}'),
        ("executions/1/finish", b'{"token": "x", "outcome": "done", "exit_code": 99999999999}'),
    ],
)
def test_what_cannot_be_read_is_said(knock, path, body):
    answer = knock(f"/runner/v1/{path}", body)
    assert answer.status_code == 422
    assert answer.json()["detail"].endswith(".")


def test_unknown_executions_and_too_much(knock):
    for path in ("start", "output", "finish"):
        body = {"token": "00000000-0000-0000-0000-000000000000", "offset": 0, "outcome": "done"}
        assert knock(f"/runner/v1/executions/999999999999999999/{path}", body).status_code == 409
    assert knock(CLAIM, b" " * 600_000).status_code == 413
