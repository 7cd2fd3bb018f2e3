"""Asking for an action at an incident, the page of an execution, and the panel on the incident's page."""

from __future__ import annotations

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation import asking, defining, panel, runners
from automation.asking import Wish
from automation.models import Execution
from automation.parameters import Parameter
from core.work import db_now
from incidents import lifecycle
from incidents.models import Incident
from runbooks import running
from runbooks.guides import Step
from tests import make
from tests.automation.pages import HTMX, begun, ended, words

pytestmark = pytest.mark.django_db

GROUP = Parameter("group", "name", "Consumer group", fact="consumer_group")
REPLICAS = Parameter("replicas", "integer", "Replicas", minimum=1, maximum=20)


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def kafka():
    return make.service("kafka")


@pytest.fixture
def incident(kafka):
    return make.incident(title="Late", services=[kafka], facts={"consumer_group": "orders"})


@pytest.fixture
def lag(kafka):
    return make.action("lag", GROUP, name="Show lag", is_read_only=True, services=(kafka,))


@pytest.fixture
def restart(kafka):
    return make.action("restart", name="Restart", is_destructive=True, has_dry_run=True, kind="fix", services=(kafka,))


def asked_for(action, incident, by, **wish):
    return asking.ask(action, incident, Wish(**{"values": {}, **wish}), by=by)[0]


def panel_of(client, incident):
    return (
        client.get(incident.get_absolute_url())
        .content.decode()
        .split('id="automation-panel"')[1]
        .split("</section>")[0]
    )


# ---- asking ----------------------------------------------------------------------------------------------------------


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


# ---- the page of an execution ----------------------------------------------------------------------------------------


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


# ---- the panel -------------------------------------------------------------------------------------------------------


def test_the_panel_offers_a_press_for_what_reads_and_a_form_for_the_rest(at_desk, incident, lag, restart):
    shown = panel_of(at_desk, incident)
    assert shown.count("<form") == 1
    assert 'name="value-group" value="orders"' in shown
    assert re.search(r'href="[^"]+/actions/restart\?[^"]+" data-sheet', shown)
    incident.facts = {"consumer_group": "not a name"}
    incident.save(update_fields=["facts"])
    assert "<form" not in panel_of(at_desk, incident)


def test_what_a_press_in_the_panel_sends_is_enough(at_desk, incident, kafka):
    make.action(
        "look", GROUP, Parameter("deep", "boolean", default=True), Parameter("wide", "boolean"),
        Parameter("n", "integer", minimum=1, maximum=9, default=2),
        is_read_only=True, services=(kafka,),
    )  # fmt: skip
    form = dict(re.findall(r'type="hidden" name="([\w-]+)" value="([^"]*)"', panel_of(at_desk, incident)))
    assert at_desk.post(f"{incident.get_absolute_url()}/actions/look", form).status_code == 303
    assert Execution.objects.get().values == {"group": "orders", "deep": True, "wide": False, "n": 2}


def test_the_panel_shows_the_end_of_the_output_and_what_waits(at_desk, incident, lag, restart, alice, bob):
    defining.change(lag, by=None, is_automatic=True)
    ended(
        asked_for(lag, incident, None, values={"group": "x"}, is_automatic=True),
        output="".join(f"line {n}\n" for n in range(40)),
    )
    asked_for(restart, incident, bob)
    shown = panel_of(at_desk, incident)
    assert "line 39" in shown
    assert "line 27\n" not in shown
    assert re.search(r'<details class="mu-output" id="output-\d+" open>', shown)
    assert "/approve" in shown
    assert shown.index("Restart") < shown.index("Show lag")
    lifecycle.resolve(incident, by=alice)
    assert not re.search(r'<details class="mu-output" id="output-\d+" open>', panel_of(at_desk, incident))


def test_only_the_part_that_has_changed_is_answered(at_desk, incident, lag, alice):
    address = f"{incident.get_absolute_url()}/actions"
    parts = re.findall(r'id="(automation-(?:list|offers))" data-version="(\w+)"', panel_of(at_desk, incident))
    seen = ",".join(map(".".join, parts))
    assert at_desk.get(f"{address}?seen={seen}", headers=HTMX).status_code == 204
    asked = asked_for(lag, incident, alice, values={"group": "x"})
    begun(asked, "one\n")
    fresh = at_desk.get(f"{address}?seen={seen}", headers=HTMX)
    parts = re.findall(r'id="(automation-(?:list|offers))" data-version="(\w+)"', fresh.content.decode())
    assert [name for name, _ in parts] == ["automation-list", "automation-offers"]
    seen = ",".join(map(".".join, parts))
    executing_again = Execution.objects.filter(pk=asked.pk)
    executing_again.update(due_at=db_now())  # it is heard of, and says nothing
    assert at_desk.get(f"{address}?seen={seen}", headers=HTMX).status_code == 204
    executing_again.update(output="two\n")
    assert 'id="automation-offers"' not in at_desk.get(f"{address}?seen={seen}", headers=HTMX).content.decode()


