"""The pages of those who wait, in a browser: what happens now, and what one hears of."""

from __future__ import annotations

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from catalog.models import MaintenanceWindow
from incidents import lifecycle, subscriptions
from incidents.subscriptions import Wish
from tests import make
from tests.browser.axe import in_every_light
from tests.browser.conftest import SCREENS, too_wide
from tests.make import MINUTE


@pytest.fixture
def reader(transactional_db):
    """Somebody who waits, while much happens."""
    now = timezone.now()
    alice, reader = make.user("alice"), make.user("charlie", role="viewer")
    kafka = make.service("kafka", health="major_outage", team=make.team("crew", alice))
    worst = make.incident(services=[kafka], title="Messages arrive late or never", assignee=alice, at=now - 9 * MINUTE)
    make.status_update(worst, "Two brokers are **gone**; the third one takes it all.", status="identified", at=now)
    make.incident(severity="high", title="Search finds nothing new", at=now - 90 * MINUTE)
    over = make.incident(severity="medium", services=[kafka], title="Slow pages", at=now - 200 * MINUTE)
    lifecycle.resolve(over, by=alice, now=now - 100 * MINUTE)
    for title, start in (("New disks", now - MINUTE), ("New brokers", now + 600 * MINUTE)):
        window = MaintenanceWindow.objects.create(title=title, starts_at=start, ends_at=start + 60 * MINUTE)
        window.services.set([kafka])
    for thing in (worst, kafka, "critical"):
        subscriptions.follow(Wish.of(thing), by=reader)
    return reader


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_trips_anybody_up_and_nobody_scrolls_sideways(windows, reader, screen):
    found = {}
    with windows.open(user=reader, screen=screen) as page:
        for address in ("/now/", "/subscriptions"):
            page.goto(address)
            found[address] = [*too_wide(page), *in_every_light(page)]
    assert not any(found.values()), found


def test_an_update_trips_nobody_up_while_it_is_written_looked_at_and_waits(windows, shop):
    found = {}
    with windows.open(user=shop.alice) as page:
        page.goto(f"{shop.busy.get_absolute_url()}/status-updates/new")
        page.get_by_label("Everybody: the public").check()
        page.get_by_label("What is it called in public?").fill("Search is late")
        page.get_by_label("Message").fill(f"{shop.busy.reference} is being worked on.")
        page.get_by_role("button", name="See how it will read").click()
        expect(page.get_by_role("heading", name="How it will read")).to_be_visible()
        found["preview"] = in_every_light(page)
        page.get_by_role("button", name="Post update").last.click()
        expect(page.locator("#communication")).to_contain_text("Not published yet")
        found["waiting"] = in_every_light(page, of="#communication")
        page.goto(page.locator(".mu-waiting a").get_attribute("href") or "")
        found["edited"] = in_every_light(page, of="main")
    assert not any(found.values()), found


def test_the_page_of_what_happens_now_refreshes_itself(windows, reader):
    with windows.open(user=reader) as page:
        page.goto("/now/")
        expect(page.locator("#live-state")).to_have_attribute("data-state", "live")
        make.incident(title="Payments fail", severity="critical")
        expect(page.get_by_role("heading", name="Payments fail")).to_be_visible()


def test_one_hears_of_a_service_with_one_press(windows, reader):
    make.service("search")
    with windows.open(user=reader) as page:
        page.goto("/services/search")
        page.get_by_role("button", name="Hear of updates").click()
        expect(page.get_by_role("button", name="You hear of updates")).to_be_visible()
        page.goto("/subscriptions")
        expect(page.get_by_role("link", name="Search")).to_be_visible()
