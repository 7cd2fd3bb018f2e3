"""Takes the pictures of the documentation from a running demo installation, and writes them beside this file.

    MUSTER_DATA=/tmp/pictures PORT=8090 script/server          # a fresh demo, in another terminal
    .venv/bin/python docs/screenshots/make.py http://127.0.0.1:8090 ADMIN:PASSWORD RESPONDER:PASSWORD

The two logins are the first two that ``script/server`` prints. Take the pictures in the first minutes: the demo's open
incident is unanswered, and what it shows grows. Names given after the logins limit the pictures to those. Needs
Chromium, the font Inter if it is there (Debian: fonts-inter), and pngquant to keep the files small.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from playwright.sync_api import Browser, Page, sync_playwright

HERE = Path(__file__).parent
CHROMIUM = shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include>/etc/fonts/fonts.conf</include>
<match target="pattern"><test qual="any" name="family"><string>{}</string></test>
<edit name="family" mode="prepend" binding="strong"><string>Inter</string></edit></match></fontconfig>"""
DESK, PHONE = (1440, 950), (360, 780)
MOST_HEIGHT = 1000


class Picture(NamedTuple):
    """A page, and how it is looked at. ``link`` is a link to follow from the page, ``then`` what to add to the address
    that it leads to."""

    name: str
    path: str
    link: str = ""
    then: str = ""
    size: tuple[int, int] = DESK
    theme: str = "light"
    who: str = "admin"


WORKED = "/incidents/?status=investigating"
TRIGGERED = "/incidents/?status=triggered"
FILLED = "/incidents/new?title=Checkout+answers+502&severity=critical&service=query-engine"
# The four pages that people live in, on both screens and in both themes.
MAIN = [
    ("incident-list", "/incidents/?period=recent", "/incidents/?period=recent", "", "admin"),
    ("incident-detail", WORKED, TRIGGERED, ".mu-title", "admin"),
    ("declare", FILLED, FILLED, "", "admin"),
    ("login", "/accounts/login/", "/accounts/login/", "", "stranger"),
]
PICTURES = [
    Picture(f"{name}-{size[0]}-{theme}", desk if size == DESK else phone, link, size=size, theme=theme, who=who)
    for name, desk, phone, link, who in MAIN
    for size in (DESK, PHONE)
    for theme in ("light", "dark")
] + [
    Picture("my-work-1440-light", "/my-work/", who="responder"),
    Picture("search-1440-light", "/search/?q=error+severity:critical"),
    Picture("first-steps-1440-light", "/first-steps/"),
    Picture("on-call-1440-light", "/on-call/", ".mu-now article:nth-child(4) h3 a"),
    Picture("readiness-1440-light", "/on-call/readiness"),
    Picture("simulate-1440-light", "/services/query-engine/simulate?severity=critical"),
    Picture("ledger-1440-light", WORKED, ".mu-title", then="/ledger"),
    Picture("runbooks-1440-light", "/runbooks/"),
    Picture("runbook-run-360-light", "/runs/1", size=PHONE),
    Picture("postmortem-1440-light", "/postmortems/?tab=published", ".mu-title"),
    Picture("actions-1440-light", "/automation/"),
    Picture("actions-asked-for-1440-light", WORKED, ".mu-title", then="/actions"),
    Picture("execution-1440-light", "/executions/4"),
    Picture("follow-ups-1440-light", "/follow-ups/?sort=-severity"),
    Picture("metrics-1440-light", "/metrics/"),
    Picture("metrics-leadership-1440-light", "/metrics/leadership"),
    Picture("metrics-on-call-1440-light", "/metrics/on-call"),
    Picture("services-1440-light", "/services/"),
    Picture("service-1440-light", "/services/query-engine"),
    Picture("outbox-1440-light", "/outbox/"),
    Picture("alerts-1440-light", "/alerts/?show=all"),
    Picture("integration-1440-light", "/settings/integrations/", ".mu-title"),
    Picture("escalation-policy-1440-light", "/services/query-engine", "section[aria-labelledby=h-paged] header a"),
    Picture("profile-1440-light", "/me/"),
    Picture("team-1440-light", "/teams/search-ai"),
    Picture("acknowledge-360-light", "/outbox/?channel=email", size=PHONE, who="responder"),
    Picture("admin-1440-light", "/admin/"),
    Picture("public-1440-light", "/status/", who="stranger"),
    Picture("update-1440-light", WORKED, ".mu-title", then="/status-updates/new", who="responder"),
    Picture("now-1440-light", "/now/", who="responder"),
    Picture("status-page-1440-light", "/status-pages/finchlight"),
    Picture("subscribers-1440-light", "/status-pages/finchlight/subscribers/"),
    Picture("maintenance-1440-light", "/maintenance/", ".mu-title", who="responder"),
]


