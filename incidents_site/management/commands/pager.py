"""``manage.py pager``: the sweeps without Redis, a thread for each, so that a hung provider delays only itself."""

from __future__ import annotations

import signal
import threading
import time
from typing import Any

import structlog
from django.core.management.base import BaseCommand
from django.db import close_old_connections, connections

from core.work import on_nudge
from incidents_site import sweeps
from incidents_site.sweeps import SWEEPS, Sweep

log = structlog.get_logger(__name__)

LONGEST_PAUSE_SECONDS = 5.0


class Command(BaseCommand):
    """Runs until it is stopped. Any number of pagers and workers may run beside each other."""

    help = "Run every sweep in a loop, without Celery and Redis."

    def handle(self, *args: Any, **options: Any) -> None:
        """Ends within a moment of SIGTERM or SIGINT."""
        stop = threading.Event()
        wake = {sweep.name: threading.Event() for sweep in SWEEPS}

        def end(*_: object) -> None:
            stop.set()
            for event in wake.values():
                event.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        on_nudge(lambda name: wake[name].set())
        threads = [
            threading.Thread(target=_loop, args=(sweep, wake[sweep.name], stop), name=sweep.name, daemon=True)
            for sweep in SWEEPS
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        deadline = time.monotonic() + 2.0
        for thread in threads:
            thread.join(timeout=max(0.0, deadline - time.monotonic()))


def _loop(sweep: Sweep, wake: threading.Event, stop: threading.Event) -> None:
    """One sweep for ever; when the database is away it waits a little longer each time."""
    pause = sweep.every
    while not stop.is_set():
        try:
            sweeps.run(sweep.name)
            pause = sweep.every
        except Exception as error:  # whatever went wrong, the next round tries again
            log.error("sweep failed", sweep=sweep.name, error=repr(error))
            pause = min(max(pause * 2, 0.5), LONGEST_PAUSE_SECONDS)
        finally:
            close_old_connections()
        wake.wait(pause)
        wake.clear()
    connections.close_all()
