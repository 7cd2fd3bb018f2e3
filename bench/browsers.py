"""Real Chromium browsers for a bench, signed in without the form."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from bench.stack import Stack

# Chromium without a window to draw in takes a third less of a processor for the same pages.
CHROMIUM = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

COOKIES = """
from bench.visitor import cookie
for username in {usernames!r}:
    print("cookie", cookie(username))
"""


@contextmanager
def chromium(count: int) -> Iterator[list[Browser]]:
    """That many browsers, each a process of its own."""
    with sync_playwright() as playwright:
        browsers = [playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS) for _ in range(count)]
        try:
            yield browsers
        finally:
            for browser in browsers:
                browser.close()


def run(muster: Stack, program: str) -> list[list[str]]:
    """Run lines of Python beside the running stack; the words of each line that they print."""
    printed = muster.manage("manage.py", "shell", "--no-imports", "-c", program)
    return [line.split(" ", 1) for line in printed.splitlines()]


def cookies(muster: Stack, *usernames: str) -> list[str]:
    """A session for each of these people."""
    return [said for _, said in run(muster, COOKIES.format(usernames=usernames))]


def window(browser: Browser, muster: Stack, cookie: str) -> BrowserContext:
    """A browser window in which that person is signed in, with an empty cache."""
    name, _, value = cookie.partition("=")
    context = browser.new_context(base_url=muster.base_url, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": name, "value": value, "url": muster.base_url}])
    return context
