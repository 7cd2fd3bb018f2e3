"""Following a runbook in a browser: by keys alone, on a phone without a script, and two people at once."""

from __future__ import annotations

import time

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from runbooks import running
from runbooks.guides import Step
from runbooks.models import Run, Runbook
from tests import make
from tests.browser.hands import HANDS

SOON_MS = 1_000


@pytest.fixture
def incident(transactional_db):
    """One that a guide of three steps fits."""
    alice = make.user("alice", name="Alice Moreau")
    make.user("bob", name="Bob Lindqvist")
    kafka = make.service("kafka", policy=make.escalation_policy(alice))
    make.runbook(
        "lag", Step("Look", "```\nls -l\n```"), "Scale", "Wait", title="Reader lag", services=("kafka",), by=alice
    )
    return make.incident(title="Ingest is late", services=[kafka], at=timezone.now())


def person(username):
    return make.User.objects.get(username=username)


def live(page: Page):
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")


def test_two_keys_lead_from_the_incident_to_the_first_step_done(windows, incident):
    with windows.open(user=person("alice")) as page:
        page.goto(incident.get_absolute_url())
        live(page)
        page.keyboard.press("b")
        panel = page.locator("#runbooks-panel")
        expect(panel).to_contain_text("0 of 3", timeout=SOON_MS)
        page.keyboard.press("t")
        expect(panel).to_contain_text("1 of 3", timeout=SOON_MS)
        expect(panel.get_by_role("heading", name="Step 2: Scale")).to_be_visible()
        page.keyboard.press("s")
        page.get_by_label("Why it is left out").fill("No room")
        page.keyboard.press("Enter")
        expect(panel).to_contain_text("2 of 3", timeout=2 * SOON_MS)
        page.keyboard.press("w")
        page.get_by_role("textbox", name="What you saw").fill("Lag is 0")
        page.keyboard.press("Control+Enter")
        expect(panel).to_contain_text("Lag is 0", timeout=2 * SOON_MS)
        page.keyboard.press("t")
        expect(panel).to_contain_text("2 done, 1 skipped", timeout=SOON_MS)
    assert Run.objects.get().finished_at


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("hands", ["keyboard", "fingers"])
def test_from_the_list_to_a_finished_run_in_seconds(windows, incident, hands, script):
    screen = "phone" if hands == "fingers" else "desk"
    with windows.open(user=person("alice"), screen=screen, java_script_enabled=script) as page:
        hand, begun = HANDS[hands](page), time.monotonic()
        page.goto(incident.get_absolute_url())
        hand.press(page.get_by_role("button", name="Start Reader lag"))
        expect(page.locator("#runbooks-panel")).to_contain_text("0 of 3")
        hand.press(page.get_by_role("button", name="Done with step 1"))
        expect(page.locator("#runbooks-panel")).to_contain_text("1 of 3")
        assert time.monotonic() - begun < 30
        hand.press(page.get_by_role("link", name="Skip step 2"))
        hand.write(page.get_by_label("Why it is left out"), "No room")
        hand.press(page.get_by_role("button", name="Skip it"))
        if script:
            expect(page.locator("#runbooks-panel")).to_contain_text("2 of 3")
            hand.press(page.get_by_role("link", name="2 of 3"))
        page.wait_for_url("**/runs/*")
        hand.press(page.get_by_role("button", name="Done with step 3"))
        expect(page.locator("#run-head")).to_contain_text("Finished")
        hand.press(page.get_by_role("button", name="Undo step 3"))
        expect(page.locator("#run-head")).to_contain_text("2 of 3")


def test_each_sees_the_others_ticks_within_a_second(windows, incident):
    alice, bob = person("alice"), person("bob")
    run, _ = running.start(incident, Runbook.objects.get(), by=alice)
    with windows.open(user=alice) as hers, windows.open(user=bob) as his:
        hers.goto(incident.get_absolute_url())
        his.goto(run.get_absolute_url())
        live(hers)
        live(his)
        hers.get_by_role("button", name="Done with step 1").click()
        expect(his.locator("#step-1")).to_contain_text("Done by Alice Moreau", timeout=SOON_MS)
        his.mouse.move(5, 5)
        expect(his.locator("#step-2")).to_have_attribute("aria-current", "step", timeout=SOON_MS)
        his.get_by_role("button", name="Done with step 3").click()
        expect(hers.locator("#runbooks-panel")).to_contain_text("3. Wait: done by Bob Lindqvist", timeout=2 * SOON_MS)
        expect(hers.locator("#said")).to_have_text("Bob Lindqvist: runbook step 3 done")


def test_a_command_is_copied(windows, incident):
    with windows.open(user=person("bob"), permissions=["clipboard-read", "clipboard-write"]) as page:
        page.goto("/runbooks/lag")
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == "ls -l"


def test_a_draft_stays_with_its_step_while_steps_move(windows, incident):
    with windows.open(user=make.user("maya", role="manager")) as page:
        page.goto("/runbooks/lag/edit")
        page.get_by_label("What to do").nth(2).fill("Half a thought")
        page.get_by_role("button", name="Move step 3 up").click()
        expect(page.get_by_label("What to do").nth(1)).to_have_value("Half a thought")
        page.get_by_role("button", name="Remove step 2").click()
        page.get_by_role("button", name="Add a step", exact=True).click()
        expect(page.get_by_label("What to do")).to_have_count(3)
        expect(page.get_by_label("What to do").nth(2)).to_have_value("")
