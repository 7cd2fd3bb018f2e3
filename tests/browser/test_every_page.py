"""On every main page: nothing that assistive technology trips over, no sideways scroll, no complaint of the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.conftest import too_wide

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGED = (
    "list", "detail", "busy", "resolved", "declare", "my work", "search", "results", "first steps",
    "services", "service", "profile", "outbox", "alerts", "policy form",
)  # fmt: skip
WIDE, NARROW = {"width": 1440, "height": 900}, {"width": 360, "height": 740}

# Colours that change slowly are judged when they have.
FINISH = "() => document.getAnimations().forEach((one) => one.effect.getTiming().iterations < Infinity && one.finish())"


def violations(page: Page, *, of: str = "html", only: str = "") -> list[str]:
    """What axe-core finds in a part of the page, perhaps with one rule only: the rule, and where."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE)
    rules = {"type": "rule", "values": [only]} if only else {"type": "tag", "values": RULES}
    run = "([of, rules]) => axe.run(of, {runOnly: rules, resultTypes: ['violations']})"
    found = page.evaluate(run, [of, rules])["violations"]
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


def in_every_light(page: Page, *, of: str = "html") -> list[str]:
    """The same on a wide and a narrow screen, in light and in dark, where only contrast can be another."""
    found = []
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme="light")
        page.evaluate(FINISH)
        found += violations(page, of=of)
        page.emulate_media(color_scheme="dark")
        page.evaluate(FINISH)
        found += violations(page, of=of, only="color-contrast")
    return found


def test_axe_finds_nothing(windows, shop):
    found = {}
    with windows.open() as page:
        page.goto("/accounts/login/")
        found["login"] = in_every_light(page)
    with windows.open(user=shop.admin) as page:
        for name in JUDGED:
            page.set_viewport_size(WIDE)
            page.goto(shop.pages()[name])
            found[name] = in_every_light(page)
    assert not any(found.values()), found


def test_axe_finds_nothing_with_everything_unfolded_and_in_sheets(windows, shop):
    found = {}
    with windows.open(user=shop.admin) as page:
        page.goto(shop.busy.get_absolute_url())
        page.locator("main details:not(.mu-menu)").evaluate_all("all => all.forEach(one => { one.open = true })")
        found["unfolded"] = in_every_light(page)
        page.locator("#stage summary").click()
        found["menu"] = violations(page, of="#stage")
        page.keyboard.press("Escape")
        for name, address in shop.sheets().items():
            link = page.locator(f"a[data-sheet][href='{address}']")
            if link.count():
                link.first.dispatch_event("click")
                expect(page.locator("dialog#sheet[open] h2")).to_be_visible()
                found[name] = in_every_light(page, of="#sheet")
                assert not too_wide(page)
                page.keyboard.press("Escape")
                expect(page.locator("dialog#sheet[open]")).to_have_count(0)
    assert len(found) > 10
    assert not any(found.values()), found


@pytest.mark.parametrize("screen", ["phone", "desk"])
def test_every_page_fits_and_the_browser_has_nothing_to_say(windows, shop, screen):
    found = {}
    with windows.open(user=shop.admin, screen=screen) as page:
        for name, address in (shop.pages() | shop.sheets()).items():
            answer = page.goto(address)
            assert answer
            assert answer.status == 200, name
            found[name] = too_wide(page)
    with windows.open(screen=screen) as page:
        for address in ("/accounts/login/", "/accounts/password/reset/"):
            page.goto(address)
            found[address] = too_wide(page)
    assert not any(found.values()), found


def test_a_row_that_waits_for_an_answer_has_room_for_its_button(windows, shop):
    with windows.open(user=shop.alice) as page:
        page.goto("/incidents/")
        button = page.get_by_role("button", name="Acknowledge").bounding_box()
        duration = page.locator("td.c-dur").first.bounding_box()
        assert button
        assert duration
        assert button["x"] + button["width"] <= duration["x"]


def test_the_account_menu_is_at_the_right_edge_for_everybody(windows, transactional_db):
    with windows.open(user=make.user("charlie", role="viewer")) as page:
        page.goto("/incidents/")
        box = page.locator("summary.mu-person").bounding_box()
        assert box
        assert 1440 - 32 <= box["x"] + box["width"] <= 1440


def test_a_form_that_is_sent_back_takes_the_reader_to_the_mistake(windows, shop):
    with windows.open(user=shop.alice, screen="phone") as page:
        page.goto("/incidents/new")
        page.get_by_role("button", name="Declare incident").tap()
        page.get_by_role("alert").wait_for()
        assert "nothing was saved" in page.get_by_role("alert").inner_text().lower()
        assert page.evaluate("document.activeElement.getAttribute('role')") == "alert"
        assert violations(page) == []
        assert not too_wide(page)
    assert len(windows.complaints) == 1, "Chromium reports the 422 itself"
    assert "422" in windows.complaints.pop()