def sign_in(browser: Browser, base: str, login: str) -> Any:
    """The cookies of somebody, by the form."""
    username, password = login.split(":", 1)
    page = browser.new_page()
    page.goto(f"{base}/accounts/login/")
    page.fill("[name=login]", username)
    page.fill("[name=password]", password)
    page.click("main button[type=submit]")
    page.locator(".mu-person").wait_for()
    state = page.context.storage_state()
    page.close()
    return state


def follow(page: Page, picture: Picture) -> None:
    """From the page of the picture to what it shows."""
    if picture.link:
        page.locator(picture.link).first.click()
        page.wait_for_load_state()
        if picture.then:
            page.goto(page.url + picture.then)
        if picture.name.startswith("update"):
            look_at_an_update(page)
    elif picture.name.startswith("acknowledge"):
        for letter in page.locator(".mu-letter").all_text_contents():
            if found := re.search(r"http\S+/answers/email/\S+", letter):
                page.goto(found[0])
                if page.get_by_role("button").count():
                    return
        sys.exit("nobody has paged this responder; start with a fresh demo")


def look_at_an_update(page: Page) -> None:
    """Written for everybody, as both audiences will read it."""
    page.get_by_label("Everybody: the public").check()
    page.get_by_label("Message").fill("Imports are **catching up**: the delay is below ten minutes and shrinks.")
    page.get_by_role("button", name="See how it will read").click()
    page.get_by_role("heading", name="How it will read").wait_for()
    page.get_by_role("heading", name="How it will read").scroll_into_view_if_needed()


def take(browser: Browser, base: str, picture: Picture, state: Any) -> None:
    """One picture: the top of the page, or the whole page if it is short."""
    width, height = picture.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=2 if width < 600 else 1,
        color_scheme="dark" if picture.theme == "dark" else "light",
        storage_state=state,
        locale="en-GB",
    )
    page = context.new_page()
    page.goto(base + picture.path)
    follow(page, picture)
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement?.blur()")
    page.wait_for_timeout(1000)  # until the stream is open and the page says so
    whole = page.evaluate("document.documentElement.scrollHeight") <= MOST_HEIGHT
    target = HERE / f"{picture.name}.png"
    page.screenshot(path=target, full_page=whole)
    context.close()
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--strip", "--ext", ".png", "--quality", "70-95", target], check=False)
    print(f"{target.name}: {target.stat().st_size // 1024} KB")


def main() -> None:
    """All of them, or those that were named."""
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    base, admin, responder, *names = sys.argv[1:]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as fonts, sync_playwright() as playwright:
        families = ("system-ui", "sans", "sans-serif")
        head, rule, tail = re.split(r"(?=<match)|(?<=</match>)", FONTS)
        fonts.write(head + "".join(rule.format(family) for family in families) + tail)
        fonts.flush()
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"], env={"FONTCONFIG_FILE": fonts.name}
        )
        states = {
            "admin": sign_in(browser, base, admin),
            "responder": sign_in(browser, base, responder),
            "stranger": None,
        }
        for picture in PICTURES:
            if not names or picture.name in names:
                take(browser, base, picture, states[picture.who])
        browser.close()


if __name__ == "__main__":
    main()
