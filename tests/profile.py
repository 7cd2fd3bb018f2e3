"""How much of what is tried with very many values a test run tries: a fixed share, or with ``MUSTER_FULL`` all of it.

``script/prove hostile`` is the full count.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

IS_FULL = bool(os.environ.get("MUSTER_FULL"))


def share(items: Sequence[T], *, one_of: int, turn: int = 0) -> list[T]:
    """Each ``one_of``-th item, beginning with another one each ``turn``: over all turns every item has its own."""
    return list(items) if IS_FULL else list(items[turn % one_of :: one_of])
