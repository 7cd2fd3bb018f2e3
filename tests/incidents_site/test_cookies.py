"""Cookies that spell what PostgreSQL does not take."""

from __future__ import annotations

import pytest


@pytest.mark.django_db
def test_a_session_that_cannot_be_looked_up_is_none(client):
    client.cookies["muster_session"] = "\x00" * 32
    for address, status in (("/accounts/login/", 200), ("/my-work/", 302), ("/healthz", 200)):
        assert (address, client.get(address).status_code) == (address, status)


def test_other_cookies_stay(alice, client):
    client.force_login(alice)
    client.cookies["theme"] = "\x00dark"
    assert client.get("/my-work/").status_code == 200
