"""The figures by service, team and cause, what came of the incidents, and what leadership looks at."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from ninja import Query, Router

from api.auth import ApiRequest
from api.resources.action_items import of_scope
from api.resources.metrics import SEVERITIES, compared
from api.resources.metrics_question import Asked, ask
from api.schemas.communication import ActionItemScope
from api.schemas.metrics import (
    ComparedQuery,
    CostOut,
    FollowUpOut,
    NumberOut,
    OverdueOut,
    PartOut,
    PartsOut,
    RateOut,
    SampleOut,
    SummaryOut,
    seconds,
    share,
)
from incidents import action_items
from incidents.models import ActionItem
from metrics import choosing
from metrics.figures import Kind, parts_named
from metrics.measures import BY_KEY, MEASURES
from metrics.parts import US_PER_HOUR

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metrics.figures import Figures, Numbered

router = Router(tags=["metrics"], by_alias=True, exclude_unset=True)

# The parameter that narrows to one, and what of it stands there.
NAMED = {Kind.SERVICE: ("service", "slug"), Kind.TEAM: ("team", "slug"), Kind.FACTOR: ("factor", "name")}
READ = (
    "incidents", "open", "reopened", "alerts", "acknowledged", "acknowledge_us", "resolved", "resolve_us", "impact_us",
    "response_met", "response_breached",
)  # fmt: skip
FOLLOW_UP = (
    "items", "items_done", "items_on_time", "items_accepted",
    "learned_on_time", "learned_late", "learning_overdue", "learning_waiting", "learning_due",
)  # fmt: skip
LEARNING_DUE = ("learned_on_time", "learned_late", "learning_overdue")


@router.get("/services", response=PartsOut)
def read_metrics_by_service(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> PartsOut:
    """Services by how many incidents touched them: the repeat offenders come first."""
    return compared(ask(request, query, response), lambda asked: _parts(asked, Kind.SERVICE))


@router.get("/teams", response=PartsOut)
def read_metrics_by_team(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> PartsOut:
    """Teams by the incidents that touched services which they own today."""
    return compared(ask(request, query, response), lambda asked: _parts(asked, Kind.TEAM))


@router.get("/causes", response=PartsOut)
def read_metrics_by_cause(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> PartsOut:
    """Contributing factors of the postmortems; an incident without any is in none."""
    return compared(ask(request, query, response), lambda asked: _parts(asked, Kind.FACTOR))


@router.get("/follow-up", response=FollowUpOut)
def read_metrics_of_follow_up(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> FollowUpOut:
    """Action items and postmortems of the period's incidents, and which action items are overdue today, of any time."""
    return compared(ask(request, query, response), _follow_up)


@router.get("/summary", response=SummaryOut)
def read_metrics_summary(request: ApiRequest, response: HttpResponse, query: Query[ComparedQuery]) -> SummaryOut:
    """Every number of the period, the shares that are made of them, and what the impact cost."""
    return compared(ask(request, query, response), _summary)


# ---- parts -------------------------------------------------------------------------------------------------------


def _parts(asked: Asked, kind: Kind) -> PartsOut:
    found = asked.figures().by_part(kind, *READ)
    chosen = asked.narrowing.parts.get(kind)  # of what this one shares an incident with, only this one can be asked for
    refs = [ref for ref, row in found.items() if row["incidents"] and chosen in (None, ref)]
    refs.sort(key=lambda ref: (-found[ref]["incidents"], -found[ref]["impact_us"], ref))
    named = parts_named(kind, refs)
    rows = [_part(asked, kind, named[ref], found[ref]) for ref in refs if ref in named]
    return PartsOut(**asked.told, items=rows)


def _part(asked: Asked, kind: Kind, part: Any, numbers: Numbered) -> PartOut:
    parameter, key = NAMED[kind]

    def mean(total: str, count: str) -> float | None:
        return seconds(numbers[total] / numbers[count]) if numbers[count] else None

    def behind(of: str) -> str:
        return asked.behind(of, **{parameter: getattr(part, key)})

    return PartOut(
        id=getattr(part, key),
        name=part.name,
        incidents=numbers["incidents"],
        open=numbers["open"],
        reopened=numbers["reopened"],
        alerts=numbers["alerts"],
        mean_acknowledge_seconds=mean("acknowledge_us", "acknowledged"),
        mean_resolve_seconds=mean("resolve_us", "resolved"),
        impact_seconds=seconds(numbers["impact_us"]) or 0,
        response_compliance=share(numbers["response_met"], numbers["response_met"] + numbers["response_breached"]),
        incidents_url=behind("incidents"),
        open_incidents_url=behind("open"),
        reopened_incidents_url=behind("reopened"),
        alerts_incidents_url=behind("alerts"),
        acknowledged_incidents_url=behind("acknowledged"),
        resolved_incidents_url=behind("resolved"),
        impact_incidents_url=behind("impact_us"),
    )


