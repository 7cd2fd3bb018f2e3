"""On-call load: pages to people, on their own clocks."""

from __future__ import annotations

from typing import Literal, cast

from django.conf import settings
from pydantic import Field

from api.paging import ListQuery
from api.schemas.base import LONGEST_NAME, Output, Time
from api.schemas.incidents import SeverityName
from api.schemas.metrics import QuestionQuery, Told
from metrics.paged import Row


class PagesQuery(QuestionQuery, ListQuery):
    """Which pages are behind which number."""

    person: str | None = Field(None, max_length=LONGEST_NAME, description="A username.")
    kind: Literal["night", "day", "off_hours"] | None = Field(
        None, description="Only those at night, by day, or outside working hours."
    )
    week: str | None = Field(None, description="An ISO week of the person's clocks, such as 2026-W48, or its Monday.")
    hour: int | None = Field(
        None, ge=0, le=167, description="The hour of the week on the person's clocks; 0 is Monday, 00:00 to 01:00."
    )


class BurdenOut(Output):
    """What fell on somebody; `definitions` says what each number is."""

    pages: int
    night_pages: int
    off_hours_pages: int
    interrupted_hours: int
    interrupted_nights: int
    pages_url: str
    night_pages_url: str
    off_hours_pages_url: str


class PersonLoadOut(BurdenOut):
    """Of one person."""

    username: str
    name: str


class FairnessOut(Output):
    """How evenly pages fell on the members of a team, those who got none among them."""

    busiest: str = Field(description="A username.")
    pages: int = Field(description="Of the busiest.")
    share: float = Field(description="Of the busiest, from 0 to 1.")
    even_share: float = Field(description="What each would have carried if all had carried the same.")
    gini: float = Field(description="0 where all got the same, 1 - 1/n where one of n members got all.")


class TeamLoadOut(BurdenOut):
    """Of those who are in a team now."""

    slug: str
    name: str
    members: int
    fairness: FairnessOut | None = Field(description="null where there is one member, or too few pages to say.")


class WeekOfPagesOut(Output):
    """Pages in a week of each person's own clocks."""

    week: str = Field(examples=["2026-W48"])
    pages: int
    night_pages: int
    pages_url: str


class HourOfPagesOut(Output):
    """Pages in an hour of the week of each person's own clocks."""

    hour: int = Field(description="0 is Monday, 00:00 to 01:00; 167 is the last.")
    pages: int
    pages_url: str


class OnCallOut(Told):
    """On-call load. Hours and nights of several people are added up person by person."""

    definitions: dict[str, str]
    total: BurdenOut
    people: list[PersonLoadOut] = Field(description="Whoever was paged, the most pages first.")
    teams: list[TeamLoadOut]
    weeks: list[WeekOfPagesOut]
    hours: list[HourOfPagesOut]
    compared: OnCallOut = Field(default=None, description="Where `compare` asks for it.")  # type: ignore[assignment]


class PageOut(Output):
    """A page that reached a person."""

    person: str | None = Field(description="A username.")
    at: Time
    local_time: str = Field(description="Where the person is.", examples=["2026-10-14T03:47:08+02:00"])
    is_night: bool
    incident: str = Field(examples=["INC-42"])
    title: str | None
    severity: SeverityName | None
    services: list[str]
    url: str = Field(description="The page of the incident.")

    @classmethod
    def of(cls, row: Row) -> PageOut:
        """A row with its person and incident."""
        incident = row.incident
        reference = f"INC-{row.page.incident_id}"
        return cls(
            person=row.user.username if row.user else None,
            at=row.page.at,
            local_time=row.local.isoformat(),
            is_night=row.page.is_night,
            incident=reference,
            title=incident.title if incident else None,
            severity=cast("SeverityName", incident.severity) if incident else None,
            services=[service.slug for service in row.services],
            url=f"{settings.MUSTER.base_url}/incidents/{reference}",
        )


class PagesOut(Output):
    """Pages, newest first, and what all of them are together."""

    items: list[PageOut]
    next: str | None = Field(description="The address of the next page; null on the last.")
    total: int = Field(description="How many pages there are.")
    incidents: int
    people: int
    interrupted_hours: int
    interrupted_nights: int
