"""Secrets in the output of actions are replaced before they are stored; pure.

What is known by value is replaced wherever it stands; what looks like a secret is replaced by its shape. It is a net
under the tightrope: an action should not print secrets in the first place.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterable

MASK = "••••"
SHORTEST = 4  # a secret of fewer characters would blot out half of what is printed

# Each group "keep" stays; the rest of the match is replaced. Every repetition is bounded, so that no text takes long.
_SHAPES = [
    re.compile(shape, re.ASCII)
    for shape in (
        r"(?P<keep>-----BEGIN [A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----)(?:[A-Za-z0-9+/=\s:,\\•]|-(?!-)){1,20000}",
        r"(?P<keep>[a-zA-Z][a-zA-Z0-9+.-]{1,20}+://[^\s/:@\"']{0,100}+:)[^\s/@\"']{1,200}+(?=@)",
        r"(?P<keep>(?i:authorization)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:(?i:basic|bearer|token)\s{1,3})?)[^\s\"',;]{4,4000}",
        r"(?P<keep>(?i:bearer)\s{1,3})[A-Za-z0-9._~+/=-]{16,4000}",
        r"(?P<keep>(?i:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|access[_-]?key|client[_-]?secret|private[_-]?key)"
        r"[\"']?\s{0,3}[:=]\s{0,3}[\"']?)[^\s\"',;&]{4,4000}",
        r"(?P<keep>)eyJ[A-Za-z0-9_-]{10,4000}+\.[A-Za-z0-9_-]{10,4000}+\.[A-Za-z0-9_-]{0,4000}",
        r"(?P<keep>)\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
        r"(?P<keep>)\b(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}|glpat-[A-Za-z0-9_-]{20,255})",
        r"(?P<keep>)\bxox[abeoprs]-[A-Za-z0-9-]{10,255}",
        r"(?P<keep>)\b(?:mst|mrn)_[A-Za-z0-9_-]{20,100}",
        r"(?P<keep>)\bwhsec_[A-Za-z0-9+/=]{24,100}",
        r"(?P<keep>)\bsk-[A-Za-z0-9_-]{20,255}",
        r"(?P<keep>)••••(?!--)[A-Za-z0-9_.-]{1,4000}",  # the rest of one whose beginning came in the piece before
    )
]


def mask(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the secrets, also as base64 and as part of an address, nor what looks like one."""
    for secret in sorted(_spellings(secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for shape in _SHAPES:
        text = shape.sub(lambda found: f"{found['keep']}{MASK}", text)
    return text


def _spellings(secrets: Iterable[str]) -> set[str]:
    found = set()
    for secret in secrets:
        if len(secret) >= SHORTEST:
            found |= {secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode().rstrip("=")}
    return found
