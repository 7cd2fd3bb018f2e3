"""The incident list in a browser: it is worked with keys, fingers and without a script, and news never move it away."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from incidents import lifecycle, saved_views
from incidents.models import Incident
from tests import make
from tests.browser.axe import in_every_light, violations
from tests.browser.conftest import too_wide

SOON_MS = 2_500
HELD_MS = 1_500
PLACES = """() => {
    const all = document.querySelectorAll("#incidents :is(tr, th, .mu-title, .mu-bar, #live-state), .mu-foot");
    return [...all].map((one) => {
        const { x, y, width, height } = one.getBoundingClientRect();
        return [one.className, x, y, width, height].join(" ");
    });
}"""


@pytest.fixture
def team(transactional_db):
    """Alice, and bob who makes things happen."""
    return make.user("alice", name="Alice Moreau"), make.user("bob", name="Bob Lindqvist")


def declared(*titles: str, severity: str = "high", services: tuple = ()) -> list[Incident]:
    """Open incidents, one after the other; the last is the first of the list."""
    return [make.incident(title=title, severity=severity, services=services, at=timezone.now()) for title in titles]


@contextmanager
def looking(windows, user, address: str = "/incidents/", **options):
    """The list in somebody's window, live."""
    with windows.open(user=user, **options) as page:
        page.clock.install()
        page.goto(address)
        expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
        yield page


def titles(page: Page) -> list[str]:
    return page.locator("#incidents tbody .mu-title").all_inner_texts()


def row(page: Page, incident: Incident):
    return page.locator(f"#row-{incident.pk}")


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.textContent")


# ---- news --------------------------------------------------------------------------------------------------------


def test_a_list_that_nobody_touches_shows_what_comes_by_itself(windows, team):
    alice, bob = team
    declared("One")
    with looking(windows, alice) as page:
        (two,) = declared("Two")
        expect(row(page, two)).to_be_visible(timeout=SOON_MS)
        assert titles(page) == ["Two", "One"]
        expect(page).to_have_title("(2) Incidents · Muster")
        expect(page.locator("#list-tabs")).to_contain_text("Active 2")
        expect(page.locator("#said")).to_have_text("1 new incident")
        lifecycle.resolve(two, by=bob)
        expect(row(page, two)).to_have_count(0, timeout=SOON_MS)


def test_an_empty_list_fills_and_a_filter_goes_on_counting(windows, team):
    with looking(windows, team[0], "/incidents/?severity=low") as page:
        expect(page.locator("#incidents")).to_contain_text("No incident fits")
        declared("Other")
        declared("Fits", severity="low")
        expect(page.locator("#incidents")).to_contain_text("Fits", timeout=SOON_MS)
        assert titles(page) == ["Fits"]


def test_what_would_move_rows_waits_while_somebody_works_with_them(windows, team):
    alice, _ = team
    declared("One", "Two")
    with looking(windows, alice) as page:
        page.keyboard.press("j")
        page.keyboard.press("j")
        page.keyboard.press("x")
        declared("Three", "Four")
        pill = page.locator("#list-new")
        expect(pill).to_have_text("2 new", timeout=SOON_MS)
        expect(page.locator("#said")).to_have_text("2 new incidents")
        page.wait_for_timeout(HELD_MS)
        assert titles(page) == ["Two", "One"]
        page.keyboard.press("n")
        expect(pill).to_be_hidden()
        assert titles(page) == ["Four", "Three", "Two", "One"]
        assert focused(page) == "One"
        expect(page.locator("#selected")).to_have_text("1 selected")


