"""Sending to subscribers what is due: claim under a lease, send outside any transaction, write the results by token.

As ``notifications.delivery`` does it, with what differs for many messages that nobody is woken by: a claim is a batch,
results are written a few at a time (whoever is killed repeats those at most, under the same message id), and the
seats are its own, so that no page to a responder waits for them.
"""

from __future__ import annotations

import random
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import connection, connections, transaction
from django.db.models import Case, DateTimeField, F, Func, Q, Value, When

from core.text import single_line
from core.work import claim, db_now
from notifications.breaker import Breaker
from notifications.channels import email
from notifications.channels.base import Outcome, Result
from statuspage import mails, subscribing, webhooks
from statuspage.models import Delivery, Mailing, Report, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from core.http import Guard

log = structlog.get_logger(__name__)

State = Delivery.State
Ended = Subscriber.Ended

LEASE = timedelta(seconds=60)
SLOWEST_SEND_SECONDS = 12.0
LONGEST_RUN_SECONDS = 15.0
RESTS_SECONDS = 6.0  # the others of a batch, when the server that all of them need failed
HELD_SECONDS, HELD_WAIT_SECONDS = 5.0, 0.02
FIRST_WAIT_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0
MOST_ATTEMPTS = 12  # about seven hours
MOST_REFUSALS = 3  # deliveries in a row
WITHDRAWN = (
    "Before this was sent, the incident was made private or part of another, or the maintenance is not announced."
)

# What a mail server says of an address and of nothing else (RFC 3463): 5.1.7 and 5.1.8 are about the sender, 5.7 about
# what it lets us do, 5.3 and 5.4 about itself.
_NO_SUCH_ADDRESS = re.compile(r"550 5\.1\.(?![78]\b)\d+")
_ABOUT_ADDRESS = re.compile(r"55[0-9] (?:5\.1\.(?![78]\b)|5\.2\.|(?!5\.\d))")

_breaker = Breaker()


@dataclass(frozen=True, slots=True)
class Way:
    """How one kind of subscriber is told. ``server`` is what all of them need, where it is one. Results are written
    after each ``written`` tries."""

    kind: str
    seats: int
    batch: int
    written: int
    send: Callable[[Delivery], Result]
    server: str = ""
    close: Callable[[], None] = lambda: None


@dataclass(slots=True)
class _Claim:
    """``withdrawn`` are mailings that may not be told any more."""

    rows: list[Delivery]
    token: uuid.UUID
    at: float
    withdrawn: set[int | None] = field(default_factory=set)

    def has_time_for(self, tries: int) -> bool:
        """Whether the lease still counts when so many sends, each as slow as can be, are done."""
        return time.monotonic() - self.at + tries * SLOWEST_SEND_SECONDS < LEASE.total_seconds()


def deliver_due(*, now: datetime, seats: int = 2) -> int:
    """Send e-mails that are due; returns how many were tried."""
    way = Way("email", seats, 50, 3, _mail, server="smtp", close=email.close)
    return _deliver(way, now=now)


def post_due(*, now: datetime, seats: int = 4, guard: Guard | None = None) -> int:
    """Send webhooks that are due; returns how many were tried. ``guard`` says where to: public addresses alone, where
    it says nothing else."""
    send = partial(webhooks.send, guard=guard or webhooks.public_guard())
    return _deliver(Way("webhook", seats, 4, 1, send), now=now)


def _mail(delivery: Delivery) -> Result:
    if settings.MUSTER.email is None:
        return Result(Outcome.KEPT, "No mail server is configured (EMAIL_URL).")
    try:
        return email.hand_over(mails.compose(delivery), to=delivery.subscriber.address)
    except ValueError as error:
        return Result(Outcome.FAILED, str(error))


def _deliver(way: Way, *, now: datetime) -> int:
    first = _claim_due(way, now=now)
    if not first.rows:
        return 0
    ends_at = time.monotonic() + LONGEST_RUN_SECONDS
    others = way.seats - 1 if len(first.rows) == way.batch else 0
    if others < 1:
        return _occupy_seat(way, first, ends_at)
    with ThreadPoolExecutor(max_workers=others, thread_name_prefix=f"subscribers-{way.kind}") as pool:
        waiting = [pool.submit(_occupy_other_seat, way, ends_at) for _ in range(others)]
        return _occupy_seat(way, first, ends_at) + sum(seat.result() for seat in waiting)


def _occupy_other_seat(way: Way, ends_at: float) -> int:
    try:
        return _occupy_seat(way, _claim_due(way, now=db_now()), ends_at)
    finally:
        connections.close_all()


def _occupy_seat(way: Way, claimed: _Claim, ends_at: float) -> int:
    """Send claim after claim until nothing is due, or it is time to end."""
    tries = 0
    try:
        while claimed.rows:
            tries += _send_all(way, claimed)
            if time.monotonic() > ends_at:
                break
            claimed = _claim_due(way, now=db_now())
    finally:
        way.close()
    return tries


