"""Questions to the figures, and their answers. Lengths of time are seconds, to the microsecond."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal

from django.utils.dateparse import parse_date
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from api.paging import ListQuery
from api.schemas.base import EARLIEST, LATEST, LONGEST_NAME, Output, Time, read_time, rfc3339
from api.schemas.incidents import IncidentOut, SeverityName
from api.schemas.schedules import read_address
from metrics.samples import SECOND, Sample

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EXAMPLES = "a day such as 2026-10-14, or a time with its offset such as 2026-10-14T01:47:08Z"

PeriodName = Literal["30d", "13w", "1y"]
SortName = Literal["newest", "acknowledge", "resolve", "amount"]
Against = Literal["none", "previous", "year"]


def _read_moment(value: object) -> date | datetime:
    if not isinstance(value, str):
        raise ValueError(f"Enter {_EXAMPLES}")
    try:
        if not _DAY.fullmatch(value):
            return read_time(read_address(value))
        day = parse_date(value)
        if day is None or not EARLIEST.date() < day < LATEST.date():
            raise ValueError
    except ValueError:
        raise ValueError(f"Enter {_EXAMPLES}") from None
    return day


def said(moment: date | datetime) -> str:
    """A day as a day, an instant as RFC 3339 in UTC."""
    return rfc3339(moment.astimezone(UTC)) if isinstance(moment, datetime) else moment.isoformat()


Moment = Annotated[Any, PlainValidator(_read_moment), WithJsonSchema({"type": "string", "examples": ["2026-10-14"]})]
Slug = Annotated[str, Field(max_length=LONGEST_NAME)]


class QuestionQuery(BaseModel):
    """Which incidents: of a time, by when they were created, and narrowed. Without a time, the last 13 weeks."""

    model_config = ConfigDict(extra="forbid")

    from_: Moment | None = Field(
        None, alias="from", description="The first day, such as 2026-10-14, or the first instant (RFC 3339)."
    )
    to: Moment | None = Field(
        None, description="The last day, which is in it, or the instant that it ends before; today when left out."
    )
    period: PeriodName | None = Field(
        None, description="Instead of `from` and `to`: 30 days, 13 weeks or 52 weeks up to today."
    )
    zone: str | None = Field(
        None, description="The IANA time zone of days and weeks, such as Europe/Berlin; the site's when left out."
    )
    severity: SeverityName | None = None
    service: Slug | None = Field(None, description="A service's slug.")
    team: Slug | None = Field(None, description="The slug of a team that owns an affected service.")
    factor: Slug | None = Field(None, description="A contributing factor's name, in any case, or its id.")


class ComparedQuery(QuestionQuery):
    """The same, and another time to compare with."""

    compare: Against = Field(
        "none", description="Adds `compared`, the same of the period before, or of 52 weeks earlier."
    )


class BehindQuery(QuestionQuery, ListQuery):
    """Which incidents are behind which number."""

    of: str = Field("incidents", max_length=LONGEST_NAME, description="The key of a measure; see `definitions`.")
    week: str | None = Field(None, description="An ISO week of the zone, such as 2026-W48, or its Monday.")
    hour: int | None = Field(
        None, ge=0, le=167, description="The hour of the week on the site's clocks; 0 is Monday, 00:00 to 01:00."
    )
    sort: SortName = Field(
        "newest", description="`acknowledge` and `resolve` have the slowest first, `amount` the most of the measure."
    )


class NoQuery(BaseModel):
    """Nothing to ask."""

    model_config = ConfigDict(extra="forbid")


# ---- answers -----------------------------------------------------------------------------------------------------


def seconds(microseconds: float | None) -> float | None:
    """To the microsecond."""
    return None if microseconds is None else round(microseconds / SECOND, 6)


def iso_week(monday: date) -> str:
    """2026-W48: by ISO 8601 the year is that of the week's Thursday."""
    year, week, _ = monday.isocalendar()
    return f"{year:04}-W{week:02}"


def share(of: int, whole: int) -> float | None:
    """From 0 to 1; null of nothing."""
    return of / whole if whole else None


class Told(Output):
    """What every answer says of its time: as it was given, days as days (both are in it), instants in UTC."""

    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from", examples=["2026-07-20"])
    to: str = Field(examples=["2026-10-14"])


class SampleOut(Output):
    """A time in seconds. The percentile lies between the two nearest values in proportion; null of none."""

    mean: float | None = Field(examples=[412.5])
    median: float | None = Field(examples=[187.25])
    p90: float | None = Field(examples=[960.0])
    n: int = Field(description="How many incidents it is of.", examples=[18])

    @classmethod
    def of(cls, sample: Sample) -> SampleOut:
        """Of microseconds."""
        return cls(mean=seconds(sample.mean), median=seconds(sample.median), p90=seconds(sample.p90), n=sample.n)


class ResponseTimes(Output):
    """MTTA: from creation to acknowledgement. MTTR: from creation to the last resolution. Each of the incidents that
    have come so far; addresses lead to exactly those."""

    mtta: SampleOut
    mttr: SampleOut
    incidents_url: str = Field(description="All that were created in the period, answered and resolved or not.")
    mtta_incidents_url: str
    mttr_incidents_url: str


class ResponseTimesOut(Told):
    """Times to acknowledge and to resolve; all four severities always."""

    severities: dict[SeverityName, ResponseTimes]
    compared: ResponseTimesOut = Field(default=None, description="Where `compare` asks for it.")  # type: ignore[assignment]


