"""Other products' words for severity, translated into ours."""

from collections.abc import Iterable

# Ours, the most severe first.
ORDER = ("critical", "high", "medium", "low")

# What monitors and people write in a ``severity`` label or field. A severity is about impact: words that some
# senders use for priority (p1 to p5) stand here because that is how rules in the field name impact.
_WORDS = {
    "critical": ("critical", "crit", "page", "p0", "p1", "disaster", "emergency", "fatal"),
    "high": ("high", "error", "major", "p2"),
    "medium": ("medium", "warning", "warn", "minor", "average", "p3"),
    "low": ("low", "info", "information", "informational", "notice", "none", "debug", "p4", "p5"),
}
_BY_WORD = {word: severity for severity, words in _WORDS.items() for word in words}


def known(word: str) -> str | None:
    """Our severity for another product's word, whatever its case; None for a word that we do not know."""
    return _BY_WORD.get(word.strip().lower())


def highest(severities: Iterable[str], *, default: str) -> str:
    """The most severe of ours in ``severities``; ``default`` where there is none."""
    return min(severities, key=ORDER.index, default=default)
