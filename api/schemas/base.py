"""What all schemas share: strict input, and how times and names are written."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.utils.dateparse import parse_datetime
from ninja import Path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)

from api.parsing import UNSTORABLE

LARGEST_ID = 2**63 - 1
LONGEST_NAME = 150
LONGEST_TEXT = 50_000
MOST_LISTED = 500
MOST_MINUTES = 525_600  # a year
# Outside of these a time cannot be shown in every zone, and is a mistake.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 1, 1, tzinfo=UTC)

# The default of a field that a PATCH may leave out, and that cannot be null.
LEFT_OUT: Any = Field(default=None)


class Input(BaseModel):
    """A body: exactly these fields, of exactly these types."""

    model_config = ConfigDict(extra="forbid")

    def given(self) -> dict[str, Any]:
        """The fields that the client sent."""
        return {name: getattr(self, name) for name in type(self).model_fields if name in self.model_fields_set}


class Output(BaseModel):
    """What the API shows."""


def read_time(value: object) -> datetime:
    """An instant in UTC. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError("Enter a time as text, such as 2026-10-14T01:47:08Z")
    try:
        at = parse_datetime(value)
        if at is None or at.tzinfo is None or not EARLIEST <= at < LATEST:
            raise ValueError
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("Enter a time with its offset, such as 2026-10-14T01:47:08Z") from None


def rfc3339(at: datetime) -> str:
    """UTC with a Z; microseconds where there are any."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_TIME_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time"})

TimeIn = Annotated[datetime, BeforeValidator(read_time), _TIME_SCHEMA]
Time = Annotated[datetime, PlainSerializer(rfc3339, return_type=str), _TIME_SCHEMA]


def _storable(text: str) -> str:
    if UNSTORABLE.search(text):
        raise ValueError("This text cannot be stored.")
    return text


# In addresses. What does not fit is nothing that exists, so it answers 404.
Name = Annotated[str, Path(max_length=LONGEST_NAME), AfterValidator(_storable)]
Number = Annotated[int, Path(ge=1, le=LARGEST_ID)]

# In bodies.
Reference = Annotated[str, Field(max_length=LONGEST_NAME)]
References = Annotated[list[Reference], Field(max_length=MOST_LISTED)]
Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Boolean = StrictBool
Minutes = Annotated[StrictInt, Field(ge=0, le=1440)]
LongMinutes = Annotated[StrictInt, Field(ge=1, le=MOST_MINUTES)]
Id = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)]
