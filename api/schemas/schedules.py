"""Schedules, their shifts, who is on call, and overrides."""

from __future__ import annotations

import re
from datetime import date, datetime, time
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, WithJsonSchema

from api.schemas.base import LARGEST_ID, LEFT_OUT, Id, Input, Output, Reference, Time, TimeIn, rfc3339
from oncall import absences
from oncall.models import Layer, Override, Schedule
from oncall.schedule_changes import MOST_LAYERS, MOST_PEOPLE, YEARS
from oncall.windows import MOST_WINDOWS

MOST_DAYS = 400  # of one answer

REQUIRED = "This field is required."
NOT_BOTH = "A layer has people who take turns, or a calendar, and not both."

Unit = Literal["hour", "day", "week"]
Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def _read_clock(value: object) -> time:
    try:
        if not isinstance(value, str) or len(value) != len("09:00"):
            raise ValueError
        return time.fromisoformat(value)
    except ValueError:
        raise ValueError("Enter a time of day as text, such as 09:00") from None


def _read_end(value: object) -> time:
    return time(0) if value == "24:00" else _read_clock(value)


def _read_date(value: object) -> date:
    try:
        if not isinstance(value, str) or len(value) != len("2026-10-14"):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("Enter a date as text, such as 2026-10-14") from None


def read_address(value: object) -> object:
    """An offset's plus sign that was not escaped has arrived as a space."""
    return re.sub(r" (?=\d\d:?\d\d$)", "+", value) if isinstance(value, str) and "T" in value else value


def _within_years(at: datetime) -> datetime:
    if at.year not in YEARS:
        raise ValueError(f"Choose a year from {YEARS[0]} to {YEARS[-1]}")
    return at


TimeOfAddress = Annotated[TimeIn, BeforeValidator(read_address), AfterValidator(_within_years)]

_CLOCK_SCHEMA = WithJsonSchema({"type": "string", "examples": ["09:00"]})
_DATE_SCHEMA = WithJsonSchema({"type": "string", "format": "date"})
Clock = Annotated[time, BeforeValidator(_read_clock), _CLOCK_SCHEMA]
ClockOfEnd = Annotated[time, BeforeValidator(_read_end), _CLOCK_SCHEMA]
Date = Annotated[date, BeforeValidator(_read_date), _DATE_SCHEMA]

CalendarUrl = Annotated[
    str, Field(max_length=500, description="An iCal feed whose events are the turns, in place of people.")
]
LayerName = Annotated[str, Field(min_length=1, max_length=120)]
ScheduleName = Annotated[str, Field(min_length=1, max_length=120)]
TimeZone = Annotated[str, Field(min_length=1, max_length=64, examples=["Europe/Berlin"])]


class RotationIn(Input):
    """How long a turn is; days and weeks are local dates, hours are real hours."""

    unit: Unit
    length: Annotated[StrictInt, Field(ge=1, le=365)] = 1


class RestrictionIn(Input):
    """A stretch of the week; one whose end is not after its beginning ends on the next day."""

    days: Annotated[list[Day], Field(min_length=1, max_length=7)]
    from_: Clock = Field(alias="from")
    to: ClockOfEnd


class LayerIn(Input):
    """People who take turns, from the first handoff on `starts_on` to the end of the day `ends_on`; `rotation`,
    `starts_on` and `participants` are required then. Or a `name` and a `calendar_url`, and nothing else."""

    name: LayerName
    rotation: RotationIn | None = None
    handoff: Clock = time(9)
    starts_on: Date | None = None
    ends_on: Date | None = None
    participants: Annotated[list[Reference], Field(max_length=MOST_PEOPLE)] = []
    restrictions: Annotated[list[RestrictionIn], Field(max_length=MOST_WINDOWS)] = []
    calendar_url: CalendarUrl | None = None

    def wrong(self) -> list[tuple[str, str]]:
        """What is missing, or too much, as (field, message)."""
        if self.calendar_url:
            given = self.given()
            return [(name, NOT_BOTH) for name in given if name not in ("name", "calendar_url") and given[name]]
        return [(name, REQUIRED) for name in ("rotation", "starts_on", "participants") if not getattr(self, name)]


Layers = Annotated[list[LayerIn], Field(max_length=MOST_LAYERS, description="The last one is the highest.")]


class NewSchedule(Input):
    """Who is on call when."""

    name: ScheduleName
    time_zone: TimeZone = "UTC"
    description: Annotated[str, Field(max_length=300)] = ""
    team: Reference | None = Field(None, description="The slug of the team whose managers may change it.")
    layers: Layers = []


class ScheduleChange(Input):
    """What a PATCH may change; `layers` replaces all of them."""

    name: ScheduleName = LEFT_OUT
    time_zone: TimeZone = LEFT_OUT
    description: Annotated[str, Field(max_length=300)] = LEFT_OUT
    team: Reference | None = None
    layers: Layers = LEFT_OUT