# ---- numbers and shares ------------------------------------------------------------------------------------------


def _numbers(asked: Asked, total: Numbered, keys: Iterable[str]) -> list[NumberOut]:
    return [
        NumberOut(
            key=key,
            label=BY_KEY[key].label,
            definition=BY_KEY[key].definition,
            unit=BY_KEY[key].unit or "incidents",
            value=total[key],
            incidents_url=asked.behind(key),
        )
        for key in keys
    ]


def _rate(key: str, definition: str, part: int, whole: int) -> RateOut:
    return RateOut(key=key, definition=definition, value=share(part, whole), part=part, whole=whole)


def _rates_of_follow_up(total: Numbered) -> list[RateOut]:
    due = sum(total[key] for key in LEARNING_DUE)
    return [
        _rate("items_completion", "Action items done, of all", total["items_done"], total["items"]),
        _rate("items_timeliness", "Done by their day, of those done", total["items_on_time"], total["items_done"]),
        _rate("postmortem_timeliness", "Published on time, of those due", total["learned_on_time"], due),
    ]


def _rates(total: Numbered) -> list[RateOut]:
    kept = [
        _rate(
            f"{kind}_compliance",
            f"{kind.capitalize()} clocks met, of those met or breached",
            total[f"{kind}_met"],
            total[f"{kind}_met"] + total[f"{kind}_breached"],
        )
        for kind in ("response", "resolution")
    ]
    return [
        *kept,
        _rate("reopen_rate", "Reopened, of those resolved at least once", total["reopened"], total["was_resolved"]),
        _rate("alerts_per_incident", "Alerts, by incident that has any", total["alerts"], total["alerted"]),
        *_rates_of_follow_up(total),
    ]


def _follow_up(asked: Asked) -> FollowUpOut:
    total = asked.figures().total
    return FollowUpOut(
        **asked.told,
        numbers=_numbers(asked, total, FOLLOW_UP),
        rates=_rates_of_follow_up(total),
        overdue=_overdue(asked),
    )


def _overdue(asked: Asked) -> OverdueOut:
    """The same rows as the list of action items has at the address."""
    narrowed: dict[str, Any] = {name: value for name, value in asked.kept.items() if name != "factor"}
    today = action_items.today_of(asked.user, now=timezone.now())
    rows = of_scope(ActionItem.objects.visible_to(asked.user), ActionItemScope(**narrowed), user=asked.user)
    address = f"{reverse('api:list_action_items')}?{urlencode({'overdue': 'true', **narrowed})}"
    return OverdueOut(count=rows.overdue(today).count(), action_items_url=asked.request.build_absolute_uri(address))


def _summary(asked: Asked) -> SummaryOut:
    figures, settings = asked.figures(), choosing.settings()
    return SummaryOut(
        **asked.told,
        mtta=SampleOut.of(figures.sample_of("acknowledge")),
        mttr=SampleOut.of(figures.sample_of("resolve")),
        mtta_incidents_url=asked.behind("acknowledged"),
        mttr_incidents_url=asked.behind("resolved"),
        numbers=_numbers(asked, figures.total, [each.key for each in MEASURES if each.label]),
        rates=_rates(figures.total),
        cost=_cost(asked, figures, settings),
        target=settings.target_percent / 100,
    )


def _cost(asked: Asked, figures: Figures, settings: Any) -> CostOut | None:
    """Time down at the rates of the settings; a severity without a rate is not in it."""
    rates = choosing.rates_of(settings)
    if not rates:
        return None
    spent = {
        severity: Decimal(figures.by_severity[severity]["impact_us"]) / US_PER_HOUR * rates[severity]
        for severity in SEVERITIES
        if severity in rates
    }
    return CostOut(
        currency=settings.currency,
        total=_money(sum(spent.values(), Decimal(0))),
        severities={severity: _money(amount) for severity, amount in spent.items()},
        incidents_url=asked.behind("impact_us"),
    )


def _money(amount: Decimal) -> str:
    return f"{amount:.2f}"
