"""On every main page: nothing that assistive technology trips over, no sideways scroll, no complaint of the browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests import make
from tests.browser.conftest import too_wide

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
JUDGED = ("list", "detail", "resolved", "declare", "services", "service", "profile", "outbox", "alerts", "policy form")


def violations(page: Page) -> list[str]:
    """What axe-core finds: the rule, and where."""
    page.evaluate(AXE)
    run = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
    found = page.evaluate(run, RULES)["violations"]
    return [f"{each['id']}: {node['target']} {node['failureSummary']}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(windows, shop, theme):
    found = {}
    with windows.open(color_scheme=theme) as page:
        page.goto("/accounts/login/")
        found["login"] = violations(page)
    with windows.open(user=shop.admin, color_scheme=theme) as page:
        for name in JUDGED:
            page.goto(shop.pages()[name])
            found[name] = violations(page)
    assert not any(found.values()), found


def test_axe_finds_nothing_on_a_phone_or_with_everything_unfolded(windows, shop):
    found = {}
    with windows.open(user=shop.admin, screen="phone", color_scheme="dark") as page:
        for name in ("list", "detail"):
            page.goto(shop.pages()[name])
            found[name] = violations(page)
        page.locator("#composer details, aside details").evaluate_all("all => all.forEach(one => { one.open = true })")
        found["unfolded"] = violations(page)
    assert not any(found.values()), found


@pytest.mark.parametrize("screen", ["phone", "desk"])
def test_every_page_fits_and_the_browser_has_nothing_to_say(windows, shop, screen):
    found = {}
    with windows.open(user=shop.admin, screen=screen) as page:
        for name, address in shop.pages().items():
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
        assignee = page.locator("td.c-who").first.bounding_box()
        assert button
        assert assignee
        assert button["x"] + button["width"] <= assignee["x"]


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
