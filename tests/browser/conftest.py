"""A Chromium for the session, windows on the running site, and no test in which the browser complained."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, sync_playwright

from bench import browsers
from incidents_site.asgi import application, live
from tests.browser import company
from tests.live import Site, serving

DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}
SCREENS = {"desk": DESK, "phone": PHONE}
PATIENCE_MS = 10_000


def pytest_collection_modifyitems(items):
    """Every test of this folder drives a browser, and talks to it over a socket."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.enable_socket)


@dataclass
class Windows:
    """Opens pages on the running site, and remembers everything that a browser complained about."""

    browser: Browser
    base_url: str
    complaints: list[str] = field(default_factory=list)

    @contextmanager
    def open(self, *, user=None, screen: str = "desk", **options):
        """A window; signed in as ``user`` without the form."""
        context = self.browser.new_context(base_url=self.base_url, **SCREENS[screen], **options)
        context.set_default_timeout(PATIENCE_MS)
        if user:
            context.add_cookies([company.session_cookie(user, self.base_url)])
        page = context.new_page()
        page.on("console", self._listen)
        page.on("pageerror", self._note)
        try:
            yield page
        finally:  # a page that is closed may complain about the stream that ends with it
            page.remove_listener("console", self._listen)
            page.remove_listener("pageerror", self._note)
            context.close()

    def _listen(self, message: ConsoleMessage) -> None:
        """A refused style, script or image is an error of the console, as is a missing file."""
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.location.get('url')}: {message.text}")

    def _note(self, error: Error) -> None:
        """Nobody caught it."""
        self.complaints.append(str(error))


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium. Playwright keeps an event loop in this thread, which Django takes for asynchronous code."""
    was = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browsers.CHROMIUM, args=browsers.ARGUMENTS)
        yield chromium
        chromium.close()
    if was is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def site(own_redis, django_db_setup):
    """Muster as it is served, pages and live stream, on the test's database."""
    with serving(application, live) as running:
        yield running


@pytest.fixture
def windows(browser, site: Site, transactional_db):
    """Where windows are opened; afterwards no browser may have complained."""
    opened = Windows(browser, site.url)
    yield opened
    site.wait_until_quiet()
    assert opened.complaints == []


@pytest.fixture
def shop(transactional_db):
    """A small company with something on every page."""
    return company.build()


def too_wide(page: Page) -> list[str]:
    """What makes somebody scroll sideways; nothing, if nobody has to."""
    return page.evaluate(
        """() => {
            const room = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= room) return [];
            const all = [...document.body.querySelectorAll("*")].filter((one) => one.checkVisibility());
            const out = all.filter((one) => one.getBoundingClientRect().right > room);
            return out.map((one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 40)}`);
        }"""
    )
