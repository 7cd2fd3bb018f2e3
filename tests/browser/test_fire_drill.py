"""A fire drill, watched on a laptop and answered on a phone."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import expect

from core.work import db_now
from notifications import delivery, drills
from notifications.models import Drill
from tests import make
from tests.browser.conftest import too_wide


def test_the_page_shows_each_step_as_it_happens_and_then_rests(windows, transactional_db):
    alice = make.user("alice", name="Alice Moreau")
    with windows.open(user=alice) as page, windows.open(screen="phone") as phone:
        page.goto("/me/drills/")
        page.get_by_role("button", name="Page me now").click()
        expect(page.locator("#drill [role=status]")).to_have_text("Waiting for your answer")
        way = page.locator("#drill li")
        expect(way).to_contain_text("being handed over")
        delivery.deliver_due("email", now=db_now())
        expect(way).to_contain_text(re.compile(r"written down after [\d.]+ s"))

        drill = Drill.objects.get()
        phone.goto(urlsplit(drills.answer_url(drill, alice.contact_methods.get())).path)
        button = phone.get_by_role("button")
        expect(button).to_have_text("Answer the drill")
        assert not too_wide(phone)
        button.tap()
        expect(phone.get_by_role("heading")).to_have_text(re.compile("Answered after"))

        expect(page.locator("#drill [role=status]")).to_have_text(re.compile("Answered after"))
        expect(way).to_contain_text("by the link in it")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.wait_for_timeout(2500)
        assert asked == []
