"""Whose word about the client counts."""

from __future__ import annotations

from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from django.http import HttpResponse

from incidents_site.proxies import client_address, is_within, trusted_proxies

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


@pytest.fixture
def ask(rf, settings):
    """What a view sees of a request from ``remote`` with these headers."""
    settings.MUSTER = SimpleNamespace(trusted_proxies=PROXIES)
    settings.ALLOWED_HOSTS = ["*"]

    def ask(remote, **headers):
        seen = {}

        def view(request):
            seen.update(
                ip=request.META["REMOTE_ADDR"],
                scheme=request.scheme,
                host=request.get_host(),
                left=sorted(name for name in request.META if "FORWARDED" in name or name == "HTTP_X_REAL_IP"),
            )
            return HttpResponse()

        trusted_proxies(view)(rf.get("/", REMOTE_ADDR=remote, headers=headers))
        return seen

    return ask


CLAIMS = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "muster.example.com",
    "Forwarded": "for=203.0.113.9",
    "X-Real-Ip": "203.0.113.9",
}


def test_a_trusted_proxy_is_believed(ask):
    assert ask("10.0.0.2", **CLAIMS) == {
        "ip": "203.0.113.9",
        "scheme": "https",
        "host": "muster.example.com",
        "left": [],
    }


@pytest.mark.parametrize("remote", ["192.0.2.1", "127.0.0.1", ""])
def test_anybody_else_is_not_and_the_claims_go_no_further(ask, remote):
    assert ask(remote, **CLAIMS) == {"ip": remote, "scheme": "http", "host": "testserver", "left": []}


def test_a_proxy_that_claims_nothing_changes_nothing(ask):
    assert ask("10.0.0.2")["ip"] == "10.0.0.2"


def test_nonsense_from_a_trusted_proxy_is_ignored(ask):
    seen = ask("10.0.0.2", **{"X-Forwarded-For": " , ", "X-Forwarded-Proto": "gopher"})
    assert (seen["ip"], seen["scheme"]) == ("10.0.0.2", "http")


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),  # the client wrote the first one
        ("6.6.6.6, 203.0.113.9, 10.1.1.1", "203.0.113.9"),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("203.0.113.9:50123, 10.1.1.1:443", "203.0.113.9"),
        ("[2001:db8::9]:50123", "2001:db8::9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6"),
        ("", ""),
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy(chain, client):
    assert client_address(chain, PROXIES) == client


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("10.9.9.9", True),
        ("::ffff:10.9.9.9", True),
        ("fd00::1", True),
        ("[fd00::1]", True),
        ("11.0.0.1", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_addresses_are_compared_by_what_they_mean(address, expected):
    assert is_within(address, PROXIES) is expected
