"""The figures by severity and time: response times, frequency, promises, stages, hours of the week."""

from __future__ import annotations

from collections import Counter
from datetime import date, time
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, DateTimeField, F, Func, IntegerField, Value
from django.http import HttpResponse
from ninja import Query, Router

from api.auth import ApiRequest
from api.resources.metrics_question import Asked, ask
from api.schemas.metrics import (
    ComparedQuery,
    FrequencyOut,
    HourOut,
    HoursOut,
    Promises,
    QuestionQuery,
    ResponseTimes,
    ResponseTimesOut,
    SampleOut,
    Sla,
    SlaOut,
    Stages,
    StagesOut,
    Told,
    iso_week,
    seconds,
    share,
)
from core.time_zones import instant, zone
from incidents.models import Severity
from metrics.measures import BY_KEY, STAGES
from metrics.periods import WEEK

if TYPE_CHECKING:
    from collections.abc import Callable

    from api.schemas.incidents import SeverityName
    from metrics.figures import Numbered

router = Router(tags=["metrics"], by_alias=True, exclude_unset=True)

T = TypeVar("T", bound=Told)
SEVERITIES = cast("list[SeverityName]", Severity.values)


@router.get("/response-times", response=ResponseTimesOut)
def read_response_times(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> ResponseTimesOut:
    """Time to acknowledge and to resolve, of the incidents that were created in the period. What is not acknowledged,
    or not resolved, has no time yet and is in neither."""
    return compared(ask(request, query, response), _response_times)


@router.get("/frequency", response=list[FrequencyOut])
def read_frequency(request: ApiRequest, response: HttpResponse, query: Query[QuestionQuery]) -> list[FrequencyOut]:
    """Incidents by ISO week and severity: every week of the period, oldest first, with its zeros. The header
    Muster-Zone names the zone of the weeks. `incidents` with the same question, and `week` and `severity`, has those
    behind one of them."""
    asked = ask(request, query, response)
    counts = _by_week(asked) if asked.period.start < asked.period.end else None
    mondays = [] if counts is None else asked.period.mondays()
    return [
        FrequencyOut(week=iso_week(monday), severity=severity, count=(counts or Counter())[monday, severity])
        for monday in mondays
        for severity in SEVERITIES
    ]


@router.get("/sla", response=SlaOut)
def read_sla(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> SlaOut:
    """How the response promise was kept, and beside it the resolution promise: clocks that run in business hours are
    judged by these."""
    return compared(ask(request, query, response), _sla)


@router.get("/stages", response=StagesOut)
def read_stages(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> StagesOut:
    """How long incidents were in each status on average, of those that are resolved; what lies between a resolution
    and a reopening is left out."""
    return compared(ask(request, query, response), _stages)


@router.get("/hours", response=HoursOut)
def read_hours(request: ApiRequest, response: HttpResponse, query: Query[QuestionQuery]) -> HoursOut:
    """In which hours of the week incidents begin, on the site's clocks, whichever zone the days are in."""
    asked = ask(request, query, response)
    return HoursOut(
        **asked.told,
        zone=asked.sums,
        hours=[
            HourOut(
                hour=hour,
                weekday=hour // 24 + 1,
                starts_at=f"{hour % 24:02}:00",
                count=count,
                incidents_url=asked.behind("incidents", hour=hour),
            )
            for hour, count in enumerate(asked.figures().by_hour)
        ],
    )


def compared(asked: Asked, show: Callable[[Asked], T]) -> T:
    """The answer to a question, with the answer for the time it is compared with."""
    found = show(asked)
    if asked.against is not None:
        found.compared = show(asked.against)  # type: ignore[attr-defined]
    return found


def _response_times(asked: Asked) -> ResponseTimesOut:
    figures = asked.figures()
    return ResponseTimesOut(
        **asked.told,
        severities={
            severity: ResponseTimes(
                mtta=SampleOut.of(figures.sample_of("acknowledge", severity=severity)),
                mttr=SampleOut.of(figures.sample_of("resolve", severity=severity)),
                incidents_url=asked.behind("incidents", severity=severity),
                mtta_incidents_url=asked.behind("acknowledged", severity=severity),
                mttr_incidents_url=asked.behind("resolved", severity=severity),
            )
            for severity in SEVERITIES
        },
    )


# ---- weeks -------------------------------------------------------------------------------------------------------


class _Bucket(Func):
    """How many of some instants, in their order, have passed at a time."""

    function = "width_bucket"
    output_field = IntegerField()


def _by_week(asked: Asked) -> Counter[tuple[date, str]]:
    """Incidents by the Monday of their week, in the zone that was asked for, and severity. The sums have the weeks of
    the site's zone; those of another one are counted from the facts."""
    figures, found = asked.figures(), Counter[tuple[date, str]]()
    if asked.period.zone == asked.sums:
        found.update({cell: numbers["incidents"] for cell, numbers in figures.by_cell.items()})
        return found
    mondays, here = asked.period.mondays(), zone(asked.period.zone)
    begun = Value([instant(monday, time.min, here) for monday in mondays], ArrayField(DateTimeField()))
    rows = figures.behind().filter(BY_KEY["incidents"].condition).annotate(place=_Bucket(F("created_at"), begun))
    for place, severity, count in (
        rows.values("place", "severity").annotate(n=Count("pk")).values_list("place", "severity", "n")
    ):
        found[mondays[0] + (place - 1) * WEEK, severity] = count
    return found


# ---- promises and stages -----------------------------------------------------------------------------------------


def _sla(asked: Asked) -> SlaOut:
    figures = asked.figures()
    return SlaOut(
        **asked.told,
        severities={
            severity: Sla(
                **_promises(asked, figures.by_severity[severity], severity, "response"),
                resolution=Promises(**_promises(asked, figures.by_severity[severity], severity, "resolution")),
            )
            for severity in SEVERITIES
        },
    )


def _promises(asked: Asked, numbers: Numbered, severity: str, kind: str) -> dict[str, Any]:
    states = ("met", "breached", "pending", "cancelled")
    met, breached = numbers[f"{kind}_met"], numbers[f"{kind}_breached"]
    return {
        **{state: numbers[f"{kind}_{state}"] for state in states},
        "compliance": share(met, met + breached),
        "incidents_url": asked.behind(kind, severity=severity),
        **{f"{state}_incidents_url": asked.behind(f"{kind}_{state}", severity=severity) for state in states},
    }


def _stages(asked: Asked) -> StagesOut:
    figures = asked.figures()
    return StagesOut(
        **asked.told,
        all=_stages_of(figures.total, asked.behind("staged")),
        severities={
            severity: _stages_of(figures.by_severity[severity], asked.behind("staged", severity=severity))
            for severity in SEVERITIES
        },
    )


def _stages_of(numbers: Numbered, address: str) -> Stages:
    n = numbers["staged"]
    means = {stage: seconds(numbers[f"{stage}_us"] / n) if n else None for stage in STAGES}
    return Stages(n=n, **means, incidents_url=address)
