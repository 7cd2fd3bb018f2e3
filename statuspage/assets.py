"""What the HTML of a page needs beside it, written with it: its sheet, its script, its logo, its sign in a tab."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from statuspage.bars import TONES
from statuspage.colours import ink_on

if TYPE_CHECKING:
    from statuspage.models import StatusPage

NAMED_BY_CONTENT = re.compile(r"status\.[0-9a-f]{12}\.(css|js)")
LOGO, SIGN = "logo.png", "icon.svg"
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_SHAPES = {
    "ok": ("#34a065", '<circle cx="8" cy="8" r="7"/>'),
    "degraded": ("#b58606", '<path d="M8 1l7.500 14H.5z"/>'),
    "down": ("#d6332a", '<path d="M1 1h14v14H1z"/>'),
    "maintenance": ("#7b8fa9", '<path d="M8 0l8 8-8 8-8-8z"/>'),
}


def style_of(page: StatusPage) -> tuple[str, bytes]:
    """The path and the bytes of the page's sheet. Its name changes with them, so it may be kept for ever."""
    sheet = _source("css/status.css")
    if _COLOUR.fullmatch(page.colour):
        sheet += f":root {{ --brand: {page.colour}; --on-brand: {ink_on(page.colour)}; }}\n".encode()
    return _named("status.{}.css", sheet), sheet


@cache
def plain_style() -> tuple[SafeString, str]:
    """The style element of an answer that belongs to no page, and so has no sheet beside it; and its hash, with which
    the answer's policy lets this one element stand in the HTML."""
    sheet = _source("css/missing.css")
    digest = base64.b64encode(hashlib.sha256(sheet).digest()).decode()
    return format_html("<style>{}</style>", mark_safe(sheet.decode())), f"'sha256-{digest}'"  # noqa: S308, a file of ours


def script() -> tuple[str, bytes]:
    """The path and the bytes of the script."""
    code = _source("js/status.js")
    return _named("status.{}.js", code), code


def sign(tone: str) -> bytes:
    """The shape and colour of a health, for the browser's tab."""
    colour, shape = _SHAPES[tone]
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="{colour}">{shape}</svg>'.encode()


def beside(page: StatusPage, *, tone: str) -> dict[str, tuple[str, bytes]]:
    """All of it, by path: content type and bytes."""
    assert tone in TONES.values()
    (style_path, style), (script_path, code) = style_of(page), script()
    found = {
        style_path: ("text/css; charset=utf-8", style),
        script_path: ("text/javascript; charset=utf-8", code),
        SIGN: ("image/svg+xml", sign(tone)),
    }
    if page.logo:
        found[LOGO] = (page.logo_type, bytes(page.logo))
    return found


def _named(pattern: str, data: bytes) -> str:
    return pattern.format(hashlib.sha256(data).hexdigest()[:12])


@cache
def _source(path: str) -> bytes:
    data: bytes = (settings.BASE_DIR / "static" / path).read_bytes()
    return data
