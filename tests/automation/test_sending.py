"""Requests are signed and sent once, through the guarded client."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from automation import asking, defining, sending, watching
from automation.asking import Wish
from automation.parameters import Parameter
from core.work import db_now
from notifications import signing
from tests import make
from tests.receivers import free_port, webhook_receiver

pytestmark = [pytest.mark.django_db, pytest.mark.enable_socket]


@pytest.fixture
def hook(settings):
    settings.MUSTER = replace(settings.MUSTER, allow_nets=(ipaddress.ip_network("127.0.0.0/8"),))
    with webhook_receiver() as receiver:
        yield receiver


def ask(action, by, **values):
    return asking.ask(action, make.incident(), Wish(values), by=by)[0]


def sent(execution):
    assert sending.send_due(now=db_now()) == 1
    execution.refresh_from_db()
    return execution


def test_a_request_is_signed_and_sent_once(hook, alice):
    action = make.action("scale", Parameter("group"), url=hook.url, authorization="Bearer abc")
    execution = sent(ask(action, alice, group="orders"))
    assert (execution.state, execution.detail, execution.http_status) == ("done", "Accepted: HTTP 200.", 200)
    ((headers, body),) = hook.requests
    signing.verify(action.signing_secret, headers=headers, body=body, now=timezone.now())
    assert (headers["authorization"], headers["webhook-id"]) == ("Bearer abc", f"exec_{execution.pk}")
    data = json.loads(body)["data"]
    assert (data["action"], data["parameters"], data["asked_by"]) == ("scale", {"group": "orders"}, "alice")
    assert data["incident"] == execution.incident.reference
    assert sending.send_due(now=db_now()) == 0
    assert execution.incident.evidence.get().source == "Muster"


@pytest.mark.parametrize(
    ("status", "state", "said"),
    [
        (201, "done", "Accepted: HTTP 201."),
        (302, "failed", "Turned down: HTTP 302."),
        (401, "failed", "Turned down: HTTP 401."),
        (501, "failed", "Turned down: HTTP 501."),
        (303, "unknown", "HTTP 303. It may have been done: check before you ask again."),
        (503, "unknown", "HTTP 503. It may have been done: check before you ask again."),
        (502, "unknown", "HTTP 502. It may have been done: check before you ask again."),
    ],
)
def test_the_answer_says_how_it_ended(hook, alice, status, state, said):
    hook.status = status
    execution = sent(ask(make.action(url=hook.url), alice))
    assert (execution.state, execution.detail, len(hook.requests)) == (state, said, 1)


def test_an_answer_that_echoes_the_password_is_masked(hook, alice):
    hook.body = b"user ci, password 11abcdef, pair ci:11abcdef, header Y2k6MTFhYmNkZWY="
    execution = sent(ask(make.action(url=hook.url, authorization="Basic Y2k6MTFhYmNkZWY="), alice))
    assert execution.output == "user ci, password ••••, pair ••••, header ••••"


def test_where_nobody_listens_nothing_was_sent(hook, alice):
    execution = sent(ask(make.action(url=f"http://127.0.0.1:{free_port()}/x"), alice))
    assert execution.state == "failed"
    assert execution.detail.endswith("Nothing was sent.")


def test_who_never_answers_may_have_done_it(hook, alice, monkeypatch):
    monkeypatch.setattr("core.http.post.__kwdefaults__", {"guard": None, "total_seconds": 0.3})
    hook.pause = 0.8
    execution = sent(ask(make.action(url=hook.url), alice))
    assert execution.state == "unknown"
    assert execution.detail.endswith("did not answer within 0.3 s. It may have been done: check before you ask again.")


def test_the_guard_refuses_our_own_network(alice):
    execution = sent(ask(make.action(url="http://127.0.0.1:9/x"), alice))
    assert (execution.state, "is refused" in execution.detail) == ("failed", True)


def test_a_sender_that_went_away_is_not_followed_by_another(hook, alice):
    execution = ask(make.action(url=hook.url), alice)
    assert sending._begin(execution.pk) is not None  # killed here
    assert sending._begin(execution.pk) is None
    assert sending.send_due(now=db_now()) == 0
    assert watching.watch_due(now=db_now() + timedelta(seconds=31)) == 1
    execution.refresh_from_db()
    assert (execution.state, hook.requests) == ("unknown", [])
    assert sending.send_due(now=db_now() + timedelta(hours=1)) == 0


def test_a_sender_that_stood_still_sends_nothing_any_more(hook, alice, monkeypatch):
    execution = ask(make.action(url=hook.url), alice)
    begun = sending._begin(execution.pk)
    assert watching.watch_due(now=db_now() + timedelta(seconds=31)) == 1
    later = db_now() + timedelta(seconds=31)
    monkeypatch.setattr(sending, "db_now", lambda: later)
    sending._send(begun)
    execution.refresh_from_db()
    assert (execution.state, hook.requests) == ("failed", [])
    assert execution.detail == "Muster stood still before it could send this. Nothing was sent."


def test_a_changed_action_is_not_sent(hook, alice):
    action = make.action(url=hook.url)
    execution = ask(action, alice)
    defining.change(action, by=None, url=hook.url + "/other")
    assert sending.send_due(now=db_now()) == 0
    execution.refresh_from_db()
    assert (execution.state, hook.requests) == ("cancelled", [])


@pytest.mark.django_db(transaction=True)
def test_several_are_sent_at_once(hook, alice):
    hook.pause = 0.5
    made = [ask(make.action(url=hook.url), alice) for _ in range(4)]
    started = timezone.now()
    assert sending.send_due(now=db_now()) == 4
    assert timezone.now() - started < timedelta(seconds=1.5)
    for execution in made:
        execution.refresh_from_db()
    assert [execution.state for execution in made] == ["done"] * 4


def test_actions_of_the_demo_are_done_without_being_sent(hook, alice):
    for action in (make.action(url=hook.url, is_demo=True), make.action(is_demo=True)):
        execution = sent(ask(action, alice))
        assert (execution.state, execution.detail) == ("done", "Demo data: nothing was run.")
    assert hook.requests == []
