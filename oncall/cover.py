"""Who stands in for whom: cover that is asked for and taken, shifts that are taken at once, and swaps.

Each of them locks the schedule first, and reads the clock after, so that one shift is never given away twice.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils import dateformat, timezone

from accounts import audit
from accounts.models import User
from core import time_zones
from core.text import single_line
from notifications import outbox
from notifications.message import Message
from notifications.models import Notification
from oncall import rotas, schedule_changes
from oncall.models import CoverRequest, Override, Schedule
from oncall.shifts import Shift, shifts

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

LONGEST_LOOK = timedelta(days=35)
UNENDING = timedelta(hours=12)  # how much of a shift is taken whose end is not in sight
SWAP_AHEAD = timedelta(days=56)


class Overtaken(Exception):
    """Somebody else was quicker, or the shifts are no longer what they were; its words say so."""


# ---- cover ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def ask(
    schedule: Schedule, *, start: datetime, end: datetime, by: User, note: str = "", now: datetime | None = None
) -> CoverRequest:
    """Ask that somebody takes one's shift, or a part of it. Raises ValidationError for a stretch that is over, that is
    not all one's own, or of which a part is asked for already."""
    schedule = _locked(schedule.pk)
    now = now or timezone.now()
    start = max(start, now)
    if wrong := schedule_changes.wrong_years(start=start, end=end):
        raise ValidationError(wrong)
    if end <= start:
        raise ValidationError({"end": "Choose an end that lies ahead, after the beginning."})
    if end - start > schedule_changes.LONGEST_OVERRIDE:
        raise ValidationError({"end": f"At most {schedule_changes.LONGEST_OVERRIDE.days} days at once."})
    if not _holds(by, schedule, start, end):
        raise ValidationError(f"You are not on call for {schedule} all of that time. Choose a stretch of your shifts.")
    if CoverRequest.objects.open(now).filter(schedule=schedule, user=by, starts_at__lt=end, ends_at__gt=start).exists():
        raise ValidationError("You have asked for cover of this time already.")
    row = CoverRequest(
        schedule=schedule, user=by, starts_at=start, ends_at=end, note=single_line(note, limit=200), created_at=now
    )
    return audit.save(row, by=by)


@transaction.atomic
def take(request: CoverRequest, *, by: User, now: datetime | None = None) -> Override:
    """Stand in for the asker, from now where it runs already; they are told.

    Raises PermissionDenied, Overtaken where somebody was quicker or nothing is left to take, and ValidationError for
    one's own.
    """
    row = _locked_request(request)
    now = now or timezone.now()
    if row.taken_at:
        raise Overtaken(f"{row.taken_by or 'Somebody'} has taken it already.")
    if row.withdrawn_at:
        raise Overtaken(f"{row.user} needs no cover any more.")
    if row.ends_at <= now:
        raise Overtaken("This shift is over.")
    if row.user_id == by.pk:
        raise ValidationError("This is your own shift; a colleague can take it.")
    start = max(row.starts_at, now)
    if not _holds(row.user, row.schedule, start, row.ends_at):
        raise Overtaken(f"{row.user} is no longer on call all of that time, so there is nothing to take.")
    made = schedule_changes.override(
        row.schedule, user=by, start=start, end=row.ends_at, by=by, reason=f"Cover for {row.user}"
    )
    row.taken_by, row.taken_at = by, now
    audit.save(row, by=by)
    _tell(row.user, f"{by} covers your shift", made, key=f"cover/{row.pk}/taken", now=now)
    return made


@transaction.atomic
def withdraw(request: CoverRequest, *, by: User, now: datetime | None = None) -> CoverRequest:
    """Cover is not needed any more. Raises PermissionDenied for anybody but the asker and the schedule's managers, and
    Overtaken once it is taken."""
    row = _locked_request(request)
    now = now or timezone.now()
    if not may_withdraw(by, row):
        raise PermissionDenied
    if row.taken_at:
        raise Overtaken(f"{row.taken_by or 'Somebody'} has taken it already.")
    if row.withdrawn_at:
        return row
    row.withdrawn_at = now
    return audit.save(row, by=by)


def may_withdraw(by: User, request: CoverRequest) -> bool:
    """The asker, and who manages the schedule."""
    return by.pk == request.user_id or by.manages(request.schedule.team)


# ---- the shift that runs -------------------------------------------------------------------------------------------


def running(schedule: Schedule, *, now: datetime) -> Shift:
    """The shift or the gap that runs, from now to its end; twelve hours of it where no end is in sight."""
    rota = rotas.read(Schedule.objects.filter(pk=schedule.pk), start=now, end=now + LONGEST_LOOK)[0][schedule.pk]
    first = shifts(rota, now, now + LONGEST_LOOK)[0]
    if first.end >= now + LONGEST_LOOK:
        return Shift(now, now + UNENDING, first.holder, first.layer)
    return first


