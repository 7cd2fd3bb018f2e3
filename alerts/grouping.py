"""Applying events: alerts and groups are kept up to date, and incidents are declared and resolved (design 2, 4.9).

A claim takes the lane (one group of one integration) and applies its events in the order of receipt, so two workers
never work on one group and a resolve never overtakes its trigger.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from django.db import DatabaseError, connection, transaction
from django.db.models import Func, IntegerField

from accounts.models import User
from alerts import turns
from alerts.formats import FORMATS, Unusable
from alerts.models import Event
from core import strict_json
from notifications import outbox
from notifications.message import Message
from notifications.models import Notification

if TYPE_CHECKING:
    from datetime import datetime

    from alerts.formats import Delivery

log = structlog.get_logger(__name__)

MOST_EVENTS = 200
MOST_BYTES = 16 * 1024 * 1024
MOST_ATTEMPTS = 3

State = Event.State


class _Size(Func):
    function = "octet_length"
    output_field = IntegerField()


def apply_due(*, now: datetime) -> int:
    """Apply the oldest pending events whose lanes are free; returns how many were worked on.

    They are applied together, in one transaction. When that fails each lane is tried alone, so that one bad event
    never holds up another group; an event that fails three times is set aside and the admins are told.
    """
    lanes = _oldest_lanes()
    if not lanes:
        return 0
    try:
        return _apply(lanes, now=now)
    except DatabaseError as error:
        log.warning("events will be applied lane by lane", error=repr(error))
    except Exception:  # the faulty lane is found and set aside below
        log.exception("events will be applied lane by lane")
    return sum(_apply_alone(lane, events, now=now) for lane, events in lanes.items())


def _oldest_lanes() -> dict[int, list[int]]:
    """Lane to event ids of the oldest events, bounded in number and in bytes."""
    lanes: dict[int, list[int]] = {}
    size = 0
    pending = Event.objects.filter(state=State.PENDING).order_by("id")
    for pk, lane, bytes_ in pending.annotate(size=_Size("body")).values_list("id", "lane", "size")[:MOST_EVENTS]:
        size += bytes_
        if lanes and size > MOST_BYTES:
            break
        lanes.setdefault(lane, []).append(pk)
    return lanes


def _apply_alone(lane: int, events: list[int], *, now: datetime) -> int:
    try:
        return _apply({lane: events}, now=now)
    except DatabaseError as error:
        if connection.connection is None or connection.connection.closed:
            raise  # the database is away: that is nobody's fault here
        log.error("lane failed", lane=lane, error=repr(error))
        return _count_failure(events, repr(error), now=now)
    except Exception as error:  # a fault of ours, kept with the event
        log.exception("lane failed", lane=lane)
        return _count_failure(events, repr(error), now=now)


@transaction.atomic
def _count_failure(events: list[int], error: str, *, now: datetime) -> int:
    """The lane's oldest event is the one to blame; returns 0 while it will be tried again, so that others go first."""
    event = Event.objects.select_for_update().select_related("integration").get(pk=events[0])
    event.attempt_count += 1
    event.detail = error[:2000]
    if event.attempt_count >= MOST_ATTEMPTS:
        event.state, event.applied_at = State.FAILED, now
        _tell_admins(event, now=now)
    event.save(update_fields=["attempt_count", "detail", "state", "applied_at"])
    return int(event.state == State.FAILED)


def _tell_admins(event: Event, *, now: datetime) -> None:
    """G2: an accepted alert that became nothing is never silent."""
    admins = list(User.objects.admins())
    methods = outbox.methods_of(admin.pk for admin in admins)
    message = Message(
        title=f"Muster could not use an alert of {event.integration}",
        body=f"Event {event.pk} was accepted at {event.received_at:%Y-%m-%d %H:%M:%S} UTC and failed "
        f"{event.attempt_count} times. It is kept; its group goes on without it.\n\n{event.detail}",
        url="",
    )
    for admin in admins:
        rows = outbox.to_user(
            admin,
            methods.get(admin.pk, ()),
            message,
            topic=f"event/{event.pk}",
            key=f"event/{event.pk}/failed",
            purpose=Notification.Purpose.NOTICE,
            now=now,
            reason="You are an admin",
        )
        outbox.enqueue(rows)


@transaction.atomic
def _apply(lanes: dict[int, list[int]], *, now: datetime) -> int:
    free = _lock_lanes(lanes)
    wanted = [pk for lane in free for pk in lanes[lane]]
    events = list(
        Event.objects.filter(pk__in=wanted, state=State.PENDING)
        .select_related("integration__service__team", "integration__service__escalation_policy")
        .order_by("id")
    )
    deliveries = [(event, delivery) for event in events if (delivery := _read(event))]
    turns.take(deliveries, now=now)
    done: list[Event] = []
    odd: list[Event] = []
    for event in events:
        (odd if event.detail or event.state != State.PENDING else done).append(event)
        event.state = State.APPLIED if event.state == State.PENDING else event.state
        event.applied_at = now
    Event.objects.filter(pk__in=[event.pk for event in done]).update(state=State.APPLIED, applied_at=now)
    Event.objects.bulk_update(odd, ["state", "detail", "applied_at"])
    return len(events)


def _lock_lanes(lanes: dict[int, list[int]]) -> list[int]:
    """Lock what is free until the transaction ends; lanes that another worker holds are left to it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT lane FROM unnest(%s::bigint[]) AS lane WHERE pg_try_advisory_xact_lock(lane)", [list(lanes)]
        )
        return [row[0] for row in cursor.fetchall()]


def _read(event: Event) -> Delivery | None:
    """The event in our words; an event that was usable when it came may still not be, after an upgrade."""
    try:
        delivery = FORMATS[event.format].parse(
            strict_json.parse(bytes(event.body)),
            received_at=event.received_at,
            default_severity=event.integration.default_severity,
            event_key=event.group_key,
        )
    except (strict_json.Unparseable, Unusable, KeyError) as error:
        event.state, event.detail = State.UNPARSEABLE, str(error)[:2000]
        return None
    event.detail = "; ".join(delivery.warnings)
    return delivery
