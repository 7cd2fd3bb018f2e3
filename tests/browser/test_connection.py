"""How current the page is: it says so, goes on without the stream, and recovers by itself."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from incidents import timeline
from tests import make

POLLED_MS = 10_000
RECOVERED_MS = 15_000


@pytest.fixture
def team(transactional_db):
    """Alice, bob, and what they are called for."""
    alice, bob = make.user("alice", name="Alice Moreau"), make.user("bob", name="Bob Lindqvist")
    return alice, bob, make.incident(title="Search answers nothing", steps=[alice], at=timezone.now())


def expect_state(page: Page, state: str, words: str, *, within: float = RECOVERED_MS) -> None:
    """What the page says of its connection."""
    pill = page.locator("#live-state")
    expect(pill).to_have_attribute("data-state", state, timeout=within)
    expect(pill.locator(f"[data-when={state}]")).to_be_visible()
    expect(pill).to_contain_text(words, use_inner_text=True)


def test_without_redis_the_page_asks_by_itself(windows, team, own_redis):
    alice, bob, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        expect_state(page, "live", "Live")
        asked = []
        page.on("request", lambda request: asked.append(urlsplit(request.url).path.rpartition("/")[2]))
        own_redis.kill()
        try:
            expect_state(page, "polling", "Every 5 s")
            page.wait_for_timeout(1_500)  # it has looked once
            timeline.add_note(incident, text="Written while Redis was away.", by=bob)
            expect(page.locator("#timeline")).to_contain_text("Written while Redis was away.", timeout=POLLED_MS)
            assert "live" not in asked, "the stream is open"
            assert asked.count("panels") <= 3, "every five seconds is enough"
        finally:
            own_redis.launch()
        expect_state(page, "live", "Live")
        timeline.add_note(incident, text="Written when it was back.", by=bob)
        expect(page.locator("#timeline")).to_contain_text("Written when it was back.", timeout=2_000)


def test_a_lost_connection_is_seen_and_comes_back(windows, team):
    alice, bob, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        expect_state(page, "live", "Live")
        page.get_by_label("Note", exact=True).fill("Half a thought")
        page.context.set_offline(True)
        expect_state(page, "lost", "No connection, as of")
        timeline.add_note(incident, text="Written meanwhile.", by=bob)
        page.get_by_role("button", name="Add note").click()
        expect(page.locator("#said")).to_have_text("Not sent: no connection. What you wrote is still here.")
        expect(page.get_by_label("Note", exact=True)).to_have_value("Half a thought")
        page.context.set_offline(False)
        expect_state(page, "live", "Live")
        expect(page.locator("#timeline")).to_contain_text("Written meanwhile.")
        page.get_by_role("button", name="Add note").click()
        expect(page.locator("#timeline")).to_contain_text("Half a thought")
    reported = ("ERR_INTERNET_DISCONNECTED", "Failed to fetch")  # by Chromium and by htmx
    assert [text for text in windows.complaints if not any(words in text for words in reported)] == []
    windows.complaints.clear()


def test_who_signs_out_in_another_window_is_told_so(windows, team):
    alice, _, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        expect_state(page, "live", "Live")
        parts = page.locator("[data-live]:not(#presence)").count()
        page.get_by_label("Note", exact=True).fill("Half a thought")
        other = page.context.new_page()
        other.goto("/incidents/")
        other.locator("summary.mu-person").click()
        other.get_by_role("button", name="Sign out").click()
        other.wait_for_url("**/accounts/login/**")
        other.close()
        timeline.add_note(incident, text="Written meanwhile.", by=None)
        expect_state(page, "over", "Signed out, reload")
        expect(page.get_by_label("Note", exact=True)).to_have_value("Half a thought")
        expect(page.locator("#timeline")).not_to_contain_text("Written meanwhile.")
        expect(page.locator("#signed-out")).to_be_visible()
        page.wait_for_timeout(4_000)  # longer than it takes to ask again
    assert len(windows.complaints) <= parts, "one question of each part of the page, and none after that"
    assert all("status of 401 " in text for text in windows.complaints), windows.complaints
    windows.complaints.clear()
