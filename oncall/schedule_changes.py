"""Schedules and overrides, changed with an entry in the audit log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import URLValidator
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Role
from core.work import nudge
from oncall.models import CalendarSource, Layer, Override, Participant, Schedule
from oncall.windows import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accounts.models import User
    from oncall.shifts import Window

EDITABLE = ("name", "description", "team", "time_zone")
MOST_LAYERS = 20
MOST_PEOPLE = 100
YEARS = range(1971, 2999)  # outside of these, a handoff may be no moment at all
LONGEST_OVERRIDE = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Draft:
    """A layer as somebody wants it; see ``Layer``."""

    name: str
    starts_on: date
    people: tuple[User, ...]
    unit: str = Layer.Unit.WEEK
    length: int = 1
    handoff: time = field(default=time(9))
    ends_on: date | None = None
    windows: tuple[Window, ...] = ()
    calendar_url: str = ""

    def row(self, schedule: Schedule, position: int) -> Layer:
        """The unsaved row."""
        return Layer(
            schedule=schedule,
            position=position,
            name=self.name,
            unit=self.unit,
            length=self.length,
            handoff=self.handoff,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            windows=to_json(self.windows),
            calendar_url=self.calendar_url,
        )


def wrong_years(**days: date | None) -> dict[str, str]:
    """What is wrong with days or moments that lie outside of the years that can be computed with, by their names."""
    words = f"Choose a year from {YEARS[0]} to {YEARS[-1]}."
    return {name: words for name, day in days.items() if day and day.year not in YEARS}


@transaction.atomic
def save_schedule(
    schedule: Schedule | None = None, *, layers: Sequence[Draft] | None = None, by: User | None, **fields: Any
) -> Schedule:
    """Make a schedule, or change one; ``layers``, the last one highest, take the place of those it has. Raises
    ValidationError, of layers as ``{"layers.0.name": [...]}``."""
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "A schedule has no such field."))
    schedule = Schedule.objects.select_for_update(of=("self",)).get(pk=schedule.pk) if schedule else Schedule()
    for name, value in fields.items():
        setattr(schedule, name, value)
    audit.save(schedule, by=by)
    if layers is not None:
        before = lines(schedule)
        rows = _checked(schedule, layers)
        schedule.layers.all().delete()
        Layer.objects.bulk_create(rows)
        Participant.objects.bulk_create(
            Participant(layer=row, position=place, user=person)
            for row, draft in zip(rows, layers, strict=True)
            for place, person in enumerate(draft.people)
        )
        _keep_sources(schedule, {row.calendar_url for row in rows if row.calendar_url})
        audit.changed_links(schedule, by=by, name="layers", before=before, after=lines(schedule))
    return schedule


def _checked(schedule: Schedule, layers: Sequence[Draft]) -> list[Layer]:
    """The unsaved rows; raises ValidationError for what is wrong with any."""
    if len(layers) > MOST_LAYERS:
        raise ValidationError({"layers": f"A schedule has at most {MOST_LAYERS} layers."})
    wrong: dict[str, Any] = {}
    rows = [draft.row(schedule, position) for position, draft in enumerate(layers)]
    for position, (row, draft) in enumerate(zip(rows, layers, strict=True)):
        if draft.calendar_url and draft.people:
            wrong[f"layers.{position}.participants"] = "A layer has people or a calendar, not both."
        if draft.calendar_url and (problem := _wrong_address(draft.calendar_url)):
            wrong[f"layers.{position}.calendar_url"] = problem
        if not draft.people and not draft.calendar_url:
            wrong[f"layers.{position}.participants"] = "A layer needs at least one person."
        if len(draft.people) > MOST_PEOPLE:
            wrong[f"layers.{position}.participants"] = f"A layer has at most {MOST_PEOPLE} places."
        days = wrong_years(starts_on=row.starts_on, ends_on=row.ends_on)
        wrong |= {f"layers.{position}.{name}": words for name, words in days.items()}
        if row.ends_on and row.ends_on < row.starts_on:
            wrong[f"layers.{position}.ends_on"] = "A layer ends on the day on which it starts, or later."
        try:
            row.clean_fields(exclude=["schedule", "position"])
        except ValidationError as error:
            wrong |= {f"layers.{position}.{name}": texts for name, texts in error.message_dict.items()}
    if wrong:
        raise ValidationError(wrong)
    return rows


def _wrong_address(url: str) -> str:
    """What is wrong with a calendar's address; empty where it can be asked."""
    try:
        URLValidator(schemes=["http", "https"])(url)
    except ValidationError:
        return "Enter the whole address of a calendar, from https:// or http:// on."
    return ""


