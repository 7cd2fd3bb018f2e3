"""Actions on the incident's page, on its timeline, and in the steps of runbooks."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from automation import asking, defining, panel
from automation.models import Execution
from automation.parameters import Parameter
from core.work import db_now
from incidents import lifecycle
from runbooks import running
from runbooks.guides import Step
from tests import make
from tests.automation.pages import GROUP, HTMX, asked_for, begun, ended, panel_of, words

pytestmark = pytest.mark.django_db


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
