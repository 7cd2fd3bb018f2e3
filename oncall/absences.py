"""When people are away, and which of their shifts that concerns."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.models import Role, Team
from core.text import single_line
from oncall import rotas
from oncall.calendar import merged
from oncall.models import Absence, Schedule
from oncall.schedule_changes import wrong_years
from oncall.shifts import Shift, shifts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from accounts.models import User

LONGEST = timedelta(days=366)
MOST_AHEAD = 100  # absences of one person that are not over


@dataclass(frozen=True, slots=True)
class Conflict:
    """A stretch of somebody's shift in which they are away."""

    absence: Absence
    schedule: Schedule
    start: datetime
    end: datetime


def may_enter(by: User, person: User) -> bool:
    """Oneself, managers of the site, and managers of a team that the person is in."""
    if by.pk == person.pk or by.has_role(Role.MANAGER):
        return by.is_active
    return Team.objects.managed_by(by).filter(members=person).exists()


@transaction.atomic
def enter(
    person: User, *, start: datetime, end: datetime, by: User, note: str = "", now: datetime | None = None
) -> Absence:
    """Say that somebody is away for a while. Raises PermissionDenied, and ValidationError for a stretch that is empty,
    over or too long."""
    now = now or timezone.now()
    if not may_enter(by, person):
        raise PermissionDenied
    if wrong := wrong_years(start=start, end=end):
        raise ValidationError(wrong)
    if end <= start:
        raise ValidationError({"end": "An absence ends after it begins."})
    if end <= now:
        raise ValidationError({"end": "This has passed already."})
    if end - start > LONGEST:
        raise ValidationError({"end": f"An absence lasts at most {LONGEST.days} days."})
    if not person.is_active:
        raise ValidationError({"user": f"{person} is switched off and is not paged."})
    if Absence.objects.within(now).filter(user=person).count() >= MOST_AHEAD:
        raise ValidationError(f"There are {MOST_AHEAD} already; remove some first.")
    return audit.save(Absence(user=person, starts_at=start, ends_at=end, note=single_line(note, limit=200)), by=by)


@transaction.atomic
def remove(row: Absence, *, by: User) -> None:
    """Somebody is there after all. Raises PermissionDenied."""
    row = Absence.objects.select_for_update(of=("self",)).select_related("user").get(pk=row.pk)
    if not may_enter(by, row.user):
        raise PermissionDenied
    audit.delete(row, by=by)


def during(person: User, start: datetime, end: datetime) -> list[Absence]:
    """When a person is away within a stretch."""
    return list(Absence.objects.within(start, end).filter(user=person))


def conflicts(rows: Sequence[Absence], *, now: datetime) -> list[Conflict]:
    """Which shifts these absences, of whomever, concern from now on, by every schedule. Three statements at most."""
    rows = [row for row in rows if row.ends_at > now]
    if not rows:
        return []
    people = {row.user_id for row in rows}
    named = Q(layers__participants__user__in=people) | Q(overrides__user__in=people)
    named |= Q(calendar_sources__turns__user__in=people)
    schedules = Schedule.objects.filter(pk__in=Schedule.objects.filter(named).order_by().values("pk"))
    start, end = max(now, min(row.starts_at for row in rows)), max(row.ends_at for row in rows)
    known, _ = rotas.read(schedules, start=start, end=end)
    found = [each for schedule in schedules for each in against(schedule, shifts(known[schedule.pk], start, end), rows)]
    return sorted(found, key=lambda row: (row.start, row.schedule.name))


def against(schedule: Schedule, held: Iterable[Shift], rows: Iterable[Absence]) -> list[Conflict]:
    """The stretches of some shifts in which their holders are away, in order."""
    away: dict[int, list[Absence]] = defaultdict(list)
    for row in rows:
        away[row.user_id].append(row)
    whole = merged([Shift(row.start, row.end, row.holder) for row in held])
    found = [
        Conflict(row, schedule, max(shift.start, row.starts_at), min(shift.end, row.ends_at))
        for shift in whole
        for row in away.get(shift.holder or 0, ())
        if row.starts_at < shift.end and row.ends_at > shift.start
    ]
    return sorted(found, key=lambda row: row.start)