def _keep_sources(schedule: Schedule, urls: set[str]) -> None:
    """Calendars that layers name are read from now on, others no more."""
    schedule.calendar_sources.exclude(url__in=urls).delete()
    made = [CalendarSource(schedule=schedule, url=url) for url in sorted(urls)]
    CalendarSource.objects.bulk_create(made, ignore_conflicts=True)
    if made:
        nudge("oncall.read_calendars_due")


def lines(schedule: Schedule) -> list[str]:
    """The layers in words, for the audit log."""
    rows = schedule.layers.order_by("position").prefetch_related("participants__user")
    return [_line(row) for row in rows]


def _line(row: Layer) -> str:
    if row.calendar_url:
        return f"{row.name}: the calendar at {urlsplit(row.calendar_url).hostname}"
    names = ", ".join(place.user.username for place in row.participants.all()) or "nobody"
    until = f" to {row.ends_on}" if row.ends_on else ""
    within = f", within {len(row.windows)} restrictions" if row.windows else ""
    turns = f"{row.length} {row.unit}{'s' if row.length > 1 else ''}"
    return f"{row.name}: {names}; every {turns} at {row.handoff:%H:%M} from {row.starts_on}{until}{within}"


@transaction.atomic
def delete_schedule(schedule: Schedule, *, by: User | None) -> None:
    """Delete a schedule that nothing pages. Raises ValidationError with the policies that name it."""
    named = schedule.escalation_targets.values_list("step__policy__name", flat=True).distinct()
    policies = ", ".join(sorted(named))
    if policies:
        raise ValidationError(f"These policies page it: {policies}. Take it out of them first.")
    audit.delete(schedule, by=by)


# ---- overrides -----------------------------------------------------------------------------------------------------


def may_override(by: User, schedule: Schedule, person: User | None = None) -> bool:
    """Responders may take shifts themselves; who manages the schedule's team may give them to anybody."""
    return by.manages(schedule.team) or (by.has_role(Role.RESPONDER) and person in (None, by))


@transaction.atomic
def override(schedule: Schedule, *, user: User, start: datetime, end: datetime, by: User, reason: str = "") -> Override:
    """Put a person on call for a while, whatever the layers say; for what has passed, as a correction. Raises
    PermissionDenied, and ValidationError for a stretch that is empty or too long, or a person who is switched off."""
    if not may_override(by, schedule, user):
        raise PermissionDenied
    wrong = wrong_years(start=start, end=end)
    if end <= start:
        wrong["end"] = "An override ends after it begins."
    elif end - start > LONGEST_OVERRIDE:
        wrong["end"] = f"An override lasts at most {LONGEST_OVERRIDE.days} days. Change the layers for longer."
    if not user.is_active:
        wrong["user"] = f"{user} is switched off and cannot be paged."
    if wrong:
        raise ValidationError(wrong)
    row = Override(schedule=schedule, user=user, starts_at=start, ends_at=end, reason=reason.strip(), created_by=by)
    _touch(schedule)
    return audit.save(row, by=by)


@transaction.atomic
def end_override(row: Override, *, by: User, now: datetime) -> None:
    """Take an override back: what has not begun is gone, what runs ends now. Raises PermissionDenied, and
    ValidationError once it is over."""
    row = Override.objects.select_for_update(of=("self",)).select_related("schedule__team", "user").get(pk=row.pk)
    if not (may_override(by, row.schedule, row.user) or by.pk == row.created_by_id):
        raise PermissionDenied
    if row.ends_at <= now:
        raise ValidationError("This override is over.")
    _touch(row.schedule)
    if row.starts_at >= now:
        audit.delete(row, by=by)
        return
    row.ends_at = now
    audit.save(row, by=by)


def _touch(schedule: Schedule) -> None:
    """An override changes the schedule too: its feeds tell calendars so."""
    Schedule.objects.filter(pk=schedule.pk).update(updated_at=timezone.now())
