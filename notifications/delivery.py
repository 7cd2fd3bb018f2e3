"""Sending what is due: claim under a lease, send outside any transaction, write the result by token.

A sender that dies leaves a lease behind; when it ends the row is claimed again, and because nobody knows whether
the recipient was reached, the message says "(repeat)". The recovery path is the normal path.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.db import connection, connections, transaction
from django.db.models import DateTimeField, Func, Value

from core import live
from core.work import claim, db_now
from notifications.breaker import CROWDED_SECONDS, Breaker, Crowd
from notifications.channels import SENDERS
from notifications.channels.base import Outcome, Result, Sender
from notifications.models import Attempt, File, Notification

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from notifications.querysets import NotificationQuerySet

log = structlog.get_logger(__name__)

State = Notification.State

LEASE = timedelta(seconds=25)  # longer than the slowest send, shorter than the 30 s of promise G4
SLOWEST_SEND = timedelta(seconds=10)
STALE_CLAIM_SECONDS = 1.0  # promise G5: no send starts more than 2 s after an acknowledgement
MOST_ATTEMPTS = 40
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.3
LONGEST_LOOKOUT_SECONDS = 15.0

_breaker = Breaker()
_crowd = Crowd()
_jitter = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class _Claim:
    notification: Notification
    is_repeat: bool
    at: float


def sweep(channel: str) -> Callable[..., int]:
    """The sweep of one channel, for the table of sweeps."""
    return partial(deliver_due, channel)


def deliver_due(channel: str, *, now: datetime, seats: int | None = None) -> int:
    """Send what is due on a channel; returns how many tries were made.

    The calling thread takes the first seat and fills the others only while there is more than it can carry.
    """
    sender = SENDERS[channel]
    first = _claim_due(channel, sender.batch, now=now)
    if not first:
        return 0
    others = (sender.seats if seats is None else seats) - 1
    if others < 1 or len(first) < sender.batch:
        return _occupy_seat(channel, sender, first)
    room = _Room()
    room.sit()
    with ThreadPoolExecutor(max_workers=others, thread_name_prefix=f"deliver-{channel}") as pool:
        waiting = [pool.submit(_occupy_other_seat, channel, sender, room) for _ in range(others)]
        return _occupy_seat(channel, sender, first, room) + sum(seat.result() for seat in waiting)


class _Room:
    """The seats of one sweep. While some of them wait for a provider another looks out for what becomes due: the
    sweep ends with its slowest send, and what is due in between is not to wait for that."""

    def __init__(self) -> None:
        self.lookout = threading.Lock()
        self._busy = 0
        self._changed = threading.Condition()
        self._ends_at = time.monotonic() + LONGEST_LOOKOUT_SECONDS

    def sit(self) -> None:
        """Somebody begins to send."""
        with self._changed:
            self._busy += 1

    def rise(self) -> None:
        """Somebody found nothing more to send."""
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def is_over(self, *, within: float) -> bool:
        """Whether nobody sends any more, at the latest after ``within`` seconds, or it is time to end in any case."""
        with self._changed:
            return self._changed.wait_for(lambda: self._busy < 1, within) or time.monotonic() > self._ends_at


def _occupy_other_seat(channel: str, sender: Sender, room: _Room) -> int:
    try:
        return _occupy_seat(channel, sender, _look_out(channel, sender, room), room)
    finally:
        connections.close_all()


def _occupy_seat(channel: str, sender: Sender, claims: list[_Claim], room: _Room | None = None) -> int:
    """Send claim after claim until nothing is due, and nobody else in the room is sending any more."""
    tries = 0
    try:
        while claims:
            tries += _send_all(channel, sender, claims, room)
            claims = _look_out(channel, sender, room) if room else []
    finally:
        sender.close()
    return tries


def _send_all(channel: str, sender: Sender, claims: list[_Claim], room: _Room | None) -> int:
    tries = 0
    try:
        while claims:
            for claimed in claims:
                tries += _send(claimed, sender)
            claims = _claim_due(channel, sender.batch, now=db_now())
    finally:
        if room is not None:
            room.rise()
    return tries


def _look_out(channel: str, sender: Sender, room: _Room) -> list[_Claim]:
    """What becomes due while others send, one seat looking at a time; nothing when all are done."""
    with room.lookout:
        while True:
            claims = _claim_due(channel, sender.batch, now=db_now())
            if claims:
                room.sit()
                return claims
            _give_connection_back()
            if room.is_over(within=LOOK_AGAIN_SECONDS):
                return []


def _claim_due(channel: str, limit: int, *, now: datetime) -> list[_Claim]:
    """Take rows under a fresh lease. A row that still carries a token was lost by another sender.

    Whoever is stopped between reading the clock and the commit must not hold a lease that is over already, nor think
    that the claim is fresh: others have taken the rows by then.
    """
    token, at = uuid.uuid4(), time.monotonic()
    lease_until = Func(function="clock_timestamp", output_field=DateTimeField()) + Value(LEASE)
    with transaction.atomic():
        rows = claim(
            Notification.objects.due(channel=channel, now=now).select_related("user", "team", "contact_method"),
            limit=limit,
        )
        _record_lost([row for row in rows if row.lease_token is not None], now=now)
        Notification.objects.filter(pk__in=[row.pk for row in rows]).update(lease_token=token, lease_until=lease_until)
        tried = [row.pk for row in rows if row.attempt_count]
        lost = Attempt.objects.filter(notification__in=tried, outcome=Outcome.LOST) if tried else Attempt.objects.none()
        repeats = set(lost.values_list("notification", flat=True))
    _read_files(rows)
    for row in rows:
        row.lease_token = token
    return [_Claim(row, row.pk in repeats, at) for row in rows]


def _read_files(rows: list[Notification]) -> None:
    """What e-mails carry, each file once: whoever sends has no connection to read it with."""
    wanted = {row.file_id for row in rows if row.file_id}
    files = File.objects.in_bulk(wanted) if wanted else {}
    for row in rows:
        row.file = files.get(row.file_id) if row.file_id else None


def _record_lost(rows: list[Notification], *, now: datetime) -> None:
    """The sender of these went away with the result: that counts as a try."""
    for row in rows:
        row.attempt_count += 1
    Attempt.objects.bulk_create(
        Attempt(
            notification=row,
            number=row.attempt_count,
            started_at=(row.lease_until or now) - LEASE,
            finished_at=now,
            outcome=Outcome.LOST,
            detail="The sender disappeared before it could write down the result.",
        )
        for row in rows
    )
    Notification.objects.bulk_update(rows, ["attempt_count"])


def _send(claimed: _Claim, sender: Sender) -> int:
    """One try, unless it was cancelled or its destination rests; returns 1 for a try made."""
    row = claimed.notification
    if time.monotonic() - claimed.at > STALE_CLAIM_SECONDS and not _still_ours(row):
        _release(row)
        return 0
    if _is_for_show(row):
        _finish(row, Result(Outcome.KEPT, "Demo data: kept in the outbox."), took=0.0)
        return 1
    destination = sender.destination(row)
    if not _crowd.enter(destination, most=sender.seats_each):
        _put_back(row, CROWDED_SECONDS)
        return 0
    try:
        return _send_to(destination, claimed, sender)
    finally:
        _crowd.leave(destination)


def _send_to(destination: str, claimed: _Claim, sender: Sender) -> int:
    row = claimed.notification
    wait = _breaker.wait(destination)
    if wait:
        _put_back(row, wait)
        return 0
    _give_connection_back()
    started = time.monotonic()
    try:
        result = sender.send(row, claimed.is_repeat)
    except Exception:  # a fault of ours must not stop the other rows, nor this one's retries
        log.exception("channel failed", channel=row.channel, notification=row.pk)
        result = Result(Outcome.RETRY, "Muster could not send this; the log has the reason.")
    if result.is_provider_fault:
        _breaker.failed(destination)
    else:
        _breaker.succeeded(destination)
    _finish(row, result, took=time.monotonic() - started)
    return 1


def _give_connection_back() -> None:
    """While we wait for a provider others may use our connection: hung providers would otherwise hold a whole pool."""
    if not connection.in_atomic_block:
        connection.close()


def _is_for_show(row: Notification) -> bool:
    """Demo people and teams are never really written to."""
    return bool((row.user and row.user.is_demo) or (row.team and row.team.is_demo))


def _mine(row: Notification) -> NotificationQuerySet:
    return Notification.objects.filter(pk=row.pk, lease_token=row.lease_token)


def _still_ours(row: Notification) -> bool:
    """Nobody cancelled it and our lease still counts."""
    return _mine(row).filter(state=State.PENDING, lease_until__gt=db_now() + SLOWEST_SEND).exists()


def _release(row: Notification) -> None:
    """Untried, because those before it in the claim took too long: due for anybody at once, and no repeat."""
    _mine(row).pending().update(lease_token=None, lease_until=None)


def _put_back(row: Notification, wait: float) -> None:
    _mine(row).pending().update(
        lease_token=None, lease_until=None, due_at=db_now() + timedelta(seconds=wait + _jitter.uniform(0, 1))
    )


# One statement, so that result and attempt are written together and every page costs one round trip here.
_FINISH = """
    WITH mine AS (
        UPDATE notifications_notification
        SET attempt_count = %(number)s, lease_token = NULL, lease_until = NULL, error = %(error)s,
            state = %(state)s,
            finished_at = CASE WHEN %(state)s = 'pending' THEN NULL ELSE clock_timestamp() END,
            due_at = CASE WHEN %(state)s = 'pending' THEN clock_timestamp() + %(wait)s ELSE due_at END
        WHERE id = %(id)s AND lease_token = %(token)s AND (%(state)s <> 'pending' OR state = 'pending')
    )
    INSERT INTO notifications_attempt
        (notification_id, number, started_at, finished_at, outcome, detail, provider_id)
    VALUES (%(id)s, %(number)s, clock_timestamp() - %(took)s, clock_timestamp(), %(outcome)s, %(detail)s, %(provider)s)
"""


def _finish(row: Notification, result: Result, *, took: float) -> None:
    """Write the result. Without the token, another sender has the row by now and only the try is recorded."""
    number = row.attempt_count + 1
    if result.outcome in {Outcome.RETRY, Outcome.LOST} and number < MOST_ATTEMPTS:
        state = State.PENDING
    else:
        state = {Outcome.SENT: State.SENT, Outcome.KEPT: State.KEPT}.get(result.outcome, State.FAILED)
    values: dict[str, Any] = {
        "id": row.pk,
        "token": row.lease_token,
        "number": number,
        "state": state.value,
        "error": result.detail[:500] if state in {State.PENDING, State.FAILED} else "",
        "wait": timedelta(seconds=_backoff(number, result.retry_after)),
        "took": timedelta(seconds=took),
        "outcome": result.outcome.value,
        "detail": result.detail[:500],
        "provider": result.provider_id[:200],
    }
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, values)
    live.changed(row.topic)


def _backoff(number: int, retry_after: float | None) -> float:
    """Seconds until the next try: full jitter over a doubling wait, and never sooner than the provider asked."""
    ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(number, 10))
    return max(_jitter.uniform(0.2, ceiling), retry_after or 0.0)