class LayerOut(Output):
    """A layer of people, as it is sent."""

    name: str
    rotation: dict[str, Any]
    handoff: str
    starts_on: date
    ends_on: date | None
    participants: list[str]
    restrictions: list[dict[str, Any]]

    @classmethod
    def of(cls, layer: Layer) -> LayerOut:
        """Reads ``participants`` with their users, which the caller has fetched."""
        return cls(
            name=layer.name,
            rotation={"unit": layer.unit, "length": layer.length},
            handoff=f"{layer.handoff:%H:%M}",
            starts_on=layer.starts_on,
            ends_on=layer.ends_on,
            participants=[place.user.username for place in layer.participants.all()],
            restrictions=layer.windows,
        )


class CalendarLayerOut(Output):
    """A layer of a calendar, as it is sent."""

    name: str
    calendar_url: str | None = Field(
        description="Null for a token that may not change the schedule: such an address is often a secret."
    )


class ScheduleOut(Output):
    """Who is on call when."""

    id: int
    name: str
    time_zone: str
    description: str
    team: str | None
    layers: list[LayerOut | CalendarLayerOut]

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleOut:
        """Reads ``team``, the layers with their people, and the calendars whose addresses may be shown, which the
        caller has fetched."""
        shown = {row.url for row in schedule.calendar_sources.all()}
        return cls(
            id=schedule.pk,
            name=schedule.name,
            time_zone=schedule.time_zone,
            description=schedule.description,
            team=schedule.team.slug if schedule.team else None,
            layers=[
                CalendarLayerOut(
                    name=layer.name, calendar_url=layer.calendar_url if layer.calendar_url in shown else None
                )
                if layer.calendar_url
                else LayerOut.of(layer)
                for layer in schedule.layers.all()
            ],
        )


class ScheduleWithWarnings(ScheduleOut):
    """A schedule, and what of it may keep somebody from being paged."""

    warnings: list[str]

    @classmethod
    def saved(cls, schedule: Schedule, warnings: list[str]) -> ScheduleWithWarnings:
        """Reads what ``of`` reads."""
        return cls(**dict(ScheduleOut.of(schedule)), warnings=warnings)


class ShiftsQuery(BaseModel):
    """From when to when."""

    model_config = ConfigDict(extra="forbid")

    from_: TimeOfAddress = Field(alias="from")
    to: TimeOfAddress


class OnCallQuery(BaseModel):
    """Which schedule, and when; left out, all of them, and now."""

    model_config = ConfigDict(extra="forbid")

    schedule: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    at: TimeOfAddress | None = None
    format: Literal["json", "slack"] = Field(
        "json", description="`slack`: text in Slack's mrkdwn, with times in the time zone of the token's owner."
    )


class ShiftOut(Output):
    """A stretch of somebody's time on call; `user` is null and `layer` empty where nobody is."""

    user: str | None
    start: Time
    end: Time
    layer: str


class OnCallOut(Output):
    """Who is on call by a schedule at an instant; `user` is null where nobody is."""

    schedule: int
    name: str
    user: str | None
    layer: str
    until: Time | None = Field(
        description="When this shift, or gap, ends; null where that is more than two weeks off, and for all of more "
        "than 60 schedules."
    )


class NewOverride(Input):
    """Somebody is on call, whatever the layers say."""

    schedule: Id
    user: Reference
    start: TimeIn
    end: TimeIn
    reason: Annotated[str, Field(max_length=200)] = ""


class OverrideOut(Output):
    """Somebody stands in; a newer override lies above an older one."""

    id: int
    schedule: int
    user: str
    start: Time
    end: Time
    reason: str
    created_by: str | None

    @classmethod
    def of(cls, row: Override) -> OverrideOut:
        """Reads ``user`` and ``created_by``, which the caller has fetched."""
        return cls(**_values(row))


class MadeOverride(OverrideOut):
    """An override, and what one should know about it."""

    warnings: list[str]

    @classmethod
    def made(cls, row: Override) -> MadeOverride:
        """Reads when the person is away in that time."""
        away = absences.during(row.user, row.starts_at, row.ends_at)
        return cls(
            **_values(row),
            warnings=[f"{row.user} is away from {rfc3339(a.starts_at)} to {rfc3339(a.ends_at)}." for a in away],
        )


def _values(row: Override) -> dict[str, Any]:
    return {
        "id": row.pk,
        "schedule": row.schedule_id,
        "user": row.user.username,
        "start": row.starts_at,
        "end": row.ends_at,
        "reason": row.reason,
        "created_by": row.created_by.username if row.created_by else None,
    }
