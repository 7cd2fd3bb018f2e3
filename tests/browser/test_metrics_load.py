"""On-call load in a browser: read by assistive technology, without script, and from a number to its pages and back."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from metrics import catching_up
from notifications.models import Notification
from tests.browser.axe import in_every_light
from tests.browser.conftest import too_wide


@pytest.fixture
def paged(shop):
    """Everybody's pages have reached them."""
    now = timezone.now()
    Notification.objects.filter(purpose="page").update(state="sent", finished_at=now)
    catching_up.catch_up(now=now)  # the first one only says that there is something to do
    while catching_up.catch_up(now=now):
        pass
    return Notification.objects.filter(purpose="page", topic__startswith="incident/").exists()


def test_axe_finds_nothing_on_load_and_its_pages(windows, shop, paged):
    assert paged
    with windows.open(user=shop.admin) as page:
        page.goto("/metrics/on-call?period=1y")
        page.locator("#weeks details").evaluate("(one) => { one.open = true }")
        found = {"load": in_every_light(page)}
        for name, address in {"pages": "/metrics/pages?period=1y", "wrong": "/metrics/pages?person=nobody"}.items():
            page.goto(address)
            found[name] = in_every_light(page)
    assert not any(found.values()), found


def test_from_a_number_to_its_pages_and_back_without_script(windows, shop, paged):
    with windows.open(user=shop.alice, screen="phone", java_script_enabled=False) as page:
        page.goto("/metrics/on-call?period=30d")
        number = page.locator("#kpi-pages .mu-big")
        count = number.inner_text()
        number.click()
        expect(page.locator("#total")).to_have_text(f"{count} page{'' if count == '1' else 's'}")
        page.get_by_role("link", name="On-call load", exact=True).click()
        expect(page.locator("#kpi-pages .mu-big")).to_have_text(count)


def test_on_paper_nothing_is_cut(windows, shop, paged):
    with windows.open(user=shop.admin) as page:
        page.goto("/metrics/on-call")
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 720, "height": 1000})
        assert too_wide(page) == []
        expect(page.locator("#people")).to_be_visible()
        expect(page.locator("#question")).to_be_hidden()
