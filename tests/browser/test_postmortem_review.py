"""A postmortem on its way to being published: what assistive technology finds, and small forms over the page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from postmortems import comments, factors, meeting, publishing, reviewing, templating
from postmortems.models import Postmortem
from tests import make
from tests.browser.axe import NARROW, in_every_light
from tests.postmortems.told import finished


@pytest.fixture
def admin(transactional_db):
    return make.user("maya", role="admin")


@pytest.fixture
def postmortem(admin):
    factors.ensure_defaults()
    templating.create(name="Usual", by=admin)
    made = finished(make.postmortem(by=admin))
    reviewing.send_for_review(made, by=admin, reviewers=[admin, make.user("bob")])
    section = made.sections.get(key="impact")
    comments.settle(comments.add(made, section=section, text="Typo", by=admin), by=admin)
    comments.add(made, section=section, text="Whom, and *how*?", by=admin)
    meeting.arrange(made, at=timezone.now() + timedelta(days=2), place="Room 2", by=admin)
    publishing.write_public(made, text="An hour.", by=admin)
    return made


def test_axe_finds_nothing(windows, postmortem, admin):
    top, template = postmortem.get_absolute_url(), templating.Template.objects.get().get_absolute_url()
    paths = ["", *(f"/{name}" for name in ("review", "comments", "factors", "meeting", "publish", "public"))]
    found = {}
    with windows.open(user=admin) as page:
        for address in (*(top + path for path in paths), "/postmortems/templates/", template):
            page.goto(address)
            found[address] = in_every_light(page, sizes=(NARROW,))
    assert not any(found.values()), found


def test_a_comment_and_an_approval_without_leaving_the_page(windows, postmortem, admin):
    with windows.open(user=admin) as page:
        page.goto(postmortem.get_absolute_url())
        page.get_by_role("link", name="Comment on Root cause").click()
        sheet = page.get_by_role("dialog")
        expect(sheet.get_by_label("On")).to_have_value("root_cause")
        expect(sheet.get_by_role("textbox", name="Comment")).to_be_focused()
        sheet.get_by_role("textbox", name="Comment").fill("Why?")
        sheet.get_by_role("button", name="Comment").click()
        expect(page.locator("#root_cause").get_by_text("Why?")).to_be_visible()
        expect(sheet).to_be_hidden()
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("#review")).to_contain_text("1 of 2 approved")
        page.get_by_role("link", name="Publish…").click()
        page.get_by_label("Publish this text too").check()
        page.get_by_role("button", name="Publish").click()
        page.get_by_role("button", name="Publish anyway").click()
        expect(page.get_by_role("button", name="Take back to edit")).to_be_visible()
    assert Postmortem.objects.get().public_update.message == "An hour."
