"""Signing in with an authenticator app, and with a recovery code on the day the phone is lost."""

from __future__ import annotations

import base64
import hmac
import time

import pytest
from playwright.sync_api import Page, expect

from tests import make
from tests.browser.company import PASSWORD

STEP_SECONDS = 30


def code(secret: str, *, steps_ahead: int = 0) -> str:
    """The six digits that an app shows (RFC 6238). Muster takes those of the next half minute too, and none twice."""
    moment = int(time.time()) // STEP_SECONDS + steps_ahead
    digest = hmac.digest(base64.b32decode(secret + "=" * (-len(secret) % 8)), moment.to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


@pytest.fixture
def alice(transactional_db):
    return make.user("alice", password=PASSWORD)


def sign_in(page: Page) -> None:
    page.goto("/accounts/login/")
    page.get_by_label("Username or email").fill("alice")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def test_a_code_of_the_app_and_a_recovery_code_sign_in_once_each(windows, alice):
    with windows.open() as page:
        sign_in(page)
        page.goto("/me/")
        page.get_by_role("link", name="Set up").click()
        page.get_by_role("link", name="Set up").click()
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_alt_text("QR code")).to_be_visible()
        secret = page.locator("#totp-secret").inner_text()
        page.locator("[name=code]").fill(code(secret))
        page.get_by_role("button", name="Switch on").click()
        spare = page.locator("#recovery-codes li").first.inner_text()
    for answer in (code(secret, steps_ahead=1), spare):
        with windows.open() as page:
            sign_in(page)
            expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
            page.goto("/incidents/")
            expect(page.get_by_role("heading", name="Incidents", exact=True)).to_have_count(0)
            page.goto("/accounts/2fa/authenticate/")
            page.locator("[name=code]").fill(answer)
            page.get_by_role("button", name="Sign in").click()
            expect(page.get_by_role("heading", name="Incidents", exact=True)).to_be_visible()
    with windows.open() as page:
        sign_in(page)
        page.locator("[name=code]").fill(spare)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("heading", name="Enter your code")).to_be_visible()
