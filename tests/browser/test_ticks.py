"""Three people at one runbook at once: nothing is lost, and nobody presses what they did not aim at.

``script/prove ticks`` is the long one.
"""

from __future__ import annotations

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Page, expect

from bench import ticks
from runbooks import running
from runbooks.guides import Step
from runbooks.models import RunStep
from tests import make
from tests.browser.company import session_cookie

STEPS, CONTESTED = 9, 3
SOON_MS = 2_000
HELD_MS = 1_000
BODY = "Look at it before it is changed.\n\n```\nkubectl get pods -n ingest\n```\n\nAll are ready."


@pytest.fixture
def run(transactional_db):
    """A run that was begun by nobody."""
    for name in ticks.PEOPLE:
        make.user(name, name=name)
    steps = [Step(f"Step number {number}", BODY) for number in range(1, STEPS + 1)]
    return running.start(make.incident(), make.runbook("long", *steps), by=None)[0]


def person(username):
    return make.User.objects.get(username=username)


def look(page: Page, run) -> None:
    page.goto(run.get_absolute_url())
    expect(page.locator("#live-state")).to_have_attribute("data-state", "live")


def aim(page: Page, name: str, screen: str = "desk") -> tuple[float, float]:
    """In the middle of the screen; a mouse is there before it presses."""
    target = page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name))
    target.evaluate("element => element.scrollIntoView({ block: 'center', behavior: 'instant' })")
    if screen == "desk":
        target.hover()
    return place(page, name)


def place(page: Page, name: str) -> tuple[float, float]:
    box = page.get_by_role("button", name=name).or_(page.get_by_role("link", name=name)).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_three_people_tick_at_once_and_all_see_what_became_of_it(site, run):
    cookies = [session_cookie(person(name), site.url) for name in ticks.PEOPLE]
    rounds = ticks.plan(random.Random(ticks.SEED), steps=STEPS, contested=CONTESTED, side_by_side=True)
    with ThreadPoolExecutor(1) as thread:  # the session's browser has the event loop of this one
        words = [f"{cookie['name']}={cookie['value']}" for cookie in cookies]
        found = thread.submit(ticks.follow, site.url, words, run.get_absolute_url(), rounds).result()
    site.wait_until_quiet()
    done = run.incident.timeline.filter(kind="runbook_step", data__did="done").values_list("data__position", flat=True)
    rows = run.steps.order_by("position").values_list("position", "state", "by__username", "text")
    assert found.lost(rows, Counter(done)) == []
    assert (len(found.seen_after(since="answered")), len(found.texts) >= 2 * CONTESTED) == (2 * STEPS, True)


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_what_is_aimed_at_stays_in_its_place_when_a_step_above_it_is_done(windows, run, screen):
    with windows.open(user=person("bob"), screen=screen) as page:
        look(page, run)
        was = aim(page, "Done with step 5", screen)
        for position in (4, 3):
            running.tick(run, position, by=person("alice"))
            expect(page.locator(f"#step-{position}")).to_contain_text("Done by alice", timeout=SOON_MS)
        assert place(page, "Done with step 5") == pytest.approx(was, abs=1)
        page.mouse.click(*was) if screen == "desk" else page.touchscreen.tap(*was)
        expect(page.locator("#step-5")).to_contain_text("Done by bob", timeout=SOON_MS)
    done = RunStep.objects.filter(state="done").order_by("position")
    assert list(done.values_list("position", "by__username")) == [(3, "alice"), (4, "alice"), (5, "bob")]


def test_what_is_pressed_is_not_replaced_before_it_is_let_go(windows, run):
    with windows.open(user=person("bob")) as page:
        look(page, run)
        aim(page, "What you saw at step 3")
        page.mouse.down()
        running.tick(run, 3, by=person("bob"))
        # What he did himself is shown at once, whatever is under his hand; the form that did it has gone meanwhile.
        page.evaluate("document.dispatchEvent(new CustomEvent('muster:done', { detail: { said: 'Step 3 is done.' } }))")
        page.wait_for_timeout(HELD_MS)
        page.mouse.up()
        expect(page.locator("#sheet[open]")).to_contain_text("What you saw at step 3", timeout=SOON_MS)
        expect(page.locator("#step-3")).to_contain_text("Done by bob", timeout=SOON_MS)
