"""From signing in to the postmortem: by mouse, by keyboard alone, and on a phone without JavaScript."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from incidents.models import Incident
from tests import make
from tests.browser.company import PASSWORD
from tests.browser.conftest import too_wide
from tests.browser.hands import HANDS, Mouse

TITLE = "Search answers nothing"


@pytest.fixture
def alice(transactional_db):
    """She answers for the query engine; something like what she is about to declare is open already."""
    alice = make.user("alice", name="Alice Moreau", password=PASSWORD)
    make.service("query-engine", name="Query Engine", policy=make.escalation_policy(alice))
    make.incident(title="Search answers late", severity="low", at=timezone.now())
    return alice


@pytest.mark.parametrize(
    ("hand", "window"),
    [
        pytest.param("mouse", {}, id="mouse"),
        pytest.param("keyboard", {}, id="keyboard"),
        pytest.param("fingers", {"screen": "phone"}, id="phone"),
        pytest.param("keyboard", {"java_script_enabled": False}, id="keyboard-without-script"),
        pytest.param("fingers", {"screen": "phone", "java_script_enabled": False}, id="phone-without-script"),
    ],
)
def test_an_incident_is_worked_from_sign_in_to_postmortem(windows, alice, hand, window):
    with windows.open(**window) as page:
        hands = HANDS[hand](page)
        sign_in(page, hands)
        declare(page, hands, asks="java_script_enabled" in window)
        for words, status in (("Acknowledge", "Acknowledged"), ("Start investigating", "Investigating")):
            hands.press(stage(page).get_by_role("button", name=words))
            expect_status(page, status)
        write_down(page, hands)
        hands.press(stage(page).get_by_role("button", name="Mark mitigating"))
        expect_status(page, "Mitigating")
        finish(page, hands)
        assert not too_wide(page)

    incident = Incident.objects.get(title=TITLE)
    assert (incident.status, incident.assignee, incident.root_cause) == ("postmortem", alice, "A full disk.")
    wanted = ["triggered", "acknowledged", "moved", "noted", "evidence_linked", "mitigated", "moved", "resolved"]
    by_people = [kind for kind in make.happened(incident) if kind not in ("paged", "notified")]
    assert by_people == [*wanted, "postmortem_drafted", "postmortem_started"]


def sign_in(page: Page, hands: Mouse) -> None:
    """Strangers are asked for their password first."""
    page.goto("/incidents/")
    hands.write(page.get_by_label("Username or email"), "alice")
    hands.write(page.get_by_label("Password"), PASSWORD)
    hands.press(page.get_by_role("button", name="Sign in"))
    expect(page.get_by_role("heading", name="Incidents", exact=True)).to_be_visible()


def declare(page: Page, hands: Mouse, *, asks: bool) -> None:
    """With the list's one primary button. What is like it shows beside the form, or is asked about afterwards."""
    hands.press(page.get_by_role("link", name=re.compile("^Declare")))
    hands.write(page.get_by_label("What is wrong?"), TITLE)
    if not asks:
        expect(page.locator("#similar")).to_contain_text("Search answers late")
    hands.choose(page.get_by_role("radio", name="Critical"))
    hands.press(page.get_by_role("checkbox", name="Query Engine"))
    if not asks:
        expect(page.locator("#forecast")).to_contain_text("Alice Moreau")
    assert not too_wide(page)
    hands.press(page.get_by_role("button", name="Declare incident"))
    if asks:
        expect(page.get_by_role("heading", name="Is it one of these?")).to_be_visible()
        assert not too_wide(page)
        hands.press(page.get_by_role("button", name="Declare anyway"))
    expect(page.get_by_role("heading", name=TITLE)).to_be_visible()
    expect(page.get_by_text("is declared")).to_be_visible()


def write_down(page: Page, hands: Mouse) -> None:
    """A note, a link, and what was done."""
    hands.write(page.get_by_label("Note", exact=True), "Only **eu** is hit")
    hands.press(page.get_by_role("button", name="Add note"))
    expect(page.locator("#timeline strong")).to_have_text("eu")
    hands.press(page.locator("#composer").get_by_role("link", name="Evidence"))
    hands.write(page.get_by_label("Address"), "https://grafana.example.com/d/errors")
    hands.write(page.get_by_label("Caption"), "Errors by region")
    hands.press(page.get_by_role("button", name="Link evidence"))
    expect(page.locator("#evidence").get_by_role("link", name="Errors by region")).to_be_visible()
    hands.press(page.locator("#composer").get_by_role("link", name="Mitigation"))
    hands.choose(page.get_by_role("radio", name="Fix applied"))
    hands.press(page.get_by_role("button", name="Record mitigation"))
    expect(page.locator("#timeline")).to_contain_text("mitigated: Fix applied")


def finish(page: Page, hands: Mouse) -> None:
    """Resolve with a root cause, then learn from it."""
    hands.press(stage(page).get_by_role("link", name="Resolve"))
    hands.write(page.get_by_label("Root cause"), "A full disk.")
    hands.press(page.get_by_role("button", name="Resolve", exact=True))
    expect_status(page, "Resolved")
    expect(page.locator("#summary")).to_contain_text("A full disk.")
    hands.press(stage(page).get_by_role("button", name="Start postmortem"))
    expect(page).to_have_url(re.compile("/postmortems/"))


def stage(page: Page) -> Locator:
    """The buttons beside the title, or at the bottom of a phone."""
    return page.locator("#stage")


def expect_status(page: Page, status: str) -> None:
    """The present stage among the six."""
    expect(page.locator(".mu-steps [aria-current=step]")).to_contain_text(status)