def test_everything_that_was_asked_for_is_a_page(at_desk, incident, lag, alice):
    for _ in range(12):
        ended(asked_for(lag, incident, alice, values={"group": "x"}))
    shown = panel_of(at_desk, incident)
    assert shown.count('class="mu-execution"') == 10
    assert "Everything that was asked for" in shown
    answer = at_desk.get(f"{incident.get_absolute_url()}/actions")
    assert answer.content.decode().count('class="mu-execution"') == 12


def test_the_panel_is_one_query_however_much_there_is(incident, lag, restart, alice, bob):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            shown = panel.of(incident, user=alice)
            named = [(str(one.action), str(one.asked_by), str(one.decided_by)) for one in shown.executions]
        assert len(named) == Execution.objects.count()
        return len(queries)

    assert cost() == 1
    for _ in range(4):
        ended(asked_for(lag, incident, bob, values={"group": "x"}), output="x")
    asking.approve(asked_for(restart, incident, alice), by=bob)
    assert cost() == 1


def test_viewers_read_and_press_nothing(client, charlie, incident, lag, restart, alice):
    client.force_login(charlie)
    asked_for(restart, incident, alice)
    shown = panel_of(client, incident)
    assert "Restart" in shown
    assert "<form" not in shown
    assert "data-sheet" not in shown
    page = client.get(Execution.objects.get().get_absolute_url()).content.decode().split("<main")[1].split("</main>")[0]
    assert "<form" not in page


def test_nothing_of_a_private_incident_is_there_for_others(client, alice, bob, lag):
    hidden = make.incident(is_private=True, by=alice, services=[make.service("x")])
    asked = asked_for(lag, hidden, alice, values={"group": "hidden-group"})
    client.force_login(bob)
    at = asked.get_absolute_url()
    for address in (
        at,
        f"{at}/changed",
        f"{at}/refuse",
        f"{hidden.get_absolute_url()}/actions",
        f"{hidden.get_absolute_url()}/actions/lag",
    ):
        assert client.get(address).status_code == 404
    for address in (f"{at}/approve", f"{at}/stop", f"{at}/refuse", f"{hidden.get_absolute_url()}/actions/lag"):
        assert client.post(address).status_code == 404
    assert hidden.reference not in words(client.get(lag.get_absolute_url()))
    assert "never" in words(client.get("/automation/"))
    client.force_login(alice)
    assert "never" not in words(client.get("/automation/"))
    assert hidden.reference in words(client.get(lag.get_absolute_url()))


def test_the_timeline_says_who_did_what(at_desk, incident, lag, restart, alice, bob):
    ended(asked_for(lag, incident, alice, values={"group": "x"}))
    refused = asked_for(restart, incident, alice)
    asking.refuse(refused, by=bob, reason="Not at noon")
    asking.stop(asked_for(restart, incident, alice), by=alice)
    asking.approve(asked_for(restart, incident, alice), by=bob)
    said = words(at_desk.get(incident.get_absolute_url()))
    for sentence in (
        "Alice asked for Show lag", "Show lag : done", "it waits for a second person",
        "Bob refused Restart Reason: Not at noon", "Alice took back Restart", "Bob approved Restart",
    ):  # fmt: skip
        assert sentence in said, sentence


# ---- steps of runbooks -----------------------------------------------------------------------------------------------


def test_a_step_asks_for_its_action_and_says_how_it_stands(at_desk, incident, lag, alice):
    book = make.runbook("late", Step("Look", "", "lag"), Step("More", "", "nowhere"), services=("kafka",))
    run, _ = running.start(incident, book, by=alice)
    page = at_desk.get(run.get_absolute_url()).content.decode()
    assert f'/actions/lag?place=run/{run.pk}/1"' in page
    assert "nowhere</code> (not defined here)" in page
    assert f'/actions/lag?place=run/{run.pk}/1"' in at_desk.get(incident.get_absolute_url()).content.decode()
    versions = re.findall(r'id="((?:step|run)-\w+)"[^>]*data-version="(\w+)"', page)
    changed = f"{run.get_absolute_url()}/changed?seen={','.join(map('.'.join, versions))}"
    assert at_desk.get(changed, headers=HTMX).status_code == 204
    asked = asked_for(lag, incident, alice, values={"group": "x"}, place=f"run/{run.pk}/1")
    fresh = at_desk.get(changed, headers=HTMX)
    assert re.findall(r'id="(step-\d)"', fresh.content.decode()) == ["step-1"]
    assert asked.get_absolute_url() in fresh.content.decode()
    assert "Waits to begin" in words(fresh)
    assert f'href="{lag.get_absolute_url()}"' in at_desk.get("/runbooks/late").content.decode()


def test_the_page_of_a_run_costs_the_same_with_many_actions(at_desk, incident, lag, kafka, alice):
    def cost(run):
        with CaptureQueriesContext(connection) as queries:
            assert at_desk.get(run.get_absolute_url()).status_code == 200
        return len(queries)

    few, _ = running.start(incident, make.runbook("few", Step("Look", "", "lag")), by=alice)
    for number in range(5):
        defining.archive(make.action(f"a{number}"), by=alice)
    many, _ = running.start(incident, make.runbook("many", *(Step("Look", "", f"a{n}") for n in range(5))), by=alice)
    cost(few)
    assert cost(few) == cost(many)
