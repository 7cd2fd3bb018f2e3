"""The page of an execution, and what is said to one there."""

from __future__ import annotations

import json
import re

import pytest

from automation.models import Execution
from tests import make
from tests.automation.pages import GROUP, HTMX, REPLICAS, asked_for, begun, ended, words

pytestmark = pytest.mark.django_db


def test_the_page_says_everything_and_no_secret(at_desk, incident, alice, admin):
    action = make.action(
        "hook", GROUP, url="https://hooks.example.com/run", authorization="Bearer very-secret-word", name="Hook"
    )
    asked = asked_for(action, incident, alice, values={"group": "orders"}, place="run/7/3")
    at_desk.force_login(admin)
    for address in (asked.get_absolute_url(), action.get_absolute_url(), f"{action.get_absolute_url()}/edit"):
        page = at_desk.get(address).content.decode()
        assert "very-secret-word" not in page
        assert action.signing_secret not in page
    said = words(at_desk.get(asked.get_absolute_url()))
    for word in (
        "Hook",
        "Waits to begin",
        "Alice",
        "https://hooks.example.com/run",
        "Authorization set",
        "orders",
        "step 3",
    ):
        assert word in said, word


def test_output_is_shown_as_text_with_what_was_left_out(at_desk, incident, lag, alice):
    asked = ended(
        asked_for(lag, incident, alice, values={"group": "x"}),
        "failed",
        "<b>bold</b>\n",
        exit_code=3,
        detail="No.",
        left_out=4096,
    )
    answer = at_desk.get(asked.get_absolute_url())
    assert "&lt;b&gt;bold&lt;/b&gt;" in answer.content.decode()
    said = words(answer)
    for word in ("Failed", "No.", "Exit code 3", "4,096 bytes left out.", "Run again", "Copy"):
        assert word in said, word


def test_only_what_has_changed_is_answered(at_desk, incident, lag, alice):
    asked = asked_for(lag, incident, alice, values={"group": "x"})
    page = at_desk.get(asked.get_absolute_url()).content.decode()
    seen = ",".join(
        f"{name}.{version}" for name, version in re.findall(r'id="(execution-\w+)"[^>]*data-version="(\w+)"', page)
    )
    address = f"{asked.get_absolute_url()}/changed?seen={seen}"
    assert at_desk.get(address, headers=HTMX).status_code == 204
    begun(asked, "one\n")
    parts = re.findall(r'id="(execution-\w+)"', at_desk.get(address, headers=HTMX).content.decode())
    assert parts == ["execution-head", "execution-facts", "execution-output"]


def test_a_second_person_approves_and_whoever_asked_cannot(at_desk, client, incident, restart, alice, bob):
    asked = asked_for(restart, incident, alice)
    said = words(at_desk.get(asked.get_absolute_url()))
    assert "Somebody else has to approve it." in said
    assert "Take it back" in said
    answer = at_desk.post(f"{asked.get_absolute_url()}/approve")
    assert (answer.status_code, "You asked for it" in words(answer)) == (409, True)
    client.force_login(bob)
    assert "Approve" in words(client.get(asked.get_absolute_url()))
    assert client.post(f"{asked.get_absolute_url()}/approve").status_code == 303
    assert client.post(f"{asked.get_absolute_url()}/approve", headers=HTMX).status_code == 409
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == ("queued", bob)
    assert "Approved Bob" in words(client.get(asked.get_absolute_url()))


def test_a_second_person_refuses_for_a_reason(client, incident, restart, alice, bob):
    client.force_login(bob)
    asked = asked_for(restart, incident, alice)
    where = f"{asked.get_absolute_url()}/refuse"
    assert "Refuse Restart" in words(client.get(where))
    assert client.post(where, {"reason": " "}).status_code == 422
    assert client.post(where, {"reason": "Not at noon"}).status_code == 303
    late = client.post(where, {"reason": "Once more please"})
    assert (late.status_code, "Once more please" in words(late)) == (409, True)
    said = words(client.get(asked.get_absolute_url()))
    assert "Refused Bob" in said
    assert "Not at noon" in said
    assert "It was not run." in said


def test_it_is_taken_back_or_told_to_stop(at_desk, incident, lag, alice):
    asked = asked_for(lag, incident, alice, values={"group": "x"})
    assert at_desk.post(f"{asked.get_absolute_url()}/stop").status_code == 303
    assert "Not run" in words(at_desk.get(asked.get_absolute_url()))
    assert at_desk.post(f"{asked.get_absolute_url()}/stop").status_code == 409
    again = asked_for(lag, incident, alice, values={"group": "x"})
    begun(again)
    assert "Stop" in words(at_desk.get(again.get_absolute_url()))
    answer = at_desk.post(f"{again.get_absolute_url()}/stop", headers=HTMX)
    assert json.loads(answer["HX-Trigger"])["muster:done"]["said"] == "It is told to stop."
    assert "Is told to stop" in words(at_desk.get(again.get_absolute_url()))


def test_run_again_and_roll_back_take_the_values_along(at_desk, incident, alice):
    undo = make.action("undo", GROUP, name="Undo", kind="rollback")
    scale = make.action("scale", GROUP, REPLICAS, rollback=undo)
    done = ended(asked_for(scale, incident, alice, values={"group": "slow", "replicas": 4}))
    page = at_desk.get(done.get_absolute_url()).content.decode()
    again, back = re.findall(r'href="([^"]+actions/(?:scale|undo)\?[^"]+)"', page)
    assert 'value="slow"' in at_desk.get(again).content.decode()
    form = at_desk.get(back)
    assert 'value="slow"' in form.content.decode()
    assert "Takes back" in words(form)
    at_desk.post(back.split("?")[0], {"value-group": "slow", "rollback_of": done.pk})
    taken = Execution.objects.get(action=undo)
    assert taken.rollback_of == done
    assert "Rolled back by Undo" in words(at_desk.get(done.get_absolute_url()))
    assert "Takes back Scale" in words(at_desk.get(taken.get_absolute_url()))


def test_a_dry_run_is_not_rolled_back_and_nothing_elsewhere_is(at_desk, incident, alice):
    scale = make.action("scale", has_dry_run=True, rollback=make.action("undo"))
    dry = ended(asked_for(scale, incident, alice, is_dry_run=True))
    assert "rollback_of" not in at_desk.get(dry.get_absolute_url()).content.decode()
    other = make.incident()
    for name in ("again", "rollback_of"):
        assert at_desk.get(f"{other.get_absolute_url()}/actions/undo?{name}={dry.pk}").status_code == 404
        assert at_desk.get(f"{other.get_absolute_url()}/actions/undo?{name}=x").status_code == 200
