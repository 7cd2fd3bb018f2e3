"""Which text can be read on a colour (WCAG 2.2, contrast and relative luminance)."""

from __future__ import annotations

WHITE, BLACK = "#ffffff", "#000000"
LEAST_CONTRAST = 4.5
_KNEE = 0.04045


def ink_on(colour: str) -> str:
    """White or black, whichever can be read better on ``colour`` (#rrggbb): one of them always has 4.5 to 1."""
    return max((WHITE, BLACK), key=lambda ink: contrast(ink, colour))


def contrast(one: str, other: str) -> float:
    """From 1 to 21."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return float(part / 12.92 if part <= _KNEE else ((part + 0.055) / 1.055) ** 2.4)
