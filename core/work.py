"""Due work: claiming rows, running sweeps one at a time in a process, and nudging workers to look now.

PostgreSQL holds every obligation. A nudge carries a sweep's name and nothing else, and may be lost at any moment:
the sweep's own interval finds the row a second later.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from celery import current_app
from django.db import connection
from kombu import Connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.background import Courier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.models import Model, QuerySet

log = structlog.get_logger(__name__)

M = TypeVar("M", bound="Model")
R = TypeVar("R")
T = TypeVar("T")

COALESCE_SECONDS = 0.1
NUDGE_EXPIRES_SECONDS = 30
LONGEST_RUN_SECONDS = 20.0
FROZEN_AFTER = "15s"


def db_now() -> datetime:
    """The database's clock, aware UTC: every due time is judged by it, whatever a machine's own clock says."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    assert isinstance(now, datetime)
    return now


def claim(rows: QuerySet[M], *, limit: int) -> list[M]:
    """Lock up to ``limit`` rows that nobody else holds, inside the caller's transaction, until it freezes."""
    found = list(rows.select_for_update(skip_locked=True, of=("self",))[:limit])
    if found:
        give_back_when_frozen()
    return found


def give_back_when_frozen() -> None:
    """Have the database give back what this transaction locks when the caller says nothing for a while: a process that
    is frozen in the midst of a sweep must not keep people from acknowledging."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('idle_in_transaction_session_timeout', %s, true)", [FROZEN_AFTER])


def each(rows: Iterable[R], act: Callable[[R], T]) -> list[T]:
    """What came of each of a sweep's rows. One that fails is logged, and keeps no other from its turn."""
    found = []
    for row in rows:
        try:
            found.append(act(row))
        except Exception:
            if connection.connection is None or connection.connection.closed:
                raise  # the database is away: that is no row's fault
            log.exception("a row failed", sweep=getattr(act, "func", act).__name__, row=getattr(row, "pk", row))
    return found


# ---- sweeps ------------------------------------------------------------------------------------------------


@dataclass
class _Flight:
    is_running: bool = False
    again: bool = False
    mutex: threading.Lock = field(default_factory=threading.Lock)


_flights: dict[str, _Flight] = {}


def run_sweep(name: str, sweep: Callable[..., int]) -> int:
    """Run a sweep until it finds nothing, at most once at a time in this process.

    A call while it runs makes it look once more, so no nudge is lost; returns how many rows were worked on.
    """
    flight = _flights.setdefault(name, _Flight())
    with flight.mutex:
        if flight.is_running:
            flight.again = True
            return 0
        flight.is_running = True
        flight.again = False
    total, started = 0, time.monotonic()
    try:
        while True:
            done = sweep(now=db_now())
            total += done
            with flight.mutex:
                overtime = time.monotonic() - started > LONGEST_RUN_SECONDS
                if overtime or not (done or flight.again):
                    flight.is_running = False
                    return total
                flight.again = False
    except BaseException:
        with flight.mutex:
            flight.is_running = False
        raise


# ---- nudges ------------------------------------------------------------------------------------------------


def _publish(names: list[str]) -> None:
    for name in names:
        try:
            if not hasattr(_broker, "connection"):
                _broker.connection = _short_connection()
            current_app.send_task(
                name, connection=_broker.connection, retry=False, ignore_result=True, expires=NUDGE_EXPIRES_SECONDS
            )
        except Exception as error:  # noqa: BLE001 - whatever the broker does, only latency is lost
            log.debug("nudge lost", sweep=name, error=repr(error))
            vars(_broker).clear()


def _short_connection() -> Connection:
    """A broker connection that gives up within milliseconds (measured: 1-10 ms refused, 33 ms silent)."""
    options: dict[str, Any] = {
        "socket_connect_timeout": 0.03,
        "socket_timeout": 0.03,
        "max_retries": 0,
        "retry": Retry(NoBackoff(), 0),
    }
    return Connection(current_app.conf.broker_url, connect_timeout=0.05, transport_options=options)


_broker = threading.local()  # each thread has its own connection, and a fork's thread does not find its parent's
_courier = Courier("nudges", _publish, every=COALESCE_SECONDS)
_wakers: list[Callable[[str], None]] = []


def on_nudge(waker: Callable[[str], None]) -> None:
    """Also tell this process's own loop of each nudge; the pager runs without Redis this way, and as promptly."""
    _wakers.append(waker)


def nudge(*names: str) -> None:
    """After the commit, ask the workers to run these sweeps now. Redis may be away: then they run a little later."""
    _courier.send_after_commit(names, also=_wake)


def _wake(names: Iterable[str]) -> None:
    for waker in _wakers:
        for name in names:
            waker(name)
