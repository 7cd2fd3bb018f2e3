"""Fire drills: a person is paged as for an incident, though nothing is wrong, and what happens is measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing as links
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import OuterRef, Q, Subquery
from django.urls import reverse

from accounts import audit
from accounts.models import User
from core import time_zones
from core.work import claim, db_now
from notifications import drill_times, outbox
from notifications.contacts import LinkInvalid
from notifications.message import Action, Message
from notifications.models import Attempt, Drill, MonthlyDrill, Notification, shown_address

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.db.models import QuerySet

    from notifications.models import ContactMethod

Purpose = Notification.Purpose

ANSWER_SALT = "notifications.drills"
ANSWER_MAX_AGE_SECONDS = 24 * 3600
QUIET_AFTER_A_PAGE = timedelta(hours=1)
PROVEN_FOR = timedelta(days=45)
BATCH = 50


class NoMethod(Exception):
    """There is no contact method by which the person could be paged."""


class StillRunning(Exception):
    """The person's last drill is not over; it is ``drill``."""

    def __init__(self, drill: Drill) -> None:
        super().__init__("A drill is running.")
        self.drill = drill


class DrillOver(Exception):
    """It ended without an answer before this one came."""


# ---- one drill ---------------------------------------------------------------------------------------------------


@transaction.atomic
def start(user: User, *, by: User, is_monthly: bool = False, now: datetime | None = None) -> Drill:
    """Page oneself by every method that a real page would use, through the same outbox.

    Raises PermissionDenied for anybody else, NoMethod, and StillRunning while the last drill can be answered.
    """
    now = now or db_now()
    _only_oneself(user, by=by)
    _lock(user)
    last = Drill.objects.filter(user=user).first()
    if last is not None and last.is_running(now=now):
        raise StillRunning(last)
    methods = outbox.methods_of([user.pk]).get(user.pk)
    if not methods:
        raise NoMethod
    drill: Drill = Drill.objects.create(user=user, is_monthly=is_monthly, started_at=now)
    audit.record(by=by, action="started", on=drill, after={"methods": [str(method) for method in methods]})
    rows = [row for method in methods for row in _page(drill, method, now=now)]
    outbox.enqueue(rows)
    return drill


def _only_oneself(user: User, *, by: User) -> None:
    if by.pk != user.pk:
        raise PermissionDenied("Everybody drills themselves alone.")


def _lock(user: User) -> None:
    """Of two who begin a drill of one person at the same moment, the second sees the first one's."""
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def _page(drill: Drill, method: ContactMethod, *, now: datetime) -> list[Notification]:
    url = settings.MUSTER.base_url + drill.get_absolute_url()
    message = Message(
        title="Fire drill, no incident",
        body="This is a rehearsal; nothing is broken. Answer it as you would answer a real page, within 15 minutes.",
        url=url,
        actions=(Action("acknowledge", "Answer the drill", answer_url(drill, method)),),
    )
    return outbox.to_user(
        drill.user,
        [method],
        message,
        topic=drill.topic,
        key=drill.topic,
        purpose=Purpose.DRILL,
        now=now,
        reason="Your monthly fire drill" if drill.is_monthly else "You asked for a fire drill",
    )


def answer_url(drill: Drill, method: ContactMethod) -> str:
    """The address of the page with one button that answers: for one person, one drill and one method, for 24 h."""
    claims = {"drill": drill.pk, "user": drill.user_id, "method": method.pk}
    token = links.dumps(claims, salt=ANSWER_SALT)
    return settings.MUSTER.base_url + reverse("notifications:drill_answer", args=[token])


@dataclass(frozen=True, slots=True)
class Answer:
    """Which drill is answered, by the link that went through which contact method."""

    drill: Drill
    method: int


def read_answer(token: str) -> Answer:
    """What a signed link is for. Raises LinkInvalid."""
    try:
        claims = links.loads(token, salt=ANSWER_SALT, max_age=ANSWER_MAX_AGE_SECONDS)
        drills = Drill.objects.select_related("user", "answered_through").filter(user__is_active=True)
        return Answer(drills.get(pk=claims["drill"], user=claims["user"]), claims["method"])
    except (links.BadSignature, KeyError, TypeError, Drill.DoesNotExist):
        raise LinkInvalid from None


@transaction.atomic
def answer(link: Answer, *, now: datetime | None = None) -> Drill:
    """End the drill with its first answer, and page no more; a second answer changes nothing. Raises DrillOver."""
    now = now or db_now()
    drill: Drill = Drill.objects.select_related("user").select_for_update(of=("self",)).get(pk=link.drill.pk)
    if drill.answered_at is not None:
        return drill
    if not drill.is_running(now=now):
        raise DrillOver
    drill.answered_at = max(now, drill.started_at)
    drill.answered_through = Notification.objects.filter(key=f"{drill.topic}/{link.method}").first()
    drill.save(update_fields=["answered_at", "answered_through"])
    outbox.cancel(topic=drill.topic, purposes=[Purpose.DRILL], now=now)
    audit.record(by=drill.user, action="answered", on=drill, after={"through": _way(drill.answered_through)})
    return drill


def _way(notification: Notification | None) -> str:
    if notification is None:
        return ""
    return f"{notification.get_channel_display()}: {shown_address(notification.channel, notification.address)}"


