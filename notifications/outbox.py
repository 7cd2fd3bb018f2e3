"""The outbox: writing, cancelling and reading obligations to tell someone. Nothing here sends anything."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from typing import TYPE_CHECKING

from django.db.models import Q

from core import live
from core.text import clean, single_line
from core.work import nudge
from notifications.addresses import channel_of
from notifications.models import Channel, ContactMethod, Notification

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import Team, User
    from notifications.message import Message

Purpose = Notification.Purpose
State = Notification.State

SUBJECT_LIMIT = 200
BODY_LIMIT = 20_000


def sweep_of(channel: str) -> str:
    """The name of the sweep that delivers a channel."""
    return f"notifications.deliver_{channel}"


def methods_of(user_ids: Iterable[int]) -> dict[int, list[ContactMethod]]:
    """How each person is reached: every verified contact method, or the unverified ones where none is verified.

    A page to an unconfirmed address is better than silence; readiness warnings tell people to confirm it.
    """
    by_user: dict[int, list[ContactMethod]] = defaultdict(list)
    for method in ContactMethod.objects.filter(user__in=set(user_ids), user__is_active=True).order_by("id"):
        by_user[method.user_id].append(method)
    return {user_id: usable(methods) for user_id, methods in by_user.items()}


def usable(methods: list[ContactMethod]) -> list[ContactMethod]:
    """Those of one person's contact methods that are used: the verified ones, or all where none is verified."""
    return [method for method in methods if method.is_verified] or methods


def to_user(
    user: User,
    methods: Iterable[ContactMethod],
    message: Message,
    *,
    topic: str,
    key: str,
    purpose: str,
    now: datetime,
    reason: str = "",
    origin: str = "",
) -> list[Notification]:
    """Unsaved obligations to tell a person something through each of the given contact methods.

    ``key`` is completed with the method, so that one person is told once a method, whoever else asks for it.
    """
    return [
        _row(
            message,
            topic=topic,
            key=f"{key}/{method.pk}",
            purpose=purpose,
            now=now,
            reason=reason,
            origin=origin,
            user=user,
            contact_method=method,
            recipient=str(user),
            channel=method.kind,
            address=method.address,
        )
        for method in methods
    ]


def to_account(
    user: User, message: Message, *, topic: str, key: str, purpose: str, now: datetime, reason: str = ""
) -> Notification:
    """An unsaved obligation to write to a person at the address of their account, whatever pages them."""
    return _row(
        message,
        topic=topic,
        key=f"{key}/{user.pk}",
        purpose=purpose,
        now=now,
        reason=reason,
        user=user,
        recipient=str(user),
        channel=Channel.EMAIL,
        address=user.email,
    )


def to_team(
    team: Team, message: Message, *, topic: str, key: str, purpose: str, now: datetime, reason: str = ""
) -> Notification:
    """An unsaved obligation to tell a team, at its channel or ticket address; in its inbox where none is set."""
    address = team.ticket_address if purpose == Purpose.TICKET else team.channel_address
    channel, address = channel_of(address) if address else (Channel.INBOX, "")
    row = _row(
        message,
        topic=topic,
        key=key,
        purpose=purpose,
        now=now,
        reason=reason,
        team=team,
        recipient=str(team),
        channel=channel,
        address=address,
    )
    if channel == Channel.INBOX:  # being in the table is being delivered
        row.state, row.finished_at = State.SENT, now
    return row


def _row(message: Message, *, now: datetime, reason: str, **fields: object) -> Notification:
    return Notification(
        title=single_line(message.title, limit=SUBJECT_LIMIT),
        body=clean(message.body, limit=BODY_LIMIT),
        url=message.url,
        actions=[asdict(action) for action in message.actions],
        urgency=message.urgency,
        attachment=message.attachment,
        file=message.file,
        reason=single_line(reason, limit=300),
        due_at=now,
        created_at=now,
        **fields,
    )


def enqueue(rows: list[Notification]) -> None:
    """Write obligations in one statement; those whose key exists already are left alone. Workers are nudged."""
    if not rows:
        return
    Notification.objects.bulk_create(rows, ignore_conflicts=True)
    nudge(*{sweep_of(row.channel) for row in rows if row.state == State.PENDING})
    live.changed(*{row.topic for row in rows})


def give_up(method: ContactMethod, *, now: datetime) -> int:
    """What waits to be sent to a contact method that is removed has failed; returns how many. A send already under way
    is not stopped."""
    rows = Notification.objects.pending().filter(contact_method=method)
    why = "The contact method was removed."
    return rows.update(state=State.FAILED, error=why, finished_at=now)


def cancel(*, topic: str, purposes: Iterable[str] = (Purpose.PAGE,), now: datetime, but: Q | None = None) -> int:
    """Give up what has not been sent about a topic, ``but`` some rows; returns how many. A send already under way is
    not stopped."""
    rows = Notification.objects.pending().filter(topic=topic, purpose__in=list(purposes)).exclude(but or Q(pk__in=()))
    return rows.update(state=State.CANCELLED, finished_at=now)
