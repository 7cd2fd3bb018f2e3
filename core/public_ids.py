"""Names for what strangers may see, that say nothing about how many there are."""

from __future__ import annotations

import secrets

LENGTH = 12
ALPHABET = "23456789abcdefghijkmnpqrstuvwxyz"  # without what is easily taken for something else


def public_id() -> str:
    """Twelve random letters and digits: 59 bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