def test_a_selection_holds_the_list_however_long_it_takes_and_a_parked_pointer_does_not(windows, team):
    declared("One")
    with looking(windows, team[0]) as page:
        page.locator("#incidents tbody .mu-check input").check()
        declared("Two")
        expect(page.locator("#list-new")).to_have_text("1 new", timeout=SOON_MS)
        page.clock.fast_forward("05:00")
        assert titles(page) == ["One"]
        page.get_by_role("button", name="Clear", exact=True).click()
        page.locator("#incidents tbody .mu-title").hover()
        page.wait_for_timeout(HELD_MS)
        assert titles(page) == ["One"]
        page.clock.fast_forward("01:05")
        expect(page.locator("#list-new")).to_be_hidden()
        assert titles(page) == ["Two", "One"]


def test_what_a_row_says_is_put_in_its_place_and_what_is_over_stays_until_it_is_asked_for(windows, team):
    alice, bob = team
    one, two = declared("One", "Two")
    with looking(windows, alice) as page:
        page.keyboard.press("j")
        lifecycle.acknowledge(two, by=bob)
        expect(row(page, two)).to_contain_text("Acknowledged", timeout=SOON_MS)
        expect(row(page, two)).to_contain_text("Bob Lindqvist")
        assert focused(page) == "Two"
        expect(page.locator("#list-new")).to_be_hidden()
        lifecycle.resolve(two, by=bob)
        expect(row(page, two)).to_contain_text("Resolved", timeout=SOON_MS)
        expect(row(page, two)).to_have_class("mu-done")
        expect(page.locator("#list-new")).to_have_text("1 changed")
        page.locator("#list-new").click()
        assert titles(page) == ["One"]
        assert focused(page) == "One"


@pytest.mark.parametrize("screen", ["desk", "phone"])
def test_nothing_jumps_when_a_row_changes_or_the_pill_comes(windows, team, screen):
    alice, bob = team
    one, two = declared("One, which is long enough for a second line on every screen that there is", "Two")
    with looking(windows, alice, screen=screen) as page:
        if screen == "desk":
            page.keyboard.press("j")
        else:
            page.locator("#incidents .mu-bar").dispatch_event("pointerdown")
        before = page.evaluate(PLACES)
        for incident in (one, two):
            lifecycle.acknowledge(incident, by=bob)
            expect(row(page, incident)).to_contain_text("Acknowledged", timeout=SOON_MS)
        declared("Three")
        expect(page.locator("#list-new")).to_have_text("1 new", timeout=SOON_MS)
        assert page.evaluate(PLACES) == before


