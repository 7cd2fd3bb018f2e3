"""On every main page: nothing that assistive technology trips over, no sideways scroll, no complaint of the browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.axe import NARROW, in_every_light, violations
from tests.browser.conftest import SCREENS, too_wide

JUDGED = (
    "list", "detail", "busy", "resolved", "services", "service", "profile", "outbox", "alerts", "policy form",
    "on-call", "schedule", "week", "month", "schedule form", "override", "swap", "away", "new absence", "readiness",
    "simulate", "policy", "new policy", "drills", "drill", "ledger", "pages to me",
    "runbooks", "runbook", "runbook form", "runbook history", "run", "actions", "action", "action form", "new action",
    "runners", "runner", "execution", "execution that waits", "executions", "ask", "follow-ups", "new tracker",
    "now", "templates", "new template", "maintenances", "maintenance", "new maintenance", "status pages", "status page",
    "new status page", "removal", "new group", "component", "subscribers", "import",
)  # fmt: skip
TURNS = 4  # so that several processes share them


def test_axe_finds_nothing_where_people_sign_in(windows, transactional_db):
    with windows.open() as page:
        page.goto("/accounts/login/")
        assert in_every_light(page) == []


@pytest.mark.parametrize("turn", range(TURNS))
def test_axe_finds_nothing(windows, shop, turn):
    found = {}
    with windows.open(user=shop.admin) as page:
        for name in JUDGED[turn::TURNS]:
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
                found[name] = in_every_light(page, of="#sheet", sizes=(NARROW,))
                page.keyboard.press("Escape")
                expect(page.locator("dialog#sheet[open]")).to_have_count(0)
    assert len(found) > 10
    assert not any(found.values()), found


@pytest.mark.parametrize("screen", SCREENS)
def test_every_page_fits_leads_to_the_declare_form_and_the_browser_has_nothing_to_say(windows, shop, screen):
    found, without = {}, []
    with windows.open(user=shop.admin, screen=screen) as page:
        addresses = shop.pages() | (shop.sheets() if screen == "phone" else {})
        for name, address in addresses.items():
            answer = page.goto(address)
            assert answer
            assert answer.status == 200, name
            found[name] = too_wide(page)
            if name != "declare" and not has_declare_link(page):
                without.append(name)
    with windows.open(screen=screen) as page:
        for address in ("/accounts/login/", "/accounts/password/reset/"):
            page.goto(address)
            found[address] = too_wide(page)
    assert not any(found.values()), found
    assert without == []


def has_declare_link(page: Page) -> bool:
    """In sight without scrolling."""
    links = page.locator("main, header").locator("a[href='/incidents/new']:visible")
    box = links.first.bounding_box() if links.count() else None
    height = page.viewport_size["height"] if page.viewport_size else 0
    return box is not None and box["y"] + box["height"] <= height


@pytest.mark.parametrize("name", ["list", "detail", "profile"])
def test_one_key_leads_to_the_declare_form(windows, shop, name):
    with windows.open(user=shop.admin) as page:
        page.goto(shop.pages()[name])
        page.keyboard.press("c")
        page.wait_for_url("**/incidents/new")


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
