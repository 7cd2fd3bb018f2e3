"""Declaring while one types and chooses, and what is not lost when the session ends or the browser does."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import Page, expect

from incidents.models import Incident
from tests import make
from tests.browser.axe import in_every_light
from tests.browser.company import PASSWORD
from tests.browser.conftest import too_wide


@pytest.fixture
def alice(transactional_db):
    """She answers for checkout, of which something is known already."""
    alice = make.user("alice", name="Alice Moreau", password=PASSWORD)
    bob = make.user("bob", name="Bob Tanaka")
    policy = make.escalation_policy(alice, bob, delays=(0, 15), name="Payments primary")
    checkout = make.service("checkout", name="Checkout", policy=policy)
    make.incident(title="Checkout failing: card payments return 502", services=[checkout], assignee=bob)
    return alice


def title(page: Page):
    return page.get_by_label("What is wrong?")


def test_similar_incidents_come_while_one_types(windows, alice):
    with windows.open(user=alice) as page:
        page.goto("/incidents/new")
        title(page).press_sequentially("checkout 502", delay=20)
        similar = page.locator("#similar")
        expect(similar.get_by_role("status")).to_have_text("1 similar open incident")
        expect(similar.get_by_role("link")).to_contain_text("similar words: checkout, 502")
        title(page).fill("Search is slow")
        expect(similar.get_by_role("link")).to_have_count(0)
        page.get_by_role("checkbox", name="Checkout").check()
        expect(similar.get_by_role("link")).to_contain_text("same service: Checkout")
        page.get_by_role("radio", name="Low").check()
        page.get_by_role("button", name="Declare incident").click()
        expect(page.get_by_role("heading", name="Search is slow")).to_be_visible()


def test_opening_a_similar_one_and_coming_back_keeps_what_was_typed(windows, alice):
    with windows.open(user=alice) as page:
        page.goto("/incidents/new")
        title(page).press_sequentially("checkout 502")
        page.get_by_label("What do you know so far?").fill("Since **noon**")
        page.locator("#similar").get_by_role("link").click()
        expect(page.get_by_role("heading", name=re.compile("^Checkout failing"))).to_be_visible()
        page.goto("/incidents/new")
        expect(title(page)).to_have_value("checkout 502")
        expect(page.get_by_label("What do you know so far?")).to_have_value("Since **noon**")
        expect(page.locator("#similar").get_by_role("link")).to_have_count(1)


def test_the_plan_follows_what_is_chosen(windows, alice):
    with windows.open(user=alice) as page:
        page.goto("/incidents/new")
        plan = page.locator("#forecast")
        expect(plan).to_contain_text("Choose how bad it is")
        page.get_by_role("radio", name="Critical").check()
        page.get_by_role("checkbox", name="Checkout").check()
        expect(plan.locator("li").first).to_have_text(
            re.compile(r"Alice Moreau is paged\s+Step 1 of Payments primary\s+at once")
        )
        expect(plan).to_contain_text("Bob Tanaka is paged")
        page.get_by_label("Assignee").select_option("bob")
        expect(plan).to_contain_text("Bob Tanaka is told that it is theirs")
        page.get_by_role("radio", name="Low").check()
        expect(plan).not_to_contain_text("Payments primary")


def test_without_a_script_a_button_shows_the_plan(windows, alice):
    with windows.open(user=alice, java_script_enabled=False, screen="phone") as page:
        page.goto("/incidents/new")
        title(page).fill("Search is slow")
        page.get_by_role("radio", name="Critical").check()
        page.get_by_role("checkbox", name="Checkout").check()
        page.get_by_role("button", name="Show who is paged").click()
        expect(page.locator("#forecast")).to_contain_text("Alice Moreau is paged")
        expect(page.locator("#similar").get_by_role("link")).to_have_count(1)
        assert not too_wide(page)
        page.get_by_role("button", name="Declare incident").click()
        expect(page.get_by_role("heading", name="Search is slow")).to_be_visible()


def test_many_services_are_found_by_typing(windows, alice):
    for number in range(200):
        make.service(f"service-{number:03}", name=f"Service {number:03}")
    with windows.open(user=alice) as page:
        page.goto("/incidents/new?service=service-120")
        boxes = page.locator("#declare-services input:visible")
        expect(boxes).to_have_count(201)
        expect(boxes.first).to_have_value("service-120")
        page.get_by_label("Filter the services").press_sequentially("check")
        expect(boxes).to_have_count(2)
        page.keyboard.press("Enter")
        expect(page.get_by_role("checkbox", name="Checkout")).to_be_checked()
        expect(boxes).to_have_count(201)
        assert sorted(boxes.nth(place).get_attribute("value") for place in range(2)) == ["checkout", "service-120"]
        page.get_by_label("Filter the services").fill("no such thing")
        expect(page.get_by_text("No service has these words.")).to_be_visible()
        assert not too_wide(page)


# ---- what is not lost ----------------------------------------------------------------------------------------------


def forgive_unauthorized(windows) -> None:
    """Chromium reports every 401 itself; a page that asks for news gets one once its session is over."""
    windows.complaints[:] = [complaint for complaint in windows.complaints if "401" not in complaint]


def sign_in(page: Page) -> None:
    page.get_by_label("Username or email").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_form_sent_after_the_session_has_ended_is_sent_once_signed_in(windows, alice, script):
    with windows.open(java_script_enabled=script) as page:
        page.goto("/incidents/new")
        sign_in(page)
        title(page).fill("Search is slow")
        page.get_by_role("radio", name="High").check()
        page.get_by_label("What do you know so far?").fill("Since\nnoon")
        Session.objects.all().delete()
        page.get_by_role("button", name="Declare incident").click()
        expect(page.get_by_text("What you wrote is kept.")).to_be_visible()
        sign_in(page)
        expect(page.get_by_role("heading", name="You were signed out before this was sent")).to_be_visible()
        page.get_by_role("button", name="Send it now").click()
        expect(page.get_by_role("heading", name="Search is slow")).to_be_visible()
        page.goto("/incidents/new")
        expect(title(page)).to_have_value("")
    assert Incident.objects.get(title="Search is slow").description == "Since\nnoon"
    forgive_unauthorized(windows)


def test_a_note_of_a_live_page_goes_the_same_way(windows, alice):
    incident = Incident.objects.get()
    with windows.open() as page:
        page.goto(incident.get_absolute_url())
        sign_in(page)
        page.get_by_label("Note", exact=True).fill("Only **eu** is hit")
        Session.objects.all().delete()
        page.get_by_role("button", name="Add note").click()
        expect(page.get_by_text("What you wrote is kept.")).to_be_visible()
        sign_in(page)
        page.get_by_role("button", name="Send it now").click()
        expect(page.locator("#timeline strong")).to_have_text("eu")
        expect(page.get_by_label("Note", exact=True)).to_have_value("")
    forgive_unauthorized(windows)


def test_what_is_typed_survives_a_reload_and_goes_when_it_was_sent(windows, alice):
    incident = Incident.objects.get()
    with windows.open(user=alice) as page:
        page.goto(incident.get_absolute_url())
        page.get_by_label("Note", exact=True).fill("Half a thought")
        page.reload()
        expect(page.get_by_label("Note", exact=True)).to_have_value("Half a thought")
        page.get_by_role("button", name="Add note").click()
        expect(page.locator("#timeline")).to_contain_text("Half a thought")
        page.reload()
        expect(page.get_by_label("Note", exact=True)).to_have_value("")


def test_what_was_sent_and_not_declared_stays(windows, alice):
    with windows.open(user=alice) as page:
        page.goto("/incidents/new")
        title(page).fill("The ledger cannot be written")
        page.get_by_role("button", name="Declare incident").click()
        expect(page.locator(".mu-error")).to_be_visible()
        page.goto("/services/")
        page.goto("/incidents/new")
        expect(title(page)).to_have_value("The ledger cannot be written")
        page.locator("#declare-severity input").first.check()
        page.route("**/incidents/new", lambda route: route.abort())
        page.get_by_role("button", name="Declare incident").click()
        page.wait_for_url("chrome-error://**")
        page.unroute("**/incidents/new")
        page.goto("/incidents/new")
        expect(title(page)).to_have_value("The ledger cannot be written")
        page.locator("#declare-severity input").first.check()
        page.get_by_role("button", name="Declare incident").click()
        page.wait_for_url("**/INC-*")
        page.goto("/incidents/new")
        expect(title(page)).to_have_value("")
    windows.complaints.clear()


def test_a_question_before_it_is_declared_loses_nothing_either(windows, alice):
    with windows.open(user=alice) as page:
        page.route("**/incidents/similar*", lambda route: route.fulfill(status=204))
        page.goto("/incidents/new")
        title(page).fill(f"{Incident.objects.get().title} again")
        page.locator("#declare-severity input").first.check()
        page.get_by_role("button", name="Declare incident").click()
        expect(page.get_by_role("heading", name="Is it one of these?")).to_be_visible()
        page.goto("/incidents/new")
        expect(title(page)).not_to_have_value("")
        page.locator("#declare-severity input").first.check()
        page.get_by_role("button", name="Declare incident").click()
        page.get_by_role("button", name="Declare anyway").click()
        page.wait_for_url("**/INC-*")
        page.goto("/incidents/new")
        expect(title(page)).to_have_value("")


def test_a_page_says_that_somebody_was_signed_out_and_leaves_the_form_alone(windows, alice):
    with windows.open(user=alice) as page:
        page.goto("/incidents/new")
        Session.objects.all().delete()
        title(page).press_sequentially("checkout 502")
        expect(page.get_by_role("alert")).to_contain_text("You are signed out.")
        expect(title(page)).to_have_value("checkout 502")
    forgive_unauthorized(windows)


def test_axe_finds_nothing_on_the_way(windows, alice):
    found = {}
    with windows.open() as page:
        page.goto("/incidents/new")
        sign_in(page)
        title(page).press_sequentially("checkout 502")
        page.get_by_role("radio", name="Critical").check()
        page.get_by_role("checkbox", name="Checkout").check()
        expect(page.locator("#forecast")).to_contain_text("Alice Moreau")
        expect(page.locator("#similar").get_by_role("link")).to_have_count(1)
        found["form"] = in_every_light(page)
        page.locator("[name=seen]").evaluate("field => field.remove()")
        page.get_by_role("button", name="Declare incident").click()
        expect(page.get_by_role("heading", name="Is it one of these?")).to_be_visible()
        found["question"] = in_every_light(page)
        Session.objects.all().delete()
        page.get_by_role("button", name="Declare anyway").click()
        expect(page.get_by_text("What you wrote is kept.")).to_be_visible()
        found["sign in"] = in_every_light(page)
        sign_in(page)
        expect(page.get_by_role("heading", name="You were signed out before this was sent")).to_be_visible()
        found["kept"] = in_every_light(page)
    forgive_unauthorized(windows)
    assert not any(found.values()), found


# ---- paper ---------------------------------------------------------------------------------------------------------


PRESSED = "button, summary.btn, nav, dialog, .mu-top, input:not([type=hidden]), select, textarea"


def test_pages_print_without_what_can_only_be_pressed(windows, shop):
    paper_width = 703  # A4 within its margins, in CSS pixels
    with windows.open(user=shop.admin, color_scheme="dark") as page:
        page.set_viewport_size({"width": paper_width, "height": 1000})
        for name in ("list", "detail", "resolved", "alert", "service", "team", "outbox"):
            page.goto(shop.pages()[name])
            page.emulate_media(media="print")
            pressed = page.locator(
                "button, summary.btn, nav, dialog, .mu-top, input:not([type=hidden]), select, textarea"
            )
            assert [one.inner_text() for one in pressed.all() if one.is_visible()] == [], name
            expect(page.get_by_text(re.compile(r"Printed .* by Robin"))).to_be_visible()
            for part in ("body", ".mu-card"):
                colour = page.locator(part).first.evaluate("one => getComputedStyle(one).backgroundColor")
                assert colour == "rgb(255, 255, 255)", name
            assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)", name
            assert page.evaluate("document.documentElement.scrollWidth") <= paper_width, name
            page.emulate_media(media="screen")