@transaction.atomic
def take_now(schedule: Schedule, *, by: User, now: datetime | None = None) -> Override:
    """Be on call from now to the end of the shift that runs; who was on call is told. Raises PermissionDenied, and
    ValidationError for one's own shift."""
    schedule = _locked(schedule.pk)
    now = now or timezone.now()
    shift = running(schedule, now=now)
    if shift.holder == by.pk:
        raise ValidationError("You are on call already.")
    made = schedule_changes.override(
        schedule, user=by, start=now, end=shift.end, by=by, reason="Took the shift that was running"
    )
    if shift.holder is not None:
        holder = User.objects.get(pk=shift.holder)
        _tell(holder, f"{by} took over your shift", made, key=f"override/{made.pk}/taken", now=now)
    return made


# ---- swaps ---------------------------------------------------------------------------------------------------------


def coming(schedule: Schedule, *, now: datetime) -> tuple[list[Shift], dict[int, User]]:
    """The shifts that end in the next eight weeks and can be swapped, with what is left of the one that runs, and
    their people. The end tells them apart."""
    horizon = now + SWAP_AHEAD
    known, users = rotas.read(Schedule.objects.filter(pk=schedule.pk), start=now, end=horizon)
    found = shifts(known[schedule.pk], now, horizon)
    return [row for row in found if row.holder is not None and row.end < horizon], users


@transaction.atomic
def swap(
    schedule: Schedule, *, first: datetime, second: datetime, by: User, now: datetime | None = None
) -> tuple[Override, Override]:
    """Let the people of two coming shifts, named by their ends, take each other's; both are told.

    Raises PermissionDenied, Overtaken where there is no such shift any more, and ValidationError for two of one person.
    """
    schedule = _locked(schedule.pk)
    now = now or timezone.now()
    if not by.manages(schedule.team):
        raise PermissionDenied
    found, users = coming(schedule, now=now)
    by_end = {row.end: row for row in found}
    if first not in by_end or second not in by_end:
        raise Overtaken("The shifts have changed since; choose again.")
    one, other = by_end[first], by_end[second]
    if one.holder == other.holder:
        raise ValidationError({"second": "Choose shifts of two people."})
    pair = (users[one.holder or 0], users[other.holder or 0])
    made = tuple(
        schedule_changes.override(
            schedule, user=new, start=shift.start, end=shift.end, by=by, reason=f"Swapped with {old}"
        )
        for shift, old, new in ((one, pair[0], pair[1]), (other, pair[1], pair[0]))
    )
    for row, given in ((made[0], made[1]), (made[1], made[0])):
        text = f"{by} swapped your shift with {given.user}'s"
        _tell(row.user, text, row, key=f"swap/{made[0].pk}/{row.pk}", now=now, given=given)
    return made[0], made[1]


# ---- below ---------------------------------------------------------------------------------------------------------


def _locked(pk: int) -> Schedule:
    found: Schedule = Schedule.objects.select_for_update(of=("self",)).select_related("team").get(pk=pk)
    return found


def _locked_request(request: CoverRequest) -> CoverRequest:
    """The request, locked after its schedule."""
    schedule = _locked(request.schedule_id)
    rows = CoverRequest.objects.select_for_update(of=("self",)).select_related("user", "taken_by")
    row: CoverRequest = rows.get(pk=request.pk)
    row.schedule = schedule
    return row


def _holds(person: User, schedule: Schedule, start: datetime, end: datetime) -> bool:
    """Whether a person is on call all the time."""
    rota = rotas.read(Schedule.objects.filter(pk=schedule.pk), start=start, end=end)[0][schedule.pk]
    return {row.holder for row in shifts(rota, start, end)} == {person.pk}


def _tell(person: User, opening: str, row: Override, *, key: str, now: datetime, given: Override | None = None) -> None:
    """Tell somebody, without hurry, what became of their shift; nobody is told what they did themselves."""
    if row.created_by_id == person.pk:
        return
    zone = time_zones.zone(person.time_zone)
    lines = [f"{row.schedule}: {row.user} is on call {_stretch(row, zone)}."]
    if given:
        lines.append(f"{given.user} is on call {_stretch(given, zone)}.")
    message = Message(
        title=f"{opening}: {row.schedule}",
        body="\n".join(lines),
        url=settings.MUSTER.base_url + reverse("oncall:schedule_detail", args=[row.schedule_id]),
        urgency="low",
    )
    methods = outbox.methods_of([person.pk]).get(person.pk, [])
    outbox.enqueue(
        outbox.to_user(
            person,
            methods,
            message,
            topic=f"schedule/{row.schedule_id}",
            key=f"{key}/{person.pk}",
            purpose=Notification.Purpose.NOTICE,
            now=now,
            reason=opening,
        )
    )


def _stretch(row: Override, zone: ZoneInfo) -> str:
    """From when to when, in a person's time zone, which is named."""
    begins, ends = (dateformat.format(at.astimezone(zone), "D j M H:i") for at in (row.starts_at, row.ends_at))
    return f"from {begins} to {ends} ({zone.key.replace('_', ' ')})"
