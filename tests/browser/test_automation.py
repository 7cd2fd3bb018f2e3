"""Actions in a browser: asked for by keys, approved by a second person, read while they run, without a script too."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from automation import asking, executing
from automation.asking import Wish
from automation.models import Action, Execution
from automation.parameters import Parameter
from tests import make
from tests.automation.pages import begun
from tests.browser.hands import HANDS

SOON_MS = 10_000  # what comes by itself comes; how soon is measured elsewhere


@pytest.fixture
def incident(transactional_db):
    """One with an action to look, one to scale and one that a second person has to approve."""
    alice = make.user("alice", name="Alice Moreau")
    make.user("bob", name="Bob Lindqvist")
    kafka = make.service("kafka", policy=make.escalation_policy(alice))
    runner, _ = make.runner("eu-central")
    group = Parameter("group", "name", "Consumer group", fact="consumer_group")
    number = Parameter("replicas", "integer", minimum=1, maximum=20)
    shared = {"runner": runner, "services": (kafka,)}
    make.action("look", group, name="Look at the lag", is_read_only=True, **shared)
    make.action("scale", group, number, name="Scale", has_dry_run=True, **shared)
    make.action("restart", name="Restart", kind="fix", is_destructive=True, **shared)
    facts = {"consumer_group": "orders"}
    return make.incident(title="Ingest is late", services=[kafka], facts=facts, at=timezone.now())


def person(username):
    return make.User.objects.get(username=username)


def live(page: Page):
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")


@pytest.mark.parametrize("script", [True, False])
def test_by_the_keyboard_alone_from_the_incident_to_a_dry_run(windows, incident, script):
    with windows.open(user=person("alice"), java_script_enabled=script) as page:
        hand = HANDS["keyboard"](page)
        page.goto(incident.get_absolute_url())
        hand.press(page.get_by_role("link", name="Scale…"))
        form = page.locator("#ask")
        expect(form.get_by_label("Consumer group")).to_have_value("orders")
        hand.write(form.get_by_label("Replicas"), "4")
        hand.press(form.get_by_role("button", name="Dry run"))
        expect(page.locator("#automation-list")).to_contain_text("Waits to begin", timeout=SOON_MS)
        expect(page.locator("#automation-list")).to_contain_text("dry run")
    asked = Execution.objects.get()
    assert (asked.is_dry_run, asked.values) == (True, {"group": "orders", "replicas": 4})


def test_one_press_and_the_output_comes_by_itself_where_the_pointer_rests(windows, incident):
    with windows.open(user=person("alice")) as page:
        page.goto(incident.get_absolute_url())
        live(page)
        page.get_by_role("button", name="Run Look at the lag").click()
        rows = page.locator("#automation-list")
        expect(rows).to_contain_text("Waits to begin", timeout=SOON_MS)
        asked = Execution.objects.select_related("runner").get()
        token = begun(asked, "partition 1 is late\n")
        expect(rows).to_contain_text("partition 1 is late", timeout=SOON_MS)
        executing.end(asked.runner, asked.pk, token, outcome="done", exit_code=0, detail="")
        expect(rows).to_contain_text("Done", timeout=SOON_MS)


def test_a_second_person_approves_and_the_first_sees_it_run(windows, incident):
    alice, bob = person("alice"), person("bob")
    asked, _ = asking.ask(Action.objects.get(slug="restart"), incident, Wish({}), by=alice)
    with windows.open(user=alice) as hers, windows.open(user=bob) as his:
        hers.goto(asked.get_absolute_url())
        his.goto(incident.get_absolute_url())
        live(hers)
        live(his)
        expect(hers.locator("#execution-head")).to_contain_text("Somebody else has to approve it.")
        his.get_by_role("button", name="Approve Restart").click()
        expect(hers.locator("#execution-facts")).to_contain_text("Bob Lindqvist", timeout=SOON_MS)
        token = begun(Execution.objects.select_related("runner").get(), "".join(f"line {n}\n" for n in range(200)))
        output = hers.get_by_role("region", name="What it printed")
        expect(output).to_contain_text("line 199", timeout=SOON_MS)
        assert output.evaluate("one => Math.abs(one.scrollTop) < 2 && one.scrollHeight > one.clientHeight")
        hers.get_by_role("button", name="Stop").click()
        expect(hers.locator("#execution-head")).to_contain_text("Is told to stop", timeout=SOON_MS)
        executing.end(asked.runner, asked.pk, token, outcome="failed", exit_code=None, detail="It was stopped.")
        expect(hers.locator("#execution-head")).to_contain_text("Failed", timeout=SOON_MS)
        expect(hers.locator("#said")).to_have_text("Restart: failed")


def test_what_is_refused_needs_a_reason_and_the_conflict_is_said(windows, incident):
    asked, _ = asking.ask(Action.objects.get(slug="restart"), incident, Wish({}), by=person("alice"))
    with windows.open(user=person("bob")) as page:
        page.goto(incident.get_absolute_url())
        live(page)
        page.get_by_role("link", name="Refuse Restart").click()
        page.get_by_label("Why not").fill("Not at noon")
        page.keyboard.press("Enter")
        expect(page.locator("#automation-list")).to_contain_text("Not at noon", timeout=SOON_MS)
        page.goto(f"{asked.get_absolute_url()}/refuse")
        page.get_by_label("Why not").fill("Once more")
        page.get_by_role("button", name="Refuse it").click()
        expect(page.get_by_role("alert")).to_contain_text("It does not wait any more")
    assert len(windows.complaints) == 1, "Chromium reports the 409 itself"
    assert "409" in windows.complaints.pop()


@pytest.mark.parametrize("script", [True, False])
def test_only_what_belongs_to_the_way_and_the_type_is_shown(windows, incident, script):
    with windows.open(user=make.user("root", role="admin"), java_script_enabled=script) as page:
        page.goto("/automation/actions/new")
        expect(page.get_by_label("Address")).to_be_hidden()
        page.get_by_label("HTTP request").check()
        expect(page.get_by_label("Address")).to_be_visible()
        expect(page.get_by_label("Command")).to_be_hidden()
        page.get_by_role("button", name="Add a parameter").click()
        expect(page.get_by_label("HTTP request")).to_be_checked()
        expect(page.get_by_label("Smallest")).to_be_hidden()
        page.get_by_label("Takes", exact=True).select_option("integer")
        expect(page.get_by_label("Smallest")).to_be_visible()
