"""Incidents behind a number in a browser: read by assistive technology, left out and counted again without script."""

from __future__ import annotations

import re

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from incidents import excluding
from incidents.models import Incident
from metrics import catching_up
from tests.browser.axe import in_every_light
from tests.browser.conftest import too_wide

BEHIND = "/metrics/incidents?of=incidents&period=1y"


def caught_up():
    now = timezone.now()
    catching_up.catch_up(now=now)  # the first one only says that there is something to do
    while catching_up.catch_up(now=now):
        pass


@pytest.fixture
def counted(shop):
    caught_up()
    return Incident.objects.filter(excluded_from_metrics=False, merged_into=None).latest("created_at")


def test_axe_finds_nothing_on_what_is_behind_a_number(windows, shop, counted):
    excluding.exclude(counted, reason="A drill", by=shop.alice)
    caught_up()
    addresses = {
        "rows": BEHIND,
        "narrowed": "/metrics/incidents?of=alerts&period=1y&severity=critical&hour=3",
        "left out": "/metrics/incidents?of=excluded&period=1y",
        "wrong": "/metrics/incidents?of=nothing",
        "why": f"/incidents/{counted.reference}/exclude",
        "incident": counted.get_absolute_url(),
    }
    with windows.open(user=shop.alice) as page:
        found = {}
        for name, address in addresses.items():
            page.goto(address)
            found[name] = in_every_light(page)
        page.goto(addresses["left out"])
        page.emulate_media(media="print")
        page.set_viewport_size({"width": 720, "height": 1000})
        assert too_wide(page) == []
    assert not any(found.values()), found


def test_an_incident_is_left_out_and_counted_again_without_script(windows, shop, counted):
    with windows.open(user=shop.alice, screen="phone", java_script_enabled=False) as page:
        page.goto(BEHIND)
        page.get_by_role("link", name=f"Leave out {counted.reference}", exact=True).click()
        page.get_by_label("Why is it left out?").fill("Declared twice")
        page.get_by_role("button", name="Leave out", exact=True).click()
        expect(page.locator("main")).to_contain_text("Left out: Declared twice By Alice")
        expect(page).to_have_url(re.compile(re.escape(BEHIND) + "$"))
        caught_up()
        page.goto("/metrics/incidents?of=excluded&period=1y")
        expect(page.locator("#total")).to_have_text("1 incident")
        page.get_by_role("button", name=f"Count again {counted.reference}", exact=True).click()
        caught_up()
        page.reload()
        expect(page.locator("#total")).to_have_text("0 incidents")


def test_a_sheet_over_the_incident_leaves_it_out(windows, shop, counted):
    with windows.open(user=shop.alice) as page:
        page.goto(counted.get_absolute_url())
        page.get_by_text("More actions").locator("..").click()
        page.get_by_role("link", name="Leave out of the metrics").click()
        page.get_by_label("Why is it left out?").fill("A drill")
        page.get_by_role("button", name="Leave out", exact=True).click()
        expect(page.locator("#left-out")).to_contain_text("A drill")
        page.get_by_role("button", name="Count it again").click()
        expect(page.locator("#left-out")).to_have_count(0)
