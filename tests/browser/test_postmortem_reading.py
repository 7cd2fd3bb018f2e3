"""A postmortem read in a browser, on paper, and saved."""

from __future__ import annotations

import pytest

from core import pdf
from tests import make
from tests.browser.axe import NARROW, in_every_light
from tests.browser.conftest import too_wide
from tests.postmortems import stories

pytestmark = pytest.mark.browser


@pytest.fixture
def alice(transactional_db):
    return make.user("alice")


def test_it_is_clean_fits_a_phone_and_prints_without_what_can_only_be_pressed(windows, alice):
    told = stories.told(alice, title="Checkout answers 502 " + "w" * 120, services=[make.service("checkout")])
    draft = make.postmortem()
    with windows.open(user=alice) as page:
        page.goto(draft.get_absolute_url())
        assert in_every_light(page, sizes=(NARROW,)) == []
        page.goto(told.get_absolute_url())
        assert in_every_light(page) == []
        page.emulate_media(media="print")
        hidden = ".mu-top, .mu-outline, .mu-postmortem > aside, #export, .mu-edit-part, .mu-footer"
        assert page.locator(hidden).evaluate_all("all => all.filter(one => one.checkVisibility()).length") == 0
        assert page.locator(".mu-went svg.mu-chart").is_visible()
        assert page.locator("#lessons_learned").is_visible()
    with windows.open(user=alice, screen="phone") as page:
        page.goto(told.get_absolute_url())
        assert too_wide(page) == []


def test_it_is_saved_with_the_keyboard_alone(windows, alice, monkeypatch):
    monkeypatch.setattr(pdf, "make", lambda html, **_: b"%PDF-1.7 " + html[:9].encode())
    told = make.postmortem(by=alice)
    with windows.open(user=alice) as page:
        page.goto(told.get_absolute_url())
        page.locator("#export summary").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        with page.expect_download() as waiting:
            page.keyboard.press("Enter")
        assert waiting.value.suggested_filename == f"postmortem-{told.incident.reference}.pdf"
