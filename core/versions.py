"""Parts of pages that refresh themselves: a version is a short name for how a part looks, and a reader says which they
have seen."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest


def version_of(looks: object) -> str:
    """A short name for what a part is made of: a text, or whatever its ``repr`` tells apart."""
    text = looks if isinstance(looks, str) else repr(looks)
    return hashlib.blake2s(text.encode(), digest_size=6).hexdigest()


def unseen(request: HttpRequest, versions: Mapping[str, str], *, prefix: str = "") -> list[str]:
    """The parts whose versions the reader does not have, as ``?seen=header.1f…,plan.2a…`` says; ``prefix`` stands
    before each name there."""
    seen = set(request.GET.get("seen", "").split(","))
    return [name for name, version in versions.items() if f"{prefix}{name}.{version}" not in seen]
