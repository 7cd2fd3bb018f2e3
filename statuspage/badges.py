"""The badge: the page's name and how everything is, as a small picture for other people's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.html import format_html

from core.text import single_line
from statuspage import words

if TYPE_CHECKING:
    from statuspage.picture import Picture

PATH = "badge.svg"
NAME_LIMIT = 40
HEIGHT, PADDING, LETTER = 20, 8, 6.6  # px; Verdana's letters at 11 px are about that wide

# White on each has a contrast of 4.5 to 1 at least.
COLOURS = {"none": "#1a7f37", "minor": "#8a5a00", "major": "#b4400f", "critical": "#c01f1f", "maintenance": "#1d4ed8"}

_SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{name}: {state}">'
    "<title>{name}: {state}</title>"
    '<rect width="{width}" height="20" rx="3" fill="#444c56"/>'
    '<path d="M{left} 0h{bend}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-{bend}z" fill="{colour}"/>'
    '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">'
    '<text x="8" y="14" textLength="{name_length}" lengthAdjust="spacingAndGlyphs">{name}</text>'
    '<text x="{state_x}" y="14" textLength="{state_length}" lengthAdjust="spacingAndGlyphs">{state}</text>'
    "</g></svg>\n"
)


def documents(picture: Picture) -> dict[str, tuple[str, bytes]]:
    """The badge."""
    name = single_line(picture.page.name, limit=NAME_LIMIT)
    state = words.of(picture.page).say(f"all.{picture.indicator}")
    name_length, state_length = round(len(name) * LETTER), round(len(state) * LETTER)
    left = name_length + 2 * PADDING
    width = left + state_length + 2 * PADDING
    values = {
        "name": name,
        "state": state,
        "name_length": name_length,
        "state_length": state_length,
        "left": left,
        "width": width,
        "bend": width - left - 3,
        "state_x": left + PADDING,
        "colour": COLOURS[picture.indicator],
    }
    return {PATH: ("image/svg+xml", format_html(_SVG, **values).encode())}
