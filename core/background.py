"""Telling other processes something soon: after the commit, from a thread of its own, and without ever raising.

What is told this way is only a wake-up. Whoever must know finds out without it, a little later.
"""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import structlog
from django.db import transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

log = structlog.get_logger(__name__)


class Courier:
    """Hands names to ``deliver`` in a thread of its own, each at most once in ``every`` seconds.

    The first of a burst leaves at once. When ``deliver`` raises, what it was given is lost.
    """

    def __init__(self, title: str, deliver: Callable[[list[str]], None], *, every: float) -> None:
        self._title = title
        self._deliver = deliver
        self._every = every
        self._names: set[str] = set()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._pid = 0

    def send_after_commit(self, names: Iterable[str], *, also: Callable[[Iterable[str]], None] | None = None) -> None:
        """Send the names when the transaction has committed; ``also`` is called in the same place, with them."""
        transaction.on_commit(partial(self._committed, tuple(names), also), robust=True)

    def send(self, names: Iterable[str]) -> None:
        """Send the names now. Returns at once."""
        with self._lock:
            if self._pid != os.getpid():  # first use, or we are a fork: threads stay with the parent
                self._pid = os.getpid()
                self._names.clear()
                threading.Thread(target=self._work_for_ever, name=self._title, daemon=True).start()
            self._names.update(names)
        self._wake.set()

    def _committed(self, names: tuple[str, ...], also: Callable[[Iterable[str]], None] | None) -> None:
        if also:
            also(names)
        self.send(names)

    def _work_for_ever(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            with self._lock:
                names = sorted(self._names)
                self._names.clear()
            try:
                self._deliver(names)
            except Exception as error:  # noqa: BLE001 - whatever the broker does, only latency is lost
                log.debug("lost on the way", by=self._title, names=names, error=repr(error))
            time.sleep(self._every)
