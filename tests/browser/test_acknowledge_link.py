"""The link in a page, opened on a phone by somebody who is signed in nowhere."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.utils import timezone
from playwright.sync_api import expect

from incidents import messages
from tests import make
from tests.browser.conftest import too_wide


def test_the_link_acknowledges_with_one_tap_and_without_signing_in(windows, transactional_db):
    alice = make.user("alice", name="Alice Moreau")
    incident = make.incident(title="Secret leak", steps=[alice], is_private=True, at=timezone.now())
    with windows.open(screen="phone") as page:
        page.goto(urlsplit(messages.answer_url(incident, alice)).path)
        expect(page.get_by_text("Secret leak")).to_have_count(0)
        button = page.get_by_role("button")
        expect(button).to_have_text(f"Acknowledge {incident.reference}")
        box = button.bounding_box()
        assert box
        assert box["height"] >= 40
        assert box["y"] + box["height"] <= 740, "one tap without scrolling"
        assert not too_wide(page)
        button.tap()
        expect(page.get_by_role("heading")).to_have_text("You are on it")
        expect(page.get_by_role("button")).to_have_count(0)
        page.get_by_role("link", name=f"Open {incident.reference}").tap()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    incident.refresh_from_db()
    assert (incident.status, incident.assignee) == ("acknowledged", alice)
