"""Schedules, their shifts, who is on call, and overrides."""

from __future__ import annotations

import re
from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, WithJsonSchema

from api.schemas.base import LARGEST_ID, LEFT_OUT, Id, Input, Output, Reference, Time, TimeIn
from oncall.models import Layer, Override, Schedule
from oncall.schedule_changes import MOST_LAYERS, MOST_PEOPLE
from oncall.windows import MOST_WINDOWS

MOST_DAYS = 400  # of one answer

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


def _read_address(value: object) -> object:
    """An offset's plus sign that was not escaped has arrived as a space."""
    return re.sub(r" (?=\d\d:?\d\d$)", "+", value) if isinstance(value, str) and "T" in value else value


TimeOfAddress = Annotated[TimeIn, BeforeValidator(_read_address)]

_CLOCK_SCHEMA = WithJsonSchema({"type": "string", "examples": ["09:00"]})
_DATE_SCHEMA = WithJsonSchema({"type": "string", "format": "date"})
Clock = Annotated[time, BeforeValidator(_read_clock), _CLOCK_SCHEMA]
ClockOfEnd = Annotated[time, BeforeValidator(_read_end), _CLOCK_SCHEMA]
Date = Annotated[date, BeforeValidator(_read_date), _DATE_SCHEMA]

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
    """People who take turns, from the first handoff on `starts_on` to the end of the day `ends_on`."""

    name: LayerName
    rotation: RotationIn
    handoff: Clock = time(9)
    starts_on: Date
    ends_on: Date | None = None
    participants: Annotated[list[Reference], Field(min_length=1, max_length=MOST_PEOPLE)]
    restrictions: Annotated[list[RestrictionIn], Field(max_length=MOST_WINDOWS)] = []


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
    """One layer, as it is sent."""

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


class ScheduleOut(Output):
    """Who is on call when."""

    id: int
    name: str
    time_zone: str
    description: str
    team: str | None
    layers: list[LayerOut]

    @classmethod
    def of(cls, schedule: Schedule) -> ScheduleOut:
        """Reads ``team`` and the layers with their people, which the caller has fetched."""
        return cls(
            id=schedule.pk,
            name=schedule.name,
            time_zone=schedule.time_zone,
            description=schedule.description,
            team=schedule.team.slug if schedule.team else None,
            layers=[LayerOut.of(layer) for layer in schedule.layers.all()],
        )


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
    until: Time | None = Field(description="When that person's turn ends; null in a gap.")


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
        return cls(
            id=row.pk,
            schedule=row.schedule_id,
            user=row.user.username,
            start=row.starts_at,
            end=row.ends_at,
            reason=row.reason,
            created_by=row.created_by.username if row.created_by else None,
        )
