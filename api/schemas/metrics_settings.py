"""Settings of the figures, and reports by e-mail."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal, cast

from pydantic import BeforeValidator, Field, StrictInt, WithJsonSchema

from api.schemas.base import LEFT_OUT, Boolean, Input, Output, Time
from metrics.choosing import FIELDS, RATES
from metrics.models import MetricsSettings, Report
from metrics.report_calendar import Term

LONGEST_RATE = 13  # characters: ten digits, a point, two more
KindName = Literal["weekly", "monthly"]


def _read_rate(value: object) -> Decimal:
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        rate = Decimal(str(value)) if len(str(value)) <= LONGEST_RATE else None
        if rate is None or not rate.is_finite() or rate != round(rate, 2) or not 0 <= rate < 10**10:
            raise ValueError
    except (ValueError, InvalidOperation):
        raise ValueError("Enter an amount of money, such as 1250 or 1250.50") from None
    return rate


_RATE_SCHEMA = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}], "examples": ["1250.00"]})
Rate = Annotated[Decimal, BeforeValidator(_read_rate), _RATE_SCHEMA]


class SettingsChange(Input):
    """What a PATCH may change; what is left out stays."""

    target_percent: Annotated[StrictInt, Field(ge=1, le=100)] = LEFT_OUT
    currency: Annotated[str, Field(max_length=3, description="ISO 4217, such as EUR; empty: no costs.")] = LEFT_OUT
    critical_per_hour: Rate | None = None
    high_per_hour: Rate | None = None
    medium_per_hour: Rate | None = None
    low_per_hour: Rate | None = None
    leadership_weekly: Boolean = LEFT_OUT
    leadership_monthly: Boolean = LEFT_OUT


class SettingsOut(Output):
    """What the figures are held against. Rates are decimal numbers; null is none."""

    target_percent: int = Field(description="How many of the promises are to be kept.")
    currency: str
    critical_per_hour: str | None
    high_per_hour: str | None
    medium_per_hour: str | None
    low_per_hour: str | None
    leadership_weekly: bool = Field(description="Whether leadership gets the weekly report, unless one of them chose.")
    leadership_monthly: bool

    @classmethod
    def of(cls, row: MetricsSettings) -> SettingsOut:
        """Reads only the row."""
        values: dict[str, Any] = {name: getattr(row, name) for name in FIELDS}
        for name in RATES.values():
            values[name] = None if values[name] is None else f"{Decimal(values[name]):.2f}"
        return cls(**values)


class ChoiceChange(Input):
    """Which reports you want."""

    weekly: Boolean = LEFT_OUT
    monthly: Boolean = LEFT_OUT


class NextReport(Output):
    """A report that is to come."""

    kind: KindName
    starts_on: date
    due_at: Time

    @classmethod
    def of(cls, term: Term) -> NextReport:
        """Of its week or month."""
        return cls(kind=cast("KindName", str(term.kind)), starts_on=term.first, due_at=term.due_at)


class ChoiceOut(Output):
    """Which reports you get."""

    weekly: bool
    monthly: bool
    is_chosen: bool = Field(description="You said so yourself; otherwise it is what leadership gets, or nothing.")
    is_leadership: bool
    next: list[NextReport]


class ReportOut(Output):
    """A report of a week or a month of the site's time zone."""

    id: int
    kind: KindName
    starts_on: date
    due_at: Time
    made_at: Time
    sent_to: int = Field(description="How many people.")
    file_url: str | None = Field(description="Its PDF; null where none could be made.")

    @classmethod
    def of(cls, report: Report, file_url: str | None) -> ReportOut:
        """Reads only the row."""
        return cls(
            id=report.pk,
            kind=cast("KindName", report.kind),
            starts_on=report.starts_on,
            due_at=report.due_at,
            made_at=report.made_at,
            sent_to=report.sent_to,
            file_url=file_url,
        )
