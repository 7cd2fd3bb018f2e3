"""Versions: short names for how the parts of a page look, so that a reader is sent only what has changed."""

from __future__ import annotations

import hashlib


def version_of(looks: object) -> str:
    """A short name for what a part is made of: a text, or whatever its ``repr`` tells apart."""
    text = looks if isinstance(looks, str) else repr(looks)
    return hashlib.blake2s(text.encode(), digest_size=6).hexdigest()