def _claim_due(way: Way, *, now: datetime) -> _Claim:
    """Take rows under a fresh lease. One that carries a token was lost by another sender, which counts as a try."""
    claimed = _Claim([], uuid.uuid4(), time.monotonic())
    if way.server and _breaker.wait(way.server):
        return claimed
    lease_until = Func(function="clock_timestamp", output_field=DateTimeField()) + Value(LEASE)
    due = Delivery.objects.due(now=now).filter(subscriber__kind=way.kind)
    with transaction.atomic():
        rows = claim(
            due.select_related("subscriber__page", "mailing__report", "mailing__maintenance", "mailing__page").defer(
                "subscriber__page__logo", "mailing__page__logo"
            ),
            limit=way.batch,
        )
        Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(
            attempt_count=Case(When(lease_token=None, then=F("attempt_count")), default=F("attempt_count") + 1),
            lease_token=claimed.token,
            lease_until=lease_until,
        )
        claimed.withdrawn = set(
            _withdrawn().filter(pk__in={row.mailing_id for row in rows}).values_list("pk", flat=True)
        )
    claimed.rows = rows
    return claimed


def _withdrawn() -> QuerySet[Mailing]:
    """News of what is inside again."""
    is_inside = Q(report__isnull=False) & ~Q(report__in=Report.objects.told())
    return Mailing.objects.filter(is_inside | Q(maintenance__is_public=False))


def _send_all(way: Way, claimed: _Claim) -> int:
    """Try the rows of a claim, some at a time; what is left when the lease is nearly over goes back as it is."""
    tries, rows = 0, claimed.rows
    while rows:
        part, rows = rows[: way.written], rows[way.written :]
        if not claimed.has_time_for(len(part)):
            _put_back(claimed, [*part, *rows], seconds=0)
            break
        _give_connection_back()
        results = [(row, result) for row in part if (result := _try(way, row, claimed)) is not None]
        _finish(claimed, results)
        tries += len(results)
        if way.server and any(result.is_provider_fault for _, result in results):
            _put_back(claimed, rows, seconds=RESTS_SECONDS)
            break
    return tries


def _try(way: Way, row: Delivery, claimed: _Claim) -> Result | None:
    """What came of it; None where the receiver rests, and the row was put back."""
    subscriber = row.subscriber
    if row.mailing_id and not subscriber.is_active:
        return Result(Outcome.FAILED, "They had left.")
    if row.mailing_id in claimed.withdrawn:
        return Result(Outcome.FAILED, WITHDRAWN)
    if subscriber.page.is_demo:
        return Result(Outcome.KEPT, "Demo data: never sent.")
    server = way.server or subscriber.address.split("/")[2]
    if not way.server and (wait := _breaker.wait(server)):
        _put_back(claimed, [row], seconds=wait)
        return None
    try:
        result = way.send(row)
    except Exception:  # a fault of ours must not stop the other rows, nor this one's retries
        log.exception("delivery failed", delivery=row.pk)
        return Result(Outcome.RETRY, "Muster could not send this; the log has the reason.")
    if result.is_provider_fault:
        _breaker.failed(server)
    else:
        _breaker.succeeded(server)
    return result


def _give_connection_back() -> None:
    """While we wait for a server, others may use our connection."""
    if not connection.in_atomic_block:
        connection.close()


def _put_back(claimed: _Claim, rows: list[Delivery], *, seconds: float) -> None:
    """Untried, and no try."""

    @transaction.atomic
    def step(rows: list[Delivery]) -> set[int]:
        ours = Delivery.objects.filter(pk__in=[row.pk for row in rows], lease_token=claimed.token, finished_at=None)
        free = set(ours.select_for_update(of=("self",), skip_locked=True).values_list("pk", flat=True))
        due_at = db_now() + timedelta(seconds=seconds)
        Delivery.objects.filter(pk__in=free).update(lease_token=None, lease_until=None, due_at=due_at)
        return free

    _until_free(claimed, rows, step)


def _until_free(claimed: _Claim, rows: list[Delivery], step: Callable[[list[Delivery]], set[int]]) -> None:
    """Take a step, which returns what it did, for rows of a claim; once more for those that another transaction held.

    Whoever claims looks at the rows of others and holds them for a moment. Whoever holds them for longer removes them,
    or their subscriber, and would wait for us if we waited: so nobody does.
    """
    ends_at = time.monotonic() + HELD_SECONDS
    while rows:
        done = step(rows)
        rows = [row for row in rows if row.pk not in done]
        if rows:
            ours = Delivery.objects.filter(pk__in=[row.pk for row in rows], lease_token=claimed.token, finished_at=None)
            left = set(ours.values_list("pk", flat=True))
            rows = [row for row in rows if row.pk in left]
            if rows and time.monotonic() > ends_at:
                log.warning("deliveries held by another", count=len(rows))
                return
            time.sleep(HELD_WAIT_SECONDS if rows else 0)