def test_a_hidden_page_asks_nothing_and_catches_up(windows, team):
    declared("One")
    hide = """is => {
        Object.defineProperty(document, "hidden", { value: is, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    with looking(windows, team[0]) as page:
        page.wait_for_timeout(HELD_MS)
        page.evaluate(hide, True)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        declared("Two")
        page.wait_for_timeout(HELD_MS)
        assert [url for url in asked if "seen=" in url] == []
        page.evaluate(hide, False)
        expect(page.locator("#incidents tbody")).to_contain_text("Two", timeout=SOON_MS)


def test_a_burst_is_asked_about_a_few_times(windows, team):
    declared("One")
    with looking(windows, team[0]) as page:
        page.wait_for_timeout(HELD_MS)
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        declared(*(f"Burst {number}" for number in range(12)))
        expect(page.locator("#incidents tbody")).to_contain_text("Burst 11", timeout=2 * SOON_MS)
        assert len([url for url in asked if "seen=" in url]) <= 5


# ---- keys --------------------------------------------------------------------------------------------------------


def test_the_list_is_worked_with_keys_alone(windows, team):
    alice, _ = team
    one, two, three = declared("One", "Two", "Three")
    with looking(windows, alice) as page:
        for key, at in (
            ("j", "Three"),
            ("j", "Two"),
            ("ArrowDown", "One"),
            ("j", "One"),
            ("k", "Two"),
            ("ArrowUp", "Three"),
        ):
            page.keyboard.press(key)
            assert focused(page) == at, key
        page.keyboard.press("a")
        page.wait_for_selector("#messages")
        expect(row(page, three)).to_contain_text("Acknowledged")
        page.keyboard.press("Shift+X")
        expect(page.locator("#selected")).to_have_text("2 selected")
        page.keyboard.press("a")
        expect(page.locator("#messages")).to_contain_text(f"Acknowledged: INC-{two.pk}, INC-{one.pk}.")
        page.keyboard.press("j")
        page.keyboard.press("x")
        expect(page.locator("#selected")).to_have_text("1 selected")
        page.keyboard.press("Escape")
        expect(page.locator("#selected")).to_be_hidden()
        page.keyboard.press("a")
        expect(page.locator("#said")).to_have_text(f"INC-{three.pk} does not wait for an answer.")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**{three.get_absolute_url()}")


def test_keys_are_left_alone_where_somebody_types_and_when_they_are_switched_off(windows, team):
    declared("One")
    with looking(windows, team[0]) as page:
        page.keyboard.press("f")
        page.keyboard.type("jxa")
        expect(page.locator("#f-q")).to_have_value("jxa")
        expect(page.locator("#selected")).to_be_hidden()
        page.locator("h1").click()
        page.keyboard.press("?")
        page.keyboard.press("j")
        assert focused(page) != "One"
        page.locator("#keys-switch").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        assert focused(page) != "One"


def test_escape_closes_a_menu_and_leaves_what_is_selected(windows, team):
    alice, _ = team
    declared("One")
    with windows.open(user=alice) as page:
        page.goto("/incidents/")
        ticked = page.locator("#incidents tbody .mu-check input:checked")
        page.locator("#incidents tbody .mu-check input").first.check()
        page.get_by_text("Save this view").click()
        page.keyboard.press("Escape")
        expect(page.locator("details.mu-menu[open]")).to_have_count(0)
        expect(ticked).to_have_count(1)
        page.keyboard.press("Escape")
        expect(ticked).to_have_count(0)


def test_shift_and_the_box_above_tick_many(windows, team):
    declared("One", "Two", "Three", "Four")
    with looking(windows, team[0]) as page:
        boxes = page.locator("#incidents tbody .mu-check input")
        boxes.nth(0).click()
        boxes.nth(2).click(modifiers=["Shift"])
        expect(page.locator("#selected")).to_have_text("3 selected")
        above = page.locator("[data-list=all]")
        assert above.evaluate("box => box.indeterminate")
        above.click()
        expect(page.locator("#selected")).to_have_text("4 selected")
        above.click()
        expect(page.locator("#selected")).to_be_hidden()


# ---- filters, views, phone, no script ------------------------------------------------------------------------------


def test_a_choice_applies_at_once_and_keeps_the_focus(windows, team):
    declared("Low", severity="low")
    declared("High")
    with looking(windows, team[0]) as page:
        page.locator("#f-severity").focus()
        page.locator("#f-severity").select_option("low")
        page.wait_for_url("**/incidents/?severity=low")
        assert titles(page) == ["Low"]
        expect(page.locator("#f-severity")).to_be_focused()
        expect(page.locator("#f-severity option:checked")).to_have_text("Severity: Low")
        page.locator("#f-mine").check()
        page.wait_for_url("**/incidents/?mine=1&severity=low")
        page.get_by_role("link", name="Clear", exact=True).click()
        page.wait_for_url("**/incidents/")


def test_arrow_keys_pass_over_choices(windows, team):
    declared("One")
    with looking(windows, team[0]) as page:
        page.locator("#f-severity").focus()
        for _ in range(3):
            page.keyboard.press("ArrowDown")
        page.wait_for_url("**/incidents/?severity=medium")


def test_a_view_is_kept_found_and_forgotten(windows, team):
    alice, _ = team
    with looking(windows, alice, "/incidents/?period=all&severity=low") as page:
        page.get_by_text("Save this view").click()
        page.get_by_label("Name of the view").fill("Low ones")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator("#messages")).to_contain_text("View “Low ones” saved")
        page.goto("/incidents/")
        page.get_by_text("Saved views").click()
        page.get_by_role("link", name="Low ones").click()
        page.wait_for_url("**/incidents/?period=all&severity=low")
        page.locator(".mu-views summary").first.click()
        page.get_by_text("Delete a view").click()
        page.get_by_role("button", name="Delete Low ones").click()
        expect(page.locator("#messages")).to_contain_text("View “Low ones” deleted")
        expect(page.get_by_text("Saved views")).to_have_count(0)


def test_a_thumb_acknowledges_on_a_phone_and_nothing_sticks_out(windows, team):
    alice, _ = team
    saved_views.save(name="W" * 60, query="period=recent", by=alice)
    (incident,) = declared("Checkout fails")
    with looking(windows, alice, screen="phone") as page:
        for press in (
            "nothing",
            ".mu-toggle > summary",
            ".mu-dates > summary",
            ".mu-views summary >> nth=0",
            ".mu-views summary >> nth=2",
        ):
            if press != "nothing":
                page.locator(press).tap()
            assert too_wide(page) == [], press
        page.locator("h1").tap()
        button = row(page, incident).get_by_role("button", name="Acknowledge")
        box = button.bounding_box()
        assert box
        assert box["height"] >= 40
        assert box["width"] >= 200
        button.tap()
        expect(page.locator("#messages")).to_contain_text("is yours")
        expect(row(page, incident)).to_contain_text("Acknowledged")


def test_on_a_phone_several_filters_are_chosen_and_then_shown(windows, team):
    declared("Low", severity="low")
    with looking(windows, team[0], screen="phone") as page:
        page.locator(".mu-toggle > summary").tap()
        page.locator("#f-severity").select_option("low")
        page.locator("#f-status").select_option("triggered")
        page.locator(".mu-apply").tap()
        page.wait_for_url("**/incidents/?severity=low&status=triggered")
        assert titles(page) == ["Low"]


def test_everything_is_there_without_a_script(windows, team):
    alice, _ = team
    one, two = declared("One", "Two")
    with windows.open(user=alice, java_script_enabled=False) as page:
        page.goto("/incidents/")
        page.locator("#f-severity").select_option("high")
        page.get_by_role("button", name="Show").first.click()
        assert page.url.endswith("/incidents/?severity=high")
        for incident in (one, two):
            row(page, incident).get_by_label(f"Select INC-{incident.pk}").check()
        page.locator(".mu-bulk").get_by_role("button", name="Acknowledge").click()
        assert page.url.endswith("/incidents/?severity=high")
        expect(page.locator("#messages")).to_contain_text("Acknowledged: ")
        expect(row(page, one)).to_contain_text("Alice Moreau")
        page.get_by_text("Save this view").click()
        page.get_by_label("Name of the view").fill("High ones")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.get_by_text("High ones").first).to_be_visible()
        with page.expect_download() as download:
            page.get_by_role("link", name="Export as CSV").click()
        assert download.value.suggested_filename.startswith("incidents-active-")


def test_axe_finds_nothing_in_any_state_of_the_list(windows, team):
    alice, bob = team
    found = {}
    with looking(windows, alice) as page:
        found["empty"] = in_every_light(page)
        saved_views.save(name="Mine", query="mine=1", by=alice)
        for incident in declared("One", "Two", services=(make.service("kafka"), make.service("search")))[:1]:
            lifecycle.resolve(incident, by=bob)
        page.goto("/incidents/?period=recent&severity=high&since=2020-01-01")
        found["filtered"] = in_every_light(page)
        page.keyboard.press("j")
        page.keyboard.press("x")
        declared("Three")
        expect(page.locator("#list-new")).to_have_text("1 new", timeout=SOON_MS)
        found["selected, with news"] = in_every_light(page)
        for menu in ("Saved views", "Save this view", "Since 2020-01-01"):
            page.get_by_text(menu).click()
            found[menu] = violations(page)
            page.keyboard.press("Escape")
    assert not any(found.values()), found
