"""What is stored of a secret that is shown once."""

from __future__ import annotations

import hashlib


def digest_of(secret: str) -> str:
    """The SHA-256 of a key or token, in hexadecimal. These are long and random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
