"""Two people at one incident, each in a window of their own: who does what shows on the other's screen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from incidents import changes, timeline
from tests import make

SOON_MS = 2_000
PATIENCE_SECONDS = 10.0
LOOKED_MS = 900  # the longest gap between two looks, and a little
HELD_MS = 1_500  # what is let through at all comes within the second after it was heard

COUNT_SHIFTS = """() => {
    window.shifts = [];
    const note = (list) => window.shifts.push(...list.getEntries().map((one) => one.hadRecentInput ? 0 : one.value));
    new PerformanceObserver(note).observe({ type: "layout-shift" });
}"""
SHOW_STATE = """(state) => {
    document.getElementById("live-state").dataset.state = state;
    return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
SHIFTS = "() => new Promise((done) => setTimeout(() => done(window.shifts.reduce((a, b) => a + b, 0)), 200))"


@pytest.fixture
def team(transactional_db):
    """Alice, bob, and what they are called for."""
    alice, bob = make.user("alice", name="Alice Moreau"), make.user("bob", name="Bob Lindqvist")
    incident = make.incident(title="Search answers nothing", steps=[alice], at=timezone.now())
    timeline.add_note(incident, text="Only in the east.", by=alice)
    return alice, bob, incident


@contextmanager
def both_looking(windows, team, *, show: str = "", **options) -> Iterator[tuple[Page, Page]]:
    """The incident in alice's window and in bob's."""
    alice, bob, incident = team
    with ExitStack() as opened:
        pages = [opened.enter_context(windows.open(user=user, **options)) for user in (alice, bob)]
        for page in pages:
            page.goto(incident.get_absolute_url() + show)
        for page in pages:
            expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
            page.evaluate("document.body.dataset.same = 'page'")
        yield pages[0], pages[1]
        for page in pages:
            assert page.evaluate("document.body.dataset.same") == "page", "it was loaded again"


def write_note(page: Page, text: str) -> None:
    """With the composer, until it stands in the writer's own timeline."""
    page.get_by_label("Note", exact=True).fill(text)
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#timeline")).to_contain_text(text)
    expect(page.get_by_label("Note", exact=True)).to_have_value("")


def test_a_note_and_an_answer_are_on_the_others_screen_at_once(windows, team):
    with both_looking(windows, team) as (hers, his):
        write_note(hers, "The index is read-only.")
        expect(his.locator("#timeline")).to_contain_text("The index is read-only.", timeout=SOON_MS)
        his.locator("#stage").get_by_role("button", name="Acknowledge").click()
        for page in (his, hers):
            current = page.locator(".mu-steps [aria-current=step]")
            expect(current).to_contain_text("Acknowledged", timeout=SOON_MS)
        expect(hers.locator("#header")).to_contain_text("Bob Lindqvist")
        expect(hers.get_by_role("button", name="Start investigating")).to_be_visible()
        expect(hers.locator("#said")).to_have_text("Bob Lindqvist: acknowledged")
    assert make.happened(team[2])[-2:] == ["noted", "acknowledged"]


class Looks:
    """A page's looks at the incident itself, which are not answered before they are let through."""

    ADDRESS = "**/panels?*"

    def __init__(self, page: Page) -> None:
        self.page = page
        self.waiting: list[Route] = []
        page.route(self.ADDRESS, lambda route: self.waiting.append(route))

    def let_through(self, *, least: int = 0) -> None:
        """All that were asked for until now; ``least`` are known to come, for a request is told of before its route."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(self.waiting) < least and time.monotonic() < deadline:
            self.page.wait_for_timeout(10)
        while self.waiting:
            self.waiting.pop(0).continue_()


def test_what_one_did_is_shown_by_the_look_that_was_under_way(windows, team):
    with both_looking(windows, team) as (hers, his):
        looks = Looks(his)
        with his.expect_request(Looks.ADDRESS):
            write_note(hers, "The index is read-only.")
        his.locator("#stage").get_by_role("button", name="Acknowledge").click()
        expect(his.locator("#said")).to_contain_text("cknowledged")
        looks.let_through(least=1)
        expect(his.locator(".mu-steps [aria-current=step]")).to_contain_text("Acknowledged", timeout=SOON_MS)
        looks.let_through()


def test_others_news_come_with_the_look_that_follows_what_is_on_its_way(windows, team):
    with both_looking(windows, team) as (_, his):
        looks, answered = Looks(his), []
        his.route("**/acknowledge", lambda route: answered.append((route, route.fetch())))
        his.locator("#live").evaluate("live => live.addEventListener('changed', () => { live.title = 'News'; })")
        his.clock.install()
        his.clock.pause_at(timezone.now() + timedelta(hours=1))
        looks.let_through()
        his.locator("#stage").get_by_role("button", name="Acknowledge").click()
        expect(his.locator("#live")).to_have_attribute("title", "News")
        his.clock.run_for(LOOKED_MS)
        assert looks.waiting == []
        with his.expect_request(Looks.ADDRESS):
            for route, response in answered:
                route.fulfill(response=response)
            expect(his.locator("#said")).to_contain_text("cknowledged")
            his.clock.run_for(1)
        looks.let_through(least=1)
        expect(his.locator(".mu-steps [aria-current=step]")).to_contain_text("Acknowledged", timeout=SOON_MS)


def test_who_else_looks_is_named_until_they_leave(windows, team):
    alice, bob, incident = team
    with windows.open(user=alice) as hers:
        hers.goto(incident.get_absolute_url())
        with windows.open(user=bob) as his:
            his.goto(incident.get_absolute_url())
            expect(hers.locator("#presence")).to_contain_text("Bob Lindqvist", timeout=SOON_MS)
            expect(his.locator("#presence")).to_contain_text("Alice Moreau", timeout=SOON_MS)
        expect(hers.locator("#presence")).to_have_text("", timeout=2 * SOON_MS)


def test_news_leave_alone_what_somebody_writes(windows, team):
    with both_looking(windows, team) as (hers, his):
        note = his.get_by_label("Note", exact=True)
        note.fill("Half a thought")
        note.evaluate("field => field.setSelectionRange(5, 6)")
        write_note(hers, "Disk full on node 3.")
        expect(his.locator("#timeline")).to_contain_text("Disk full on node 3.", timeout=SOON_MS)
        his.keyboard.type("the")
        expect(note).to_have_value("Half the thought")
        assert note.evaluate("field => [field.selectionStart, field === document.activeElement]") == [8, True]


def test_what_is_under_the_pointer_waits_until_it_is_asked_for(windows, team):
    with both_looking(windows, team) as (hers, his):
        his.locator("#timeline").get_by_role("link", name="Correct").hover()
        write_note(hers, "Restarted it.")
        expect(his.locator("#news")).to_be_visible()
        his.wait_for_timeout(HELD_MS)
        expect(his.locator("#timeline")).not_to_contain_text("Restarted it.")
        his.get_by_role("button", name="Show what is new").click()
        expect(his.locator("#timeline")).to_contain_text("Restarted it.", timeout=SOON_MS)
        expect(his.locator("#news")).to_be_hidden()


def test_what_has_the_focus_waits_until_it_is_asked_for(windows, team):
    with both_looking(windows, team) as (hers, his):
        link = his.locator("#timeline").get_by_role("link", name="Correct")
        link.focus()
        his.keyboard.press("Shift+Tab")
        his.keyboard.press("Tab")
        write_note(hers, "Restarted it.")
        expect(his.locator("#news")).to_be_visible()
        his.wait_for_timeout(HELD_MS)
        expect(his.locator("#timeline")).not_to_contain_text("Restarted it.")
        expect(link).to_be_focused()
        his.get_by_role("button", name="Show what is new").press("Enter")
        expect(his.locator("#timeline")).to_contain_text("Restarted it.", timeout=SOON_MS)
        expect(his.locator("#news")).to_be_hidden()
        assert his.evaluate("document.activeElement.closest('main') !== null"), "the keyboard has lost its place"


def test_what_was_tapped_is_not_held_for_ever(windows, team):
    with both_looking(windows, team, screen="phone") as (hers, his):
        his.locator("#header details.mu-menu summary").tap()
        his.locator("#header details.mu-menu summary").tap()
        changes.change_severity(team[2], to="high", by=team[0])
        expect(his.locator("#header")).to_contain_text("High", timeout=6_000)
        write_note(hers, "Still there.")


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_nothing_jumps_when_something_is_renewed(windows, team, screen):
    alice, bob, incident = team
    with both_looking(windows, team, show="?show=evidence", screen=screen) as (_, his):
        expect(his.locator("#presence")).to_contain_text("Alice")
        his.evaluate(COUNT_SHIFTS)
        changes.edit(incident, title="Search answers slowly", description="Every second query.", by=alice)
        expect(his.locator("#summary")).to_contain_text("Every second query.")
        expect(his.get_by_role("heading", level=1)).to_have_text("Search answers slowly")
        for state in ("connecting", "polling", "live"):
            his.evaluate(SHOW_STATE, state)
        assert his.evaluate(SHIFTS) == 0, "nothing has grown"
        his.goto(incident.get_absolute_url())
        his.evaluate("document.body.dataset.same = 'page'")
        expect(his.locator("#live-state")).to_have_attribute("data-state", "live")
        his.evaluate(COUNT_SHIFTS)
        timeline.add_note(incident, text="One more line, and nothing else that is new.", by=alice)
        expect(his.locator("#timeline")).to_contain_text("One more line")
        assert his.evaluate(SHIFTS) < 0.1
