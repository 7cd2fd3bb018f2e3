"""Status pages, made and changed with an entry in the audit log; each change has them rendered anew."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from accounts import audit
from core import time_zones
from core.text import single_line
from core.work import nudge
from statuspage import logos, overtaken, rendering
from statuspage.models import StatusPage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User

EDITABLE = (
    "slug", "name", "about", "domain", "colour", "locale", "time_zone", "home_url", "support_url", "is_default",
)  # fmt: skip
LONGEST_LABEL = 63
GONE = "Somebody has removed it meanwhile."
LINES = ("name", "about", "home_url", "support_url")
# Addresses of their own below /status/, or below /status-pages/.
RESERVED_SLUGS = frozenset(
    {
        "new", "api", "admin", "static", "subscribe", "subscribed", "confirm", "manage", "unsubscribe", "incidents",
        "maintenance", "history", "uptime", "embed", "badge", "logo", "feed", "feeds", "domains", "components",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Losses:
    """What goes with a page."""

    components: int
    reports: int
    subscribers: int
    is_default: bool


@transaction.atomic
def create(
    *, by: User | None, logo: bytes | None = None, is_demo: bool = False, now: datetime | None = None, **fields: Any
) -> StatusPage:
    """A new page, which anybody can read from now on; the first one is the default. Raises ValidationError, for an
    unknown field too."""
    now = now or timezone.now()
    others = _locked_all()
    page = _with(StatusPage(is_demo=is_demo, changed_at=now), fields)
    page.is_default = page.is_default or not any(each.is_default for each in others)
    _draw(page, logo)
    return _saved(page, others, by=by, now=now)


@transaction.atomic
def change(
    page: StatusPage,
    *,
    by: User | None,
    logo: bytes | None = None,
    without_logo: bool = False,
    based_on: datetime | None = None,
    now: datetime | None = None,
    **fields: Any,
) -> StatusPage:
    """Change a page. ``EDITABLE`` names the fields; the logo stays unless there is another one, or it is to go.

    Where another page was the default, this one takes its place. ``based_on`` is the ``updated_at`` that the change
    was made from. Raises ValidationError, and Overtaken where the page was saved since.
    """
    rows = {each.pk: each for each in _locked_all()}
    if page.pk not in rows:
        raise ValidationError(GONE)
    overtaken.check(rows[page.pk], based_on=based_on)
    page = _with(rows.pop(page.pk), fields)
    if without_logo:
        page.logo, page.logo_type = None, ""
    _draw(page, logo)
    return _saved(page, list(rows.values()), by=by, now=now or timezone.now())


@transaction.atomic
def remove(page: StatusPage, *, by: User | None) -> None:
    """Delete a page with everything that belongs to it (``losses``): nobody can read it any more. Doing so twice is
    nothing new."""
    rendering.keep_out(page.pk)
    found = StatusPage.objects.select_for_update().filter(pk=page.pk).first()
    if found is not None:
        for rows in (found.mailings, found.subscribers):  # in this order for whoever is sending
            list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))
        audit.delete(found, by=by)


def losses(page: StatusPage) -> Losses:
    """What ``remove`` would take away."""
    return Losses(
        components=page.components.count(),
        reports=page.reports.count(),
        subscribers=page.subscribers.active().count(),
        is_default=page.is_default,
    )


def changed(pages: Iterable[int], *, now: datetime) -> None:
    """Have these pages rendered anew, by their primary keys. Later than whatever has been rendered, also where two
    changes fall on one instant."""
    rows = StatusPage.objects.filter(pk__in=list(pages))
    list(rows.select_for_update(no_key=True).order_by("pk").values_list("pk"))  # always in one order
    rows.update(changed_at=Greatest(F("changed_at") + timedelta(microseconds=1), now))
    nudge("statuspage.render_due")


def _locked_all() -> list[StatusPage]:
    """Every page, so that of two that are made the default at once one is."""
    return list(StatusPage.objects.select_for_update(no_key=True).order_by("pk"))


def _saved(page: StatusPage, others: list[StatusPage], *, by: User | None, now: datetime) -> StatusPage:
    taken = next((each for each in others if page.domain and each.domain == page.domain), None)
    if taken is not None:
        raise ValidationError({"domain": f"“{taken}” has this domain already."})
    previous = [each for each in others if each.is_default] if page.is_default else []
    for each in previous:
        each.is_default = False
        audit.save(each, by=by)
    audit.save(page, by=by)
    changed([page.pk, *(each.pk for each in previous)], now=now)
    page.refresh_from_db()
    return page


def _draw(page: StatusPage, logo: bytes | None) -> None:
    if logo is not None:
        page.logo, page.logo_type = logos.drawn(logo), logos.CONTENT_TYPE


def _with(page: StatusPage, fields: dict[str, Any]) -> StatusPage:
    if unknown := fields.keys() - set(EDITABLE):
        raise ValidationError(dict.fromkeys(sorted(unknown), "A status page has no such field."))
    for name, value in fields.items():
        setattr(page, name, value)
    return checked(page)


def checked(page: StatusPage) -> StatusPage:
    """The page with its words on one line, its domain and colour as they are kept. Raises ValidationError."""
    for name in LINES:
        setattr(page, name, single_line(getattr(page, name)))
    if page.slug in RESERVED_SLUGS:
        raise ValidationError({"slug": "This word is an address of its own. Choose another one."})
    if not page.name:
        raise ValidationError({"name": "Give it a name."})
    _check_links(page)
    page.colour = colour_of(page.colour)
    try:
        page.domain = domain_of(page.domain)
    except ValidationError as error:
        raise ValidationError({"domain": error.messages}) from None
    try:
        time_zones.validate(page.time_zone)
    except ValidationError as error:
        raise ValidationError({"time_zone": error.messages}) from None
    return page


def _check_links(page: StatusPage) -> None:
    for name in ("home_url", "support_url"):
        link = getattr(page, name)
        if link and not link.lower().startswith(("https://", "http://")):
            raise ValidationError({name: "Enter an address that begins with https:// or http://."})


def colour_of(text: str) -> str:
    """A colour as #rrggbb in small letters; #abc is short for #aabbcc."""
    text = text.strip().lower()
    return "#" + "".join(2 * each for each in text[1:]) if len(text) == len("#abc") else text


def domain_of(text: str) -> str:
    """A domain in small letters, as the name service knows it. Raises ValidationError for what can be no page's own."""
    text = text.strip().lower().rstrip(".")
    if not text:
        return ""
    try:
        name = ".".join(_label(each) for each in re.split("[.\u3002\uff0e\uff61]", text))
    except UnicodeError:
        raise ValidationError("Enter a domain such as status.example.com.") from None
    if name == urlsplit(settings.MUSTER.base_url).hostname or name in settings.ALLOWED_HOSTS:
        raise ValidationError("Muster itself is reached at this domain. Choose one that is the page's own.")
    if _is_address(name) or name.endswith((".localhost", ".local")):
        raise ValidationError("Enter a domain such as status.example.com.")
    return name


def _label(text: str) -> str:
    """A part of a domain, in ASCII. Python's codec follows IDNA 2003, in which ß is ss and ς is σ; by IDNA 2008, as
    browsers and registries have it, they are letters of their own. Raises UnicodeError."""
    text = unicodedata.normalize("NFKC", text).lower()
    name = text.encode("idna").decode()
    if {"ß", "ς"} & set(text):
        name = f"xn--{text.encode('punycode').decode()}"
    if not 1 <= len(name) <= LONGEST_LABEL:
        raise UnicodeError("label empty or too long")
    return name


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
