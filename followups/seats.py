"""The seats from which trackers are spoken to: a few at once, and of one tracker at most two, so that one that hangs
leaves room for the others. A seat is filled again as soon as it is free."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol, TypeVar

from django.db import connection, connections
from django.db.models import Min

from core.work import claim

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from followups.models import Ticket
    from followups.querysets import TicketQuerySet

SEATS, OF_ONE_TRACKER = 4, 2
LOOK_EVERY = 1.0  # seconds, while a seat is free
FILL_FOR = 20.0  # seconds, after which a run comes to its end


class _Claim(Protocol):
    """Something that is held for a tracker."""

    @property
    def tracker_id(self) -> int: ...


C = TypeVar("C", bound=_Claim)
Held = Counter[int]


def fill(take: Callable[[datetime, Held], list[C]], act: Callable[[C], None], *, now: datetime) -> int:
    """Act on what is taken, each in a seat of its own, until nothing is due; returns how many were taken up.

    ``take`` is told how many seats each tracker has already.
    """
    if connection.in_atomic_block:  # other threads would not see what is claimed
        alone = take(now, Counter())
        for one in alone:
            act(one)
        return len(alone)
    started, count = time.monotonic(), 0
    running: dict[Future[None], int] = {}
    with ThreadPoolExecutor(max_workers=SEATS, thread_name_prefix="followups") as pool:
        while True:
            passed = time.monotonic() - started
            is_open = passed < FILL_FOR and len(running) < SEATS
            taken = take(now + timedelta(seconds=passed), Counter(running.values())) if is_open else []
            running |= {pool.submit(_elsewhere, act, one): one.tracker_id for one in taken}
            count += len(taken)
            if not running:
                return count
            done, _ = wait(running, timeout=LOOK_EVERY, return_when=FIRST_COMPLETED)
            for each in done:
                del running[each]
                each.result()


def claim_fairly(due: TicketQuerySet, *, held: Mapping[int, int]) -> list[Ticket]:
    """Lock due tickets for the free seats, those of the tracker that waits longest first."""
    waiting = due.order_by().values("tracker").annotate(first=Min("due_at")).order_by("first", "tracker")
    claims: list[Ticket] = []
    free = SEATS - sum(held.values())
    for tracker in waiting.values_list("tracker", flat=True):
        limit = min(free - len(claims), OF_ONE_TRACKER - held.get(tracker, 0))
        if limit > 0:
            claims += claim(due.filter(tracker=tracker), limit=limit)
    return claims


def _elsewhere(act: Callable[[C], None], one: C) -> None:
    try:
        act(one)
    finally:
        connections.close_all()