def end_due(*, now: datetime) -> int:
    """Stop trying to hand over what rehearses nothing any more: its drill ended without an answer."""
    rows = Notification.objects.pending().filter(purpose=Purpose.DRILL, created_at__lte=now - Drill.LASTS)
    return rows.update(state=Notification.State.CANCELLED, finished_at=now)


# ---- what was measured -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Way:
    """One contact method in one drill; times are seconds from the drill's start."""

    notification: Notification
    handed_over_after: float | None
    answered_after: float | None
    last: Attempt | None


@dataclass(frozen=True)
class Measured:
    """A drill and its ways, in the order of the contact methods."""

    drill: Drill
    ways: list[Way]

    @cached_property
    def handed_over_after(self) -> float | None:
        """Seconds until a first provider had it."""
        return min((way.handed_over_after for way in self.ways if way.handed_over_after is not None), default=None)

    @cached_property
    def answered_after(self) -> float | None:
        """Seconds until the answer."""
        drill = self.drill
        return (drill.answered_at - drill.started_at).total_seconds() if drill.answered_at else None


def measure(drills: Iterable[Drill]) -> list[Measured]:
    """What came of each drill: two queries, whatever their number."""
    drills = list(drills)
    rows: dict[str, list[Notification]] = {drill.topic: [] for drill in drills}
    for row in Notification.objects.filter(topic__in=rows).prefetch_related("attempts").order_by("id"):
        rows[row.topic].append(row)
    return [Measured(drill, [_measured(drill, row) for row in rows[drill.topic]]) for drill in drills]


def _measured(drill: Drill, row: Notification) -> Way:
    attempts = list(row.attempts.all())
    taken = [each for each in attempts if each.outcome in {Attempt.Outcome.SENT, Attempt.Outcome.KEPT}]
    handed_over = max(0.0, (taken[0].finished_at - drill.started_at).total_seconds()) if taken else None
    answered = drill.answered_at if drill.answered_through_id == row.pk else None
    answered_after = (answered - drill.started_at).total_seconds() if answered else None
    return Way(row, handed_over, answered_after, attempts[-1] if attempts else None)


def undrilled(*, now: datetime) -> QuerySet[User]:
    """Active people whose last drill that is over is missing, older than 45 days or unanswered.

    Each has ``drilled_at`` and ``drill_answered_at`` of that drill, None where there is none.
    """
    over = Drill.objects.filter(Q(started_at__lte=now - Drill.LASTS) | ~Q(answered_at=None), user=OuterRef("pk"))
    last = over.order_by("-id")
    people = User.objects.active().annotate(
        drilled_at=Subquery(last.values("started_at")[:1]), drill_answered_at=Subquery(last.values("answered_at")[:1])
    )
    return people.filter(Q(drilled_at=None) | Q(drilled_at__lt=now - PROVEN_FOR) | Q(drill_answered_at=None))


# ---- once a month ------------------------------------------------------------------------------------------------


@transaction.atomic
def set_monthly(user: User, *, is_on: bool, by: User, now: datetime | None = None) -> None:
    """Ask for a drill a month, or no longer. Raises PermissionDenied for anybody but oneself."""
    now = now or db_now()
    _only_oneself(user, by=by)
    list(MonthlyDrill.objects.select_for_update().filter(user=user))  # before the person, as what is due is begun
    _lock(user)
    plan = MonthlyDrill.objects.filter(user=user).first()
    if is_on and plan is None:
        at = drill_times.first(user.pk, after=now, zone=time_zones.zone(user.time_zone))
        audit.save(MonthlyDrill(user=user, next_drill_at=at), by=by)
    elif plan is not None and not is_on:
        audit.delete(plan, by=by)


def start_drills_due(*, now: datetime) -> int:
    """Begin the monthly drills that are due; returns how many were looked at.

    One that comes in the way of real pages waits until an hour after them, and one that is late until office hours.
    """
    with transaction.atomic():
        due = MonthlyDrill.objects.filter(next_drill_at__lte=now).select_related("user")
        plans = claim(due.order_by("next_drill_at", "id"), limit=BATCH)
        busy = _busy([plan.user_id for plan in plans], now=now)
        for plan in plans:
            plan.next_drill_at = _carry_out(plan.user, is_busy=plan.user_id in busy, now=now)
        MonthlyDrill.objects.bulk_update(plans, ["next_drill_at"])
    return len(plans)


def _busy(people: list[int], *, now: datetime) -> set[int]:
    """Those with a page that is on its way or came within the last hour."""
    pages = Notification.objects.filter(user__in=people, purpose=Purpose.PAGE)
    pages = pages.filter(Q(state=Notification.State.PENDING) | Q(created_at__gt=now - QUIET_AFTER_A_PAGE))
    return set(pages.order_by().values_list("user", flat=True).distinct())


def _carry_out(user: User, *, is_busy: bool, now: datetime) -> datetime:
    """Begin a drill if this is a moment for it; returns when to look again."""
    zone = time_zones.zone(user.time_zone)
    if is_busy:
        return drill_times.next_fit(now + QUIET_AFTER_A_PAGE, zone)
    if not drill_times.is_fit(now, zone):
        return drill_times.next_fit(now, zone)
    try:
        if user.is_active:
            start(user, by=user, is_monthly=True, now=now)
    except (NoMethod, StillRunning):
        pass  # the readiness page names who cannot be paged; whoever drills at this moment is drilled
    return drill_times.following(user.pk, after=now, zone=zone)
