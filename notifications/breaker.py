"""A circuit breaker for each destination: after repeated failures it is left alone for a moment."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 5.0
MOST_DESTINATIONS = 10_000


@dataclass(slots=True)
class _Circuit:
    failures: int = 0
    open_until: float = 0.0


class Breaker:
    """Kept in this process only: it saves work, and its loss costs nothing."""

    def __init__(self) -> None:
        self._circuits: dict[str, _Circuit] = {}
        self._lock = threading.Lock()

    def wait(self, destination: str) -> float:
        """Seconds until the destination may be tried again; 0 now. The first to ask after that time is the probe."""
        with self._lock:
            circuit = self._circuits.get(destination)
            if circuit is None or circuit.failures < FAILURES_TO_OPEN:
                return 0.0
            left = circuit.open_until - time.monotonic()
            if left > 0:
                return left
            circuit.open_until = time.monotonic() + OPEN_SECONDS
            return 0.0

    def succeeded(self, destination: str) -> None:
        """Close the circuit."""
        with self._lock:
            self._circuits.pop(destination, None)

    def failed(self, destination: str) -> None:
        """Count a failure of the destination itself (not of one recipient)."""
        with self._lock:
            if len(self._circuits) >= MOST_DESTINATIONS:
                self._circuits.clear()
            circuit = self._circuits.setdefault(destination, _Circuit())
            circuit.failures += 1
            if circuit.failures >= FAILURES_TO_OPEN:
                circuit.open_until = time.monotonic() + OPEN_SECONDS