# One statement for all results of a part: what another sender has by now, or somebody takes back, is left alone.
_FINISH = """
    WITH free AS (
        SELECT id FROM statuspage_delivery WHERE id = ANY(%s) AND lease_token = %s AND state = 'pending'
        FOR UPDATE SKIP LOCKED
    )
    UPDATE statuspage_delivery d
    SET state = r.state, error = r.error, attempt_count = d.attempt_count + 1, lease_token = NULL, lease_until = NULL,
        finished_at = CASE WHEN r.state = 'pending' THEN NULL ELSE clock_timestamp() END,
        due_at = CASE WHEN r.state = 'pending' THEN clock_timestamp() + r.wait * interval '1 second' ELSE d.due_at END
    FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::float8[]) AS r (id, state, error, wait)
    WHERE d.id = r.id AND d.id IN (SELECT id FROM free)
    RETURNING d.id
"""


def _finish(claimed: _Claim, results: list[tuple[Delivery, Result]]) -> None:
    """Write what came of some tries, and what it means for the subscribers."""
    result_of = {row.pk: result for row, result in results}

    def step(rows: list[Delivery]) -> set[int]:
        return _write(claimed, [(row, result_of[row.pk], _state_after(row, result_of[row.pk])) for row in rows])

    _until_free(claimed, [row for row, _ in results], step)


@transaction.atomic
def _write(claimed: _Claim, found: list[tuple[Delivery, Result, State]]) -> set[int]:
    """Returns what was written, by primary key."""
    ids = [row.pk for row, _, _ in found]
    values: list[Any] = [
        ids,
        claimed.token,
        ids,
        [state.value for _, _, state in found],
        ["" if state == State.SENT else single_line(result.detail, limit=300) for _, result, state in found],
        [_backoff(row.attempt_count + 1, result.retry_after) for row, result, _ in found],
    ]
    _hold_judged(row.subscriber for row, _, state in found if state == State.FAILED or _is_judged_by_success(row))
    with connection.cursor() as cursor:
        cursor.execute(_FINISH, values)
        ours = {pk for (pk,) in cursor.fetchall()}
    for row, result, state in found:
        if row.pk in ours:
            _judge(row, result, state)
    return ours


def _is_judged_by_success(row: Delivery) -> bool:
    return row.mailing_id is None or row.subscriber.failures > 0


def _hold_judged(subscribers: Iterable[Subscriber]) -> None:
    """Subscribers before deliveries, and always in one order."""
    rows = Subscriber.objects.filter(pk__in=[subscriber.pk for subscriber in subscribers])
    list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _state_after(row: Delivery, result: Result) -> State:
    if result.outcome in {Outcome.RETRY, Outcome.LOST} and row.attempt_count + 1 < MOST_ATTEMPTS:
        return State.PENDING
    if row.mailing_id and not row.subscriber.is_active:
        return State.CANCELLED
    if result.detail == WITHDRAWN:
        return State.CANCELLED
    return {Outcome.SENT: State.SENT, Outcome.KEPT: State.KEPT}.get(result.outcome, State.FAILED)


def _judge(row: Delivery, result: Result, state: State) -> None:
    """What the outcome says of the subscriber: alive, gone for good, or refused once more."""
    subscriber, is_webhook = row.subscriber, row.subscriber.kind == Subscriber.Kind.WEBHOOK
    if state == State.SENT:
        if subscriber.failures:
            Subscriber.objects.filter(pk=subscriber.pk).update(failures=0)
        if is_webhook and row.mailing_id is None and not subscribing.is_unlisted(subscriber):
            subscribing.confirm(subscriber)
    elif state == State.FAILED:
        is_gone = is_webhook and result.detail == webhooks.GONE
        is_nobody = result.is_recipient_refused and _NO_SUCH_ADDRESS.match(result.detail)
        if is_webhook or (result.is_recipient_refused and _ABOUT_ADDRESS.match(result.detail)):
            why = Ended.GONE if is_webhook else Ended.BOUNCED
            _refused_once_more(subscriber, why, at_once=bool(is_gone or is_nobody))


def _refused_once_more(subscriber: Subscriber, why: Ended, *, at_once: bool) -> None:
    Subscriber.objects.filter(pk=subscriber.pk).update(failures=F("failures") + 1)
    failures = Subscriber.objects.values_list("failures", flat=True).get(pk=subscriber.pk)
    if at_once or failures >= MOST_REFUSALS:
        subscribing.end(subscriber.pk, why=why, now=db_now())


def _backoff(number: int, retry_after: float | None) -> float:
    """Seconds until the next try: a doubling wait of which a part is drawn, and never sooner than the server asked."""
    ceiling = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2.0 ** min(number - 1, 10))
    return max(random.uniform(ceiling / 2, ceiling), retry_after or 0.0)
