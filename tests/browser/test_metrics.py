"""The page of figures in a browser: for assistive technology, in every light, by keyboard, and without JavaScript."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from incidents import lifecycle
from metrics import catching_up
from tests import make
from tests.browser.axe import in_every_light
from tests.make import MINUTE


@pytest.fixture
def worked(shop):
    """A few weeks of incidents, one of them of each severity a week."""
    now = timezone.now()
    service = make.service("checkout-api", team=make.team("checkout"))
    for week in range(4):
        for minutes, severity in enumerate(("critical", "high", "medium", "low"), start=2):
            at = now - timedelta(weeks=week, hours=5 * minutes)
            incident = make.incident(severity=severity, services=[service], at=at)
            lifecycle.acknowledge(incident, by=shop.alice, now=at + minutes * MINUTE)
            lifecycle.resolve(incident, by=shop.alice, now=at + 20 * minutes * MINUTE)
    catching_up.catch_up(now=now)  # the first one only says that there is something to do
    while catching_up.catch_up(now=now):
        pass
    return shop


def test_axe_finds_nothing_on_the_page_of_figures(windows, worked):
    with windows.open(user=worked.alice) as page:
        page.goto("/metrics/")
        expect(page.locator(".mu-kpi")).to_have_count(4)
        page.locator("main details:not(.mu-menu)").evaluate_all("all => all.forEach(one => { one.open = true })")
        assert in_every_light(page) == []
        page.goto("/metrics/?severity=worst")
        assert in_every_light(page) == []


def test_a_column_a_cell_and_a_number_lead_to_their_incidents_by_keyboard(windows, worked):
    with windows.open(user=worked.alice) as page:
        page.goto("/metrics/?period=30d")
        column = page.locator("#frequency .mu-plot a[aria-label]").last
        column.focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/metrics/incidents\?.*of=incidents&week="))
        page.go_back()
        page.locator("#hours .mu-heat a").first.focus()
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(r"/metrics/incidents\?.*hour="))
        page.go_back()
        page.locator("#kpi-acknowledged .mu-big").click()
        expect(page).to_have_url(re.compile(r"/metrics/incidents\?.*of=acknowledged"))


def test_the_drawing_and_its_table_say_the_same(windows, worked):
    with windows.open(user=worked.alice) as page:
        page.goto("/metrics/")
        page.locator("#frequency summary").click()
        totals = [int(text) for text in page.locator("#frequency tbody td:nth-child(6)").all_inner_texts()]
        drawn = [
            int(re.search(r": (\d+) incident", label or "").group(1))
            for label in page.locator("#frequency .mu-plot a[aria-label]").evaluate_all(
                "all => all.map((one) => one.getAttribute('aria-label'))"
            )
        ]
        assert [total for total in totals if total] == drawn


def test_filters_and_days_work_without_javascript(windows, worked):
    with windows.open(user=worked.alice, java_script_enabled=False) as page:
        page.goto("/metrics/")
        page.locator("#q-severity").select_option("critical")
        page.locator("#q-service").select_option("checkout-api")
        page.locator("#question > .mu-fields > button").click()
        expect(page.locator(".mu-asked")).to_contain_text("only critical, service Checkout-api")
        expect(page.locator("#kpi-incidents .mu-big")).to_have_text("4")
