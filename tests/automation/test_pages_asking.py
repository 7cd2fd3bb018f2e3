"""The form that asks for an action at an incident."""

from __future__ import annotations

import json
import re

import pytest

from automation import asking, runners
from automation.models import Execution
from automation.parameters import Parameter
from core.work import db_now
from incidents.models import Incident
from tests import make
from tests.automation.pages import GROUP, HTMX, REPLICAS, asked_for, ended, words

pytestmark = pytest.mark.django_db


def test_the_form_has_a_field_for_each_parameter_and_says_where_its_value_comes_from(at_desk, incident):
    action = make.action(
        "scale",
        GROUP,
        Parameter("replicas", "integer", minimum=1, maximum=20, default=3),
        Parameter("zone", "choice", choices=("a", "b"), is_required=False),
        Parameter("drain", "boolean", default=True),
        Parameter("note", "text", pattern="[a-z ]+", fact="region"),
    )
    incident.facts = {"consumer_group": "orders", "region": "EU <1>"}
    incident.save(update_fields=["facts"])
    answer = at_desk.get(f"{incident.get_absolute_url()}/actions/scale")
    page, said = answer.content.decode(), words(answer)
    assert re.search(r'name="value-group"[^>]*value="orders"|value="orders"[^>]*name="value-group"', page)
    assert 'type="number"' in page
    assert "checked" in page.split('name="value-drain"')[1].split(">")[0]
    assert "From the alert's label consumer_group." in said
    assert "The alert's region does not fit and was left out." in said
    assert "EU &lt;1&gt;" not in page
    assert "Dry run" not in said
    assert action.name in said


def test_what_a_parameter_takes_is_shown_as_text(at_desk, incident):
    make.action("odd", Parameter("text", "text", pattern="<b>[a-z]+</b>", fact="<i>label</i>"))
    Incident.objects.update(facts={"<i>label</i>": "<b>"})
    page = at_desk.get(f"{incident.get_absolute_url()}/actions/odd").content.decode()
    assert "A text that is all of the pattern &lt;b&gt;[a-z]+&lt;/b&gt;." in page
    assert "The alert&#x27;s &lt;i&gt;label&lt;/i&gt; does not fit" in page


def test_one_press_asks_and_the_same_form_asks_once(at_desk, incident, lag, alice):
    where = f"{incident.get_absolute_url()}/actions/lag"
    form = {
        "key": "c0ffee01",
        "value-group": "orders",
        "place": "run/7/3",
        "next": f"{incident.get_absolute_url()}#automation-panel",
    }
    for _ in range(2):
        answer = at_desk.post(where, form)
        assert (answer.status_code, answer["Location"]) == (303, form["next"])
    asked = Execution.objects.get()
    assert (asked.values, asked.place, asked.asked_by, asked.state) == ({"group": "orders"}, "run/7/3", alice, "queued")


def test_without_a_place_to_go_back_to_it_leads_to_the_execution(at_desk, incident, lag):
    for next_ in ("", "//example.com", "https://example.com/"):
        answer = at_desk.post(
            f"{incident.get_absolute_url()}/actions/lag", {"value-group": "x", "next": next_, "key": "c0ffee01"}
        )
        assert answer["Location"] == Execution.objects.get().get_absolute_url()


def test_htmx_is_told_to_look_again(at_desk, incident, lag):
    answer = at_desk.post(f"{incident.get_absolute_url()}/actions/lag", {"value-group": "x"}, headers=HTMX)
    assert answer.status_code == 204
    assert json.loads(answer["HX-Trigger"]) == {"muster:done": {"said": "Show lag: asked for."}}


@pytest.mark.parametrize("place", ["run/7", "run/7/3/1", "run/7/3\n4", "../x", "run/0/1", "x" * 90])
def test_a_place_that_is_none_is_left_out(at_desk, incident, lag, place):
    at_desk.post(f"{incident.get_absolute_url()}/actions/lag", {"value-group": "x", "place": place})
    assert Execution.objects.get().place == ""


def test_wrong_values_come_back_beside_their_fields(at_desk, incident):
    make.action("scale", GROUP, REPLICAS)
    for replicas, complaint in (("", "Replicas is missing"), ("21", "Enter a whole number from 1 to 20.")):
        for headers in ({}, HTMX):
            answer = at_desk.post(
                f"{incident.get_absolute_url()}/actions/scale",
                {"value-group": "a", "value-replicas": replicas},
                headers=headers,
            )
            assert answer.status_code == 422
            assert complaint in words(answer)
            assert "aria-invalid" in answer.content.decode().split('name="value-replicas"')[1].split(">")[0]
    assert not Execution.objects.exists()


def test_a_box_that_is_not_ticked_is_no_whatever_the_default(at_desk, incident):
    make.action("drain", Parameter("first", "boolean", default=True))
    at_desk.post(f"{incident.get_absolute_url()}/actions/drain", {})
    assert Execution.objects.get().values == {"first": False}


def test_what_destroys_asks_for_approval_and_a_dry_run_for_nothing(at_desk, incident, restart):
    where = f"{incident.get_absolute_url()}/actions/restart"
    said = words(at_desk.get(where))
    assert "Ask for approval" in said
    assert "any responder but you" in said
    at_desk.post(where, {"dry_run": "1"})
    dry = Execution.objects.get()
    assert (dry.state, dry.is_dry_run) == ("queued", True)
    asking.stop(dry, by=dry.asked_by)
    at_desk.post(where, {})
    assert Execution.objects.latest("id").state == "waiting"


def test_what_is_under_way_is_a_conflict(at_desk, incident, lag, bob):
    asked_for(lag, incident, bob, values={"group": "x"})
    where = f"{incident.get_absolute_url()}/actions/lag"
    assert "Bob asked for it at" in words(at_desk.get(where))
    for headers in ({}, HTMX):
        answer = at_desk.post(where, {"value-group": "x"}, headers=headers)
        assert answer.status_code == 409
        assert "Bob asked for “Show lag” a moment ago" in words(answer)


def test_it_warns_of_a_silent_runner_and_of_an_end_that_nobody_knows(at_desk, incident, lag, alice):
    where = f"{incident.get_absolute_url()}/actions/lag"
    assert "was never heard of" in words(at_desk.get(where))
    runners.heard(lag.runner, version="1", host="h", offers=[], now=db_now())
    assert "heard of" not in words(at_desk.get(where))
    ended(asked_for(lag, incident, alice, values={"group": "x"}), "unknown", detail="Gone.")
    assert "Check first: the last one may have been done." in words(at_desk.get(where))


def test_what_nobody_can_ask_for_has_no_button(at_desk, incident, lag, admin):
    runners.update(lag.runner, by=admin, is_enabled=False)
    answer = at_desk.get(f"{incident.get_absolute_url()}/actions/lag")
    assert "is switched off" in words(answer)
    assert 'name="value-group"' not in answer.content.decode()
    assert at_desk.post(f"{incident.get_absolute_url()}/actions/lag", {"value-group": "x"}).status_code == 409
