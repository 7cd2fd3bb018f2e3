"""Small forms over the incident's page: opened and closed with the keyboard, and nothing typed into them is lost."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from incidents import action_items, lifecycle, snoozing
from tests import make
from tests.make import MINUTE


@pytest.fixture
def team(transactional_db):
    """Alice, bob, and what they are called for."""
    alice, bob = make.user("alice", name="Alice Moreau"), make.user("bob", name="Bob Lindqvist")
    incident = make.incident(title="Search answers nothing", steps=[alice], at=timezone.now())
    lifecycle.acknowledge(incident, by=alice)
    return alice, bob, incident


def opened_sheet(page: Page):
    """The one dialog for small forms, while it is open."""
    return page.locator("dialog#sheet[open]")


def expect_complaint(windows, status: int) -> None:
    """Chromium itself reports an answer that is an error; this one was wanted."""
    (complaint,) = windows.complaints
    assert f"status of {status} " in complaint
    windows.complaints.clear()


def test_a_sheet_opens_and_closes_with_the_keyboard_and_gives_the_focus_back(windows, team):
    alice, _, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        link = page.locator("#header").get_by_role("link", name="assign it to somebody else")
        link.focus()
        page.keyboard.press("Enter")
        expect(opened_sheet(page)).to_be_visible()
        expect(page.get_by_label("Assignee")).to_be_focused()
        assert page.url.endswith(incident.get_absolute_url())
        page.keyboard.press("Escape")
        expect(opened_sheet(page)).to_have_count(0)
        expect(link).to_be_focused()
        page.keyboard.press("u")
        expect(opened_sheet(page)).to_contain_text("Post a status update")
        page.keyboard.press("Escape")
        expect(opened_sheet(page)).to_have_count(0)
        page.keyboard.press("n")
        expect(page.get_by_label("Note", exact=True)).to_be_focused()
        page.keyboard.type("By keys alone.")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#timeline")).to_contain_text("By keys alone.")


def test_the_keyboard_keeps_its_place_when_what_it_pressed_is_gone(windows, team):
    alice, _, incident = team
    action_items.add(incident, title="Alert on it", by=alice)
    lifecycle.resolve(incident, by=alice)
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        page.get_by_role("button", name="Mark as done: Alert on it").press("Enter")
        expect(page.locator("#actions")).to_be_focused()
        assert incident.action_items.get().done_at is not None
        page.get_by_role("button", name="Start postmortem").press("Enter")
        page.wait_for_url("**/postmortems/*/edit")


def test_the_keyboard_keeps_its_place_when_a_button_of_the_stage_is_gone(windows, team):
    alice, _, incident = team
    snoozing.snooze(incident, until=timezone.now() + 60 * MINUTE, by=alice)
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        page.get_by_role("button", name="Wake now").press("Enter")
        expect(page.locator("#header")).to_be_focused()
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('#header') !== null")


def test_what_a_sheet_changes_shows_below_it_without_a_reload(windows, team):
    alice, bob, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        page.evaluate("document.body.dataset.same = 'page'")
        page.locator("#header").get_by_role("link", name="assign it to somebody else").click()
        page.get_by_label("Assignee").select_option(label="Bob Lindqvist")
        page.get_by_role("button", name="Assign", exact=True).click()
        expect(opened_sheet(page)).to_have_count(0)
        expect(page.locator("#header")).to_contain_text("Bob Lindqvist")
        expect(page.locator("#said")).to_have_text("Assigned.")
        assert page.evaluate("document.body.dataset.same") == "page"
        assert page.evaluate("document.activeElement.closest('#header') !== null"), "the keyboard has lost its place"
    incident.refresh_from_db()
    assert incident.assignee == bob


def test_a_mistake_is_shown_in_the_sheet_beside_what_was_typed(windows, team):
    alice, _, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        page.locator("#composer").get_by_role("link", name="Evidence").click()
        page.get_by_label("Address").fill("not an address")
        page.get_by_label("Caption").fill("Errors by region")
        page.get_by_role("button", name="Link evidence").click()
        sheet = opened_sheet(page)
        expect(sheet.get_by_role("alert")).to_be_focused()
        expect(sheet.get_by_text("Enter a valid URL.")).to_be_visible()
        expect(page.get_by_label("Address")).to_have_value("not an address")
        expect(page.get_by_label("Caption")).to_have_value("Errors by region")
        page.get_by_label("Address").fill("https://grafana.example.com/d/errors")
        page.get_by_role("button", name="Link evidence").click()
        expect(page.locator("#evidence").get_by_role("link", name="Errors by region")).to_be_visible()
        expect(opened_sheet(page)).to_have_count(0)
    expect_complaint(windows, 422)


def test_what_was_begun_in_a_sheet_is_still_there_when_it_opens_again(windows, team):
    alice, _, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        sheet = opened_sheet(page)
        page.keyboard.press("u")
        sheet.get_by_label("Message").fill("Half an update")
        page.keyboard.press("Escape")
        expect(sheet).to_have_count(0)
        page.keyboard.press("u")
        expect(sheet.get_by_label("Message")).to_have_value("Half an update")
        page.reload()
        page.keyboard.press("u")
        expect(sheet.get_by_label("Message")).to_have_value("Half an update")
        sheet.get_by_role("link", name="Cancel").click()
        page.keyboard.press("u")
        expect(sheet.get_by_label("Message")).to_have_value("")
        sheet.get_by_label("Message").fill("A whole update")
        sheet.get_by_role("button", name="Post update").click()
        expect(page.locator("#communication")).to_contain_text("A whole update")
        page.keyboard.press("u")
        expect(sheet.get_by_label("Message")).to_have_value("")


def test_a_stale_sheet_gives_way_to_the_page_that_gives_its_words_back(windows, team):
    alice, _, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        page.keyboard.press("u")
        opened_sheet(page).get_by_label("Message").fill("Typed before the token changed")
        page.context.clear_cookies(name=settings.CSRF_COOKIE_NAME)
        opened_sheet(page).get_by_role("button", name="Post update").click()
        expect(page.get_by_role("heading", name="Please try that again")).to_be_visible()
        expect(opened_sheet(page)).to_have_count(0)
        expect(page.locator("#main")).to_be_focused()
        page.get_by_role("button", name="Send it again").click()
        expect(page.locator("#communication")).to_contain_text("Typed before the token changed")
    expect_complaint(windows, 403)


def test_who_resolves_second_gets_their_words_back(windows, team):
    alice, bob, incident = team
    with windows.open(user=alice) as hers, windows.open(user=bob) as his:
        for page, words in ((hers, "A full disk."), (his, "Node 3 has run out of disk.")):
            page.goto(incident.get_absolute_url())
            page.locator("#stage").get_by_role("link", name="Resolve").click()
            page.get_by_label("Root cause").fill(words)
        hers.get_by_role("button", name="Resolve", exact=True).click()
        expect(hers.locator(".mu-steps [aria-current=step]")).to_contain_text("Resolved")
        his.get_by_role("button", name="Resolve", exact=True).click()
        sheet = opened_sheet(his)
        expect(sheet.get_by_role("alert")).to_contain_text("is resolved by now: Alice Moreau")
        expect(sheet.get_by_role("alert")).to_be_focused()
        expect(sheet).to_contain_text("Node 3 has run out of disk.")
        sheet.get_by_role("link", name="Show the present state").click()
        expect(opened_sheet(his)).to_have_count(0)
        expect(his.locator("#summary")).to_contain_text("A full disk.")
    expect_complaint(windows, 409)


def test_the_second_click_of_a_double_click_does_not_meet_the_next_stage(windows, transactional_db):
    alice = make.user("alice")
    incident = make.incident(steps=[alice], at=timezone.now())
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        box = page.locator("#stage").get_by_role("button", name="Acknowledge").bounding_box()
        assert box
        page.mouse.click(box["x"] + 60, box["y"] + 10)
        meant, met = (page.locator("#stage").get_by_role("button", name=name) for name in ("Start inv", "Mark mit"))
        expect(meant).to_be_visible()
        page.mouse.down(click_count=2)
        page.mouse.up(click_count=2)
        page.wait_for_timeout(500)
        expect(met).to_have_count(0)
        meant.click()
        expect(met).to_be_visible()


def test_a_double_click_writes_one_note(windows, team):
    alice, _, incident = team
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        page.get_by_label("Note", exact=True).fill("Once.")
        page.get_by_role("button", name="Add note").dblclick()
        expect(page.locator("#timeline")).to_contain_text("Once.")
        page.get_by_label("Note", exact=True).fill("And once more.")
        page.get_by_role("button", name="Add note").click()
        expect(page.locator("#timeline")).to_contain_text("And once more.")
    notes = incident.timeline.filter(kind="noted").order_by("id")
    assert list(notes.values_list("text", flat=True)) == ["Once.", "And once more."]