class FrequencyOut(Output):
    """How many incidents of a severity were created in a week."""

    week: str = Field(description="An ISO week of the zone that the header Muster-Zone names.", examples=["2026-W48"])
    severity: SeverityName
    count: int


class Promises(Output):
    """How clocks ended. Cancelled ones do not count: a monitor took the incident back before anybody had to answer."""

    met: int
    breached: int
    pending: int
    cancelled: int
    compliance: float | None = Field(
        description="met / (met + breached), from 0 to 1; null of none.", examples=[0.9375]
    )
    incidents_url: str = Field(description="All that have such a clock.")
    met_incidents_url: str
    breached_incidents_url: str
    pending_incidents_url: str
    cancelled_incidents_url: str


class Sla(Promises):
    """The response clock, and beside it the resolution clock."""

    resolution: Promises


class SlaOut(Told):
    """How promises were kept; all four severities always."""

    severities: dict[SeverityName, Sla]
    compared: SlaOut = Field(default=None, description="Where `compare` asks for it.")  # type: ignore[assignment]


class Stages(Output):
    """How long incidents stayed in each status on average, until they were resolved, in seconds."""

    n: int = Field(description="Resolved ones whose timeline tells every move.")
    triggered: float | None
    acknowledged: float | None
    investigating: float | None
    mitigating: float | None
    incidents_url: str


class StagesOut(Told):
    """Time in each stage."""

    all: Stages
    severities: dict[SeverityName, Stages]
    compared: StagesOut = Field(default=None, description="Where `compare` asks for it.")  # type: ignore[assignment]


class HourOut(Output):
    """Incidents created in an hour of the week."""

    hour: int = Field(description="0 is Monday, 00:00 to 01:00, on the site's clocks; 167 is the last.")
    weekday: int = Field(description="1 is Monday.")
    starts_at: str = Field(description="On the clock.", examples=["09:00"])
    count: int
    incidents_url: str


class HoursOut(Told):
    """When incidents begin: all 168 hours of the week."""

    zone: str
    hours: list[HourOut]


class PartOut(Output):
    """The incidents of a service, a team or a contributing factor. One of two services counts for both."""

    id: str = Field(description="The slug of a service or a team, the name of a factor.")
    name: str
    incidents: int
    open: int
    reopened: int
    alerts: int
    mean_acknowledge_seconds: float | None
    mean_resolve_seconds: float | None
    impact_seconds: float = Field(description="From started_at to resolved_at, all together.")
    response_compliance: float | None
    incidents_url: str
    open_incidents_url: str
    reopened_incidents_url: str
    alerts_incidents_url: str
    acknowledged_incidents_url: str
    resolved_incidents_url: str
    impact_incidents_url: str


class PartsOut(Told):
    """Most incidents first."""

    items: list[PartOut]
    compared: PartsOut = Field(default=None, description="Where `compare` asks for it.")  # type: ignore[assignment]


class NumberOut(Output):
    """One number, and where what it is made of stands; the total of that list is the number."""

    key: str = Field(examples=["reopened"])
    label: str
    definition: str
    unit: str
    value: int | float
    incidents_url: str


class RateOut(Output):
    """A share of something; `value` is null of nothing."""

    key: str = Field(examples=["reopen_rate"])
    definition: str
    value: float | None
    part: int
    whole: int


class CostOut(Output):
    """What the impact cost at the rates of the settings."""

    currency: str
    total: str = Field(description="A decimal number.", examples=["1250.00"])
    severities: dict[SeverityName, str] = Field(description="Those that a rate is set for.")
    incidents_url: str


class SummaryOut(Told):
    """What leadership looks at."""

    mtta: SampleOut
    mttr: SampleOut
    mtta_incidents_url: str
    mttr_incidents_url: str
    numbers: list[NumberOut]
    rates: list[RateOut]
    cost: CostOut | None = Field(description="null where no currency and rates are set.")
    target: float = Field(description="How many of the response promises are to be kept, from 0 to 1.")
    compared: SummaryOut = Field(default=None, description="Where `compare` asks for it.")  # type: ignore[assignment]


class OverdueOut(Output):
    """Action items whose day has passed, after incidents of any time that fit what is asked, causes aside."""

    count: int
    action_items_url: str


class FollowUpOut(Told):
    """What became of the period's incidents afterwards."""

    numbers: list[NumberOut]
    rates: list[RateOut]
    overdue: OverdueOut
    compared: FollowUpOut = Field(default=None, description="Where `compare` asks for it.")  # type: ignore[assignment]


class DefinitionOut(Output):
    """What a number is."""

    key: str
    label: str
    definition: str
    unit: str


class StateOut(Output):
    """The measures, and how fresh they are."""

    zone: str = Field(description="The site's, of weeks and hours.")
    summed_at: Time | None = Field(description="Up to when everything is in the figures.")
    waiting: int = Field(description="Changes that are not in them yet.")
    is_rebuilding: bool
    measures: list[DefinitionOut]


class BehindOut(Output):
    """The incidents behind a number, newest first."""

    items: list[IncidentOut]
    next: str | None = Field(description="The address of the next page; null on the last.")
    total: int | float = Field(
        description="The number itself: how many incidents there are on all pages, or the sum of what the measure "
        "adds up, such as their alerts; lengths of time in seconds.",
    )
    count: int = Field(description="How many incidents there are on all pages.")
