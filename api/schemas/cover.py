"""Cover, swaps, and when people are away."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from api.paging import ListQuery
from api.schemas.base import LARGEST_ID, LONGEST_NAME, Id, Input, Output, Reference, Time, TimeIn
from api.schemas.schedules import MadeOverride
from oncall.absences import Conflict
from oncall.models import Absence, CoverRequest

Note = Annotated[str, Field(max_length=200)]


class NewCoverRequest(Input):
    """A stretch of one's own shifts that a colleague may take."""

    schedule: Id
    start: TimeIn
    end: TimeIn
    note: Note = ""


class CoverRequestOut(Output):
    """Somebody asks to be relieved; until it is taken they stay on call."""

    id: int
    schedule: int
    user: str
    start: Time
    end: Time
    note: str
    created_at: Time
    taken_by: str | None
    taken_at: Time | None
    withdrawn_at: Time | None

    @classmethod
    def of(cls, row: CoverRequest) -> CoverRequestOut:
        """Reads ``user`` and ``taken_by``, which the caller has fetched."""
        return cls(
            id=row.pk,
            schedule=row.schedule_id,
            user=row.user.username,
            start=row.starts_at,
            end=row.ends_at,
            note=row.note,
            created_at=row.created_at,
            taken_by=row.taken_by.username if row.taken_by else None,
            taken_at=row.taken_at,
            withdrawn_at=row.withdrawn_at,
        )


class CoverQuery(ListQuery):
    """Which requests."""

    schedule: Annotated[int, Field(ge=1, le=LARGEST_ID)] | None = None
    state: Literal["open", "all"] = Field("open", description="`open`: those that can still be taken.")


class NewSwap(Input):
    """Two shifts of the next eight weeks, each named by its end, which stays the same while it runs."""

    first: TimeIn
    second: TimeIn


class SwapOut(Output):
    """The two overrides by which two people take each other's shifts."""

    overrides: list[MadeOverride]


class NewAbsence(Input):
    """Somebody is away."""

    user: Reference | None = Field(None, description="Oneself, where it is left out.")
    start: TimeIn
    end: TimeIn
    note: Note = ""


class ConflictOut(Output):
    """A stretch in which the person is on call, and away."""

    schedule: int
    start: Time
    end: Time


class AbsenceOut(Output):
    """Somebody is away; their shifts stay as they are."""

    id: int
    user: str
    start: Time
    end: Time
    note: str | None = Field(description="Null for all but the person and their managers.")
    conflicts: list[ConflictOut] = Field(description="Shifts to come that fall into it.")

    @classmethod
    def of(cls, row: Absence, conflicts: list[Conflict], *, shows_note: bool) -> AbsenceOut:
        """Reads ``user``, which the caller has fetched. The conflicts may be of other absences too."""
        return cls(
            id=row.pk,
            user=row.user.username,
            start=row.starts_at,
            end=row.ends_at,
            note=row.note if shows_note else None,
            conflicts=[
                ConflictOut(schedule=each.schedule.pk, start=each.start, end=each.end)
                for each in conflicts
                if each.absence.pk == row.pk
            ],
        )


class AbsenceQuery(ListQuery):
    """Whose."""

    user: Annotated[str, Field(max_length=LONGEST_NAME)] | None = None
