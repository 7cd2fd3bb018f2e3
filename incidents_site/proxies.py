"""Whose ``X-Forwarded-*`` headers count: those of ``TRUSTED_PROXIES``, and nobody else's."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from incidents_site.config import Network

GetResponse = Callable[[HttpRequest], HttpResponseBase]
FORWARDED = (
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_REAL_IP",
)

# Some proxies write the client's port as well, a new one for each connection.
_WITH_PORT = re.compile(r"\A(?:([0-9]+(?:\.[0-9]+){3})|\[([0-9A-Fa-f:.]+)\]):[0-9]{1,5}\Z")


def trusted_proxies(get_response: GetResponse) -> GetResponse:
    """Middleware: set the client's address, host and scheme from a trusted proxy's headers, then drop the headers."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        meta = request.META
        claims = {name: str(meta.pop(name)) for name in FORWARDED if name in meta}
        networks = settings.MUSTER.trusted_proxies
        if claims and is_within(meta.get("REMOTE_ADDR", ""), networks):
            _believe(meta, claims, networks)
        return get_response(request)

    return middleware


def is_within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether the address belongs to one of the networks; what is no address belongs to none."""
    try:
        found = ipaddress.ip_address(address.strip().strip("[]"))
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None) or found
    return any(mapped in network for network in networks if network.version == mapped.version)


def client_address(chain: str, networks: tuple[Network, ...]) -> str:
    """The last address in an ``X-Forwarded-For`` chain that is no trusted proxy, without its port: what is left of it
    may be invented."""
    hops = [_WITH_PORT.sub(r"\1\2", hop.strip()) for hop in chain.split(",") if hop.strip()]
    for hop in reversed(hops):
        if not is_within(hop, networks):
            return hop
    return hops[0] if hops else ""


def _believe(meta: dict[str, object], claims: dict[str, str], networks: tuple[Network, ...]) -> None:
    client = client_address(claims.get("HTTP_X_FORWARDED_FOR", ""), networks)
    if client:
        meta["REMOTE_ADDR"] = client
    if claims.get("HTTP_X_FORWARDED_PROTO", "").strip().lower() in {"http", "https"}:
        meta["wsgi.url_scheme"] = claims["HTTP_X_FORWARDED_PROTO"].strip().lower()
    if claims.get("HTTP_X_FORWARDED_HOST"):
        meta["HTTP_HOST"] = claims["HTTP_X_FORWARDED_HOST"].split(",")[-1].strip()
