"""Where the public finds a page: on its own domain, or below Muster's address."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

if TYPE_CHECKING:
    from statuspage.models import StatusPage

INCIDENT, MAINTENANCE = "incidents/{}.html", "maintenance/{}.html"  # paths of documents, by public id


def home_of(page: StatusPage) -> str:
    """The page's own address, with a slash at its end."""
    base: str = settings.MUSTER.base_url
    return f"{urlsplit(base).scheme}://{page.domain}/" if page.domain else f"{base}/status/{page.slug}/"


def public_url(page: StatusPage, path: str = "") -> str:
    """Where a path of the page is."""
    return home_of(page) + path


def host_of(page: StatusPage) -> str:
    """The host in that address, without a port."""
    return urlsplit(home_of(page)).hostname or ""


def incident_of(page: StatusPage, public_id: str) -> str:
    """The permanent link of an incident."""
    return home_of(page) + INCIDENT.format(public_id)


def maintenance_of(page: StatusPage, public_id: str) -> str:
    """The permanent link of a maintenance."""
    return home_of(page) + MAINTENANCE.format(public_id)
