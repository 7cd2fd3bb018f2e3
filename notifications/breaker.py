"""What keeps one destination from holding up the others: a circuit breaker, and a bound on sends under way to it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass

FAILURES_TO_OPEN = 5
OPEN_SECONDS = 5.0
MOST_DESTINATIONS = 10_000
CROWD_PATIENCE_SECONDS = 0.25
CROWDED_SECONDS = 1.0


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


class Crowd:
    """Counts the sends that are under way to each destination, in this process."""

    def __init__(self) -> None:
        self._under_way: Counter[str] = Counter()
        self._full_until: dict[str, float] = {}
        self._changed = threading.Condition()

    def enter(self, destination: str, *, most: int) -> bool:
        """Take one of ``most`` places; False when none becomes free in a moment, and for a while at once."""
        with self._changed:
            is_known_full = self._full_until.get(destination, 0.0) > time.monotonic()
            patience = 0.0 if is_known_full else CROWD_PATIENCE_SECONDS
            if not self._changed.wait_for(lambda: self._under_way[destination] < most, patience):
                if not is_known_full:
                    self._full_until[destination] = time.monotonic() + CROWDED_SECONDS
                return False
            self._under_way[destination] += 1
            return True

    def leave(self, destination: str) -> None:
        """Give the place back."""
        with self._changed:
            self._under_way[destination] -= 1
            if self._under_way[destination] < 1:
                del self._under_way[destination]
                self._full_until.pop(destination, None)
            self._changed.notify_all()
