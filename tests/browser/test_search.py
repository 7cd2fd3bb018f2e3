"""Search everywhere and my work in a browser: by keyboard, by thumb, and without the script."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from accounts.models import User
from core.work import db_now
from incidents import action_items, escalation, lifecycle
from incidents.models import ActionItem
from tests import make
from tests.browser.axe import in_every_light, violations
from tests.browser.conftest import too_wide


def box(page):
    """The one box of the page."""
    return page.get_by_label("Search everything")


def options(page):
    """The answers below the box."""
    return page.locator("#search-answers").get_by_role("option")


def marked(page) -> str:
    """The answer that Enter would choose."""
    return page.evaluate(
        """() => {
            const box = document.querySelector("#search-q");
            const id = box.getAttribute("aria-activedescendant");
            const option = id && document.getElementById(id);
            return option && option.getAttribute("aria-selected") === "true" ? option.textContent.trim() : "";
        }"""
    )


@pytest.fixture
def disks(transactional_db):
    """Two incidents, a service and a person about disks."""
    alice = make.user("alice", name="Alice Moreau")
    make.user("diskin", name="Diskin Jones")
    service = make.service("disk-array", name="Disk Array")
    first = make.incident(title="Disk full on db-1", services=[service], at=timezone.now())
    second = make.incident(title="Disk slow on db-2", severity="low", at=timezone.now())
    return alice, first, second


def test_answers_show_while_typing_and_are_chosen_with_the_keyboard(windows, disks):
    alice, first, second = disks
    with windows.open(user=alice) as page:
        page.goto("/services/")
        page.keyboard.press("/")
        expect(box(page)).to_be_focused()
        page.keyboard.type("disk")
        expect(options(page)).to_have_count(5)
        expect(box(page)).to_have_attribute("aria-expanded", "true")
        expect(page.get_by_role("status").filter(has_text="4 answers")).to_have_count(1)
        assert violations(page) == []
        page.keyboard.press("ArrowDown")
        assert second.reference in marked(page)
        page.keyboard.press("ArrowUp")
        assert marked(page) == ""
        page.keyboard.press("ArrowUp")
        assert marked(page) == "All results"
        page.keyboard.press("Escape")
        expect(options(page).first).to_be_hidden()
        expect(box(page)).to_have_value("disk")
        expect(box(page)).to_have_attribute("aria-expanded", "false")
        page.keyboard.type(" ful")
        expect(options(page)).to_have_count(3)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=first.title)).to_be_visible()


def test_enter_searches_and_a_number_leads_right_there(windows, disks):
    alice, first, _ = disks
    with windows.open(user=alice) as page:
        page.goto("/services/")
        page.keyboard.press("/")
        page.keyboard.type("disk")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Search")).to_be_visible()
        expect(page.locator("#found mark")).to_have_count(2)
        expect(box(page)).to_have_value("disk")
        page.keyboard.press("/")
        page.keyboard.type(first.reference.lower())
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name=first.title)).to_be_visible()


def test_an_answer_to_an_older_question_never_replaces_a_newer_one(windows, disks):
    alice, first, _ = disks
    with windows.open(user=alice) as page:
        page.route("**/search/?q=disk", lambda route: (page.wait_for_timeout(600), route.continue_()))
        page.goto("/services/")
        page.keyboard.press("/")
        page.keyboard.type("disk")
        page.wait_for_timeout(250)
        page.keyboard.type(" full")
        expect(options(page)).to_have_count(3)
        page.wait_for_timeout(900)
        expect(options(page).first).to_contain_text(first.reference)
        expect(options(page)).to_have_count(3)


def test_who_was_signed_out_sees_no_stray_page_in_the_box(windows, disks):
    alice, _, _ = disks
    with windows.open(user=alice) as page:
        page.goto("/services/")
        page.context.clear_cookies()
        page.keyboard.press("/")
        with page.expect_response(lambda answer: answer.status == 401):
            page.keyboard.type("disk")
        page.wait_for_timeout(300)  # what came has had its time to be shown
        expect(page.locator("#search-answers")).to_be_hidden()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert "401" in windows.complaints.pop(), "Chromium reports it itself"


@pytest.mark.parametrize("script", [True, False])
def test_on_a_phone_the_glass_leads_to_a_page_with_the_box(windows, disks, script):
    alice, first, _ = disks
    with windows.open(user=alice, screen="phone", java_script_enabled=script) as page:
        page.goto("/incidents/")
        page.get_by_role("link", name="Search everything").tap()
        box(page).fill("severity:critical disk")
        if script:
            expect(options(page)).to_have_count(4)
            assert not too_wide(page)
        page.get_by_role("button", name="Search").tap()
        expect(page.locator("#found .mu-title")).to_have_text(first.title)
        if script:
            assert not too_wide(page)
        page.get_by_role("link", name="See them in the incident list").tap()
        expect(page.get_by_role("link", name=first.title)).to_be_visible()


@pytest.fixture
def busy(disks) -> User:
    """Alice was paged for an incident and has promised something."""
    alice, first, _ = disks
    make.incident(title="Search answers nothing", steps=[alice], at=timezone.now())
    escalation.advance_due(now=db_now())
    action_items.add(first, title="Add a disk", owner=alice, due_on=timezone.localdate(), by=alice)
    return alice


@pytest.mark.parametrize("script", [True, False])
def test_my_work_is_answered_and_ticked_where_it_stands(windows, busy, script):
    with windows.open(user=busy, screen="phone", java_script_enabled=script) as page:
        page.goto("/my-work/")
        page.get_by_role("button", name="Acknowledge").tap()
        expect(page.locator("#assigned .mu-title")).to_have_text("Search answers nothing")
        expect(page.locator("#waiting")).to_contain_text("Nothing waits for you")
        page.get_by_role("button", name="Mark as done: Add a disk").tap()
        expect(page.locator("#actions")).to_contain_text("Nothing to do")
        expect(page).to_have_url(f"{windows.base_url}/my-work/")
        if script:
            assert not too_wide(page)
    assert ActionItem.objects.get().done_by == busy


def test_my_work_hears_of_what_others_do(windows, busy):
    with windows.open(user=busy) as page:
        page.goto("/incidents/")
        page.keyboard.press("g")
        page.keyboard.press("m")
        expect(page.locator("#waiting .mu-title")).to_have_count(1)
        incident = lifecycle.declare(
            lifecycle.Draft(title="Meanwhile", severity="low", assignee=busy), now=timezone.now()
        )
        expect(page.locator("#assigned")).to_contain_text(incident.reference)


def test_axe_finds_nothing_on_these_pages(windows, busy):
    root = make.user("root", role="admin", email=False)
    found = {}
    with windows.open(user=busy) as page:
        for address in ("/my-work/", "/search/", "/search/?q=disk", "/search/?q=foo:bar+severity:x+zebra"):
            page.goto(address)
            found[address] = in_every_light(page)
    with windows.open(user=root) as page:
        page.goto("/first-steps/")
        found["/first-steps/"] = in_every_light(page)
    assert not any(found.values()), found


@pytest.mark.parametrize("screen", ["phone", "desk"])
def test_the_first_steps_lead_to_a_page(windows, transactional_db, screen):
    robin = make.user("robin", role="admin", name="Robin Castellanos")
    make.service("pay", name="Pay", policy=make.escalation_policy(make.team("ops", robin)))
    with windows.open(user=robin, screen=screen, java_script_enabled=screen == "desk") as page:
        page.goto("/first-steps/")
        expect(page.locator("#first-steps .mu-past")).to_have_count(4)
        page.get_by_role("button", name="Send a test page").click()
        expect(page.get_by_role("heading", name="Test page, nothing is broken")).to_be_visible()
