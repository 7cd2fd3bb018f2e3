"""Is Muster paging? What is overdue, when each sweep last ran, and the outside dead-man's switch."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Min

from core import http
from core.work import db_now
from notifications.models import Notification, SweepRun

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger(__name__)

SICK_AFTER_SECONDS = 60.0
PING_EVERY = timedelta(seconds=55)
RECORD_EVERY_SECONDS = 2.0
PING = "deadman"

_recorded: dict[str, float] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Health:
    """Seconds: how long the oldest obligation is overdue (0 when none is), and since the laziest sweep last ran."""

    oldest_overdue: float
    last_sweep: float | None
    stale: tuple[str, ...]

    @property
    def is_well(self) -> bool:
        """Nothing is late by more than a minute, and every sweep has run within the last one."""
        return self.oldest_overdue <= SICK_AFTER_SECONDS and self.last_sweep is not None and not self.stale


def record_run(name: str) -> None:
    """A sweep ran to its end. Written at most every two seconds a process, so that an idle loop costs nothing."""
    with _lock:
        if time.monotonic() - _recorded.get(name, -RECORD_EVERY_SECONDS) < RECORD_EVERY_SECONDS:
            return
        _recorded[name] = time.monotonic()
    SweepRun.objects.bulk_create(
        [SweepRun(name=name, last_run_at=db_now(), host=socket.gethostname()[:120])],
        update_conflicts=True,
        unique_fields=["name"],
        update_fields=["last_run_at", "host"],
    )


def check(sweeps: Iterable[str], *, oldest_due: Iterable[datetime | None], now: datetime) -> Health:
    """The state of paging. ``sweeps`` are the names that must have run, ``oldest_due`` the earliest due times of
    unfinished obligations in other rooms; the outbox's own is added here."""
    pending = Notification.objects.pending().filter(attempt_count=0)
    due = [at for at in (*oldest_due, pending.aggregate(at=Min("due_at"))["at"]) if at is not None]
    overdue = max(((now - at).total_seconds() for at in due), default=0.0)
    ages = dict.fromkeys(sweeps) | {run.name: run.age(now=now) for run in SweepRun.objects.exclude(name=PING)}
    wanted = {name: ages[name] for name in sweeps}
    stale = tuple(sorted(name for name, age in wanted.items() if age is None or age > SICK_AFTER_SECONDS))
    known = [age for age in wanted.values() if age is not None]
    return Health(max(overdue, 0.0), max(known) if known else None, stale)


def ping_deadman(health: Health, *, now: datetime) -> int:
    """Tell the outside switch that we are well, about once a minute whoever runs this, and only while we are.

    Returns 1 when a ping was sent. A failing ping is logged; silence is what raises the alarm.
    """
    url = settings.MUSTER.deadman_url
    if not url or not health.is_well or not _take_turn(now=now):
        return 0
    try:
        http.post(url, body=b"", headers={"User-Agent": "Muster"})
    except http.HttpError as error:
        log.warning("dead-man's switch not reached", error=str(error))
    return 1


@transaction.atomic
def take_turn(name: str, *, now: datetime, since: datetime) -> bool:
    """Whether the caller is the first since a moment to do what is done once a period, under a name of its own. The
    very first caller of all only begins to count."""
    SweepRun.objects.bulk_create([SweepRun(name=name, last_run_at=now)], ignore_conflicts=True)
    due = SweepRun.objects.filter(name=name, last_run_at__lt=since)
    return bool(due.update(last_run_at=now, host=socket.gethostname()[:120]))


def is_turn(name: str, *, now: datetime, since: datetime) -> bool:
    """Whether nobody has done it since then yet, as ``take_turn`` marks when it is done. Until the caller's transaction
    ends, nobody else is told so."""
    SweepRun.objects.bulk_create([SweepRun(name=name, last_run_at=now)], ignore_conflicts=True)
    return SweepRun.objects.select_for_update().filter(name=name, last_run_at__lt=since).exists()


@transaction.atomic
def _take_turn(*, now: datetime) -> bool:
    SweepRun.objects.bulk_create([SweepRun(name=PING, last_run_at=now - 2 * PING_EVERY)], ignore_conflicts=True)
    due = SweepRun.objects.filter(name=PING, last_run_at__lte=now - PING_EVERY)
    return bool(due.update(last_run_at=now, host=socket.gethostname()[:120]))
