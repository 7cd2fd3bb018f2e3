"""Leadership's page in a browser: on one screen, for assistive technology in every light, and without JavaScript."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import in_every_light
from tests.browser.test_metrics import worked  # noqa: F401


@pytest.mark.parametrize("address", ["/metrics/leadership", "/metrics/leadership?severity=worst", "/metrics/reports"])
def test_axe_finds_nothing(windows, worked, address):  # noqa: F811
    with windows.open(user=worked.alice) as page:
        page.goto(address)
        page.locator("main details").evaluate_all("all => all.forEach(one => { one.open = true })")
        assert in_every_light(page) == []


def test_it_is_one_screen(windows, worked):  # noqa: F811
    with windows.open(user=worked.alice) as page:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.goto("/metrics/leadership")
        expect(page.locator(".mu-kpi")).to_have_count(4)
        assert page.evaluate("document.documentElement.scrollHeight") <= 900
        page.set_viewport_size({"width": 360, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_filters_and_the_choice_of_reports_work_without_javascript(windows, worked):  # noqa: F811
    with windows.open(user=worked.alice, java_script_enabled=False) as page:
        page.goto("/metrics/leadership")
        page.locator(".mu-lead-head summary").click()
        page.get_by_label("Severity", exact=True).select_option("critical")
        page.get_by_role("button", name="Show").click()
        expect(page.locator(".mu-lead-head")).to_contain_text("only critical")
        page.goto("/metrics/reports")
        page.get_by_label("Every week").check()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("You get the weekly report by e-mail.")).to_be_visible()
        expect(page.get_by_label("Every week")).to_be_checked()
