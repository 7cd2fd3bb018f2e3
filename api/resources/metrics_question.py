"""What a request asks of the figures: its time, its incidents, and the addresses of what is behind each number."""

from __future__ import annotations

import re
import zoneinfo
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts.models import Team
from api import lookups, paging
from api.auth import ApiRequest, actor
from api.problems import invalid, mistakes
from api.schemas.base import EARLIEST, LATEST
from api.schemas.metrics import QuestionQuery, said
from catalog.models import Service
from core.time_zones import instant
from core.time_zones import zone as named_zone
from metrics import periods
from metrics.figures import Figures, Narrowing, sums_zone
from metrics.periods import DAY, LONGEST_DAYS, Period
from metrics.questions import DEFAULT, YEAR
from postmortems.models import Factor

if TYPE_CHECKING:
    from django.http import HttpResponse

    from accounts.models import User

ZONE_HEADER = "Muster-Zone"
LARGEST_DIGITS = 18
_WEEK = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
_LONG_DAY = len("2026-11-23")

Moment = date | datetime


@dataclass(frozen=True)
class Asked:
    """A question of one person. ``start`` and ``end`` are as they are told: a day, or an instant; ``kept`` is what the
    addresses of its incidents have besides. ``sums`` is the zone of the site's weeks and hours."""

    request: ApiRequest
    user: User
    period: Period
    start: Moment
    end: Moment
    narrowing: Narrowing
    kept: dict[str, str]
    sums: str
    against: Asked | None = None

    def figures(self) -> Figures:
        """What the person may know of it."""
        return Figures(self.user, self.period, self.narrowing, zone=self.sums)

    def within(self, period: Period) -> Asked:
        """Only a part of its time."""
        return replace(self, period=period, start=period.start, end=period.end)

    @property
    def told(self) -> dict[str, Any]:
        """The time, as each answer says it."""
        return {"from_": said(self.start), "to": said(self.end)}

    def behind(self, of: str, **changes: str | int) -> str:
        """Where the incidents of a measure stand: the same time and narrowing, with some of it changed."""
        return self.address("list_metrics_incidents", of=of, zone=self.period.zone, **changes)

    def address(self, operation: str, **changes: str | int) -> str:
        """The same question to another operation."""
        given = {"from": said(self.start), "to": said(self.end), **self.kept}
        found = given | {name: str(value) for name, value in changes.items()}
        return self.request.build_absolute_uri(f"{reverse(f'api:{operation}')}?{urlencode(found)}")


def ask(request: ApiRequest, query: QuestionQuery, response: HttpResponse) -> Asked:
    """The question of a request; the answer's header names the zone of its days and weeks. Raises the problem 422."""
    paging.refuse_unknown(request, query)
    user, sums = actor(request), sums_zone()
    zone_name = _zone(query.zone) if query.zone else sums
    start, end, step = _time(query, zone_name)
    narrowing = _narrowing(query, user=user)
    kept = {name: getattr(query, name) for name in ("severity", "service", "team", "factor")}
    asked = Asked(
        request=request,
        user=user,
        period=_period(start, end, zone_name),
        start=start,
        end=end,
        narrowing=narrowing,
        kept={name: value for name, value in kept.items() if value},
        sums=sums,
    )
    response[ZONE_HEADER] = zone_name
    back = {"previous": step or periods.length(asked.period), "year": YEAR}.get(getattr(query, "compare", "none"))
    return replace(asked, against=_earlier(asked, back)) if back is not None else asked


def monday_of(text: str) -> date:
    """Of an ISO week, such as 2026-W48; or the Monday itself. Raises the problem 422."""
    try:
        named = _WEEK.fullmatch(text)
        day = date.fromisocalendar(int(named[1]), int(named[2]), 1) if named else date.fromisoformat(text)
        if day.weekday() or not EARLIEST.date() <= day < LATEST.date() or (not named and len(text) != _LONG_DAY):
            raise ValueError
    except ValueError:
        raise invalid("week", "Enter an ISO week such as 2026-W48, or its Monday.") from None
    return day


def _earlier(asked: Asked, by: timedelta) -> Asked:
    try:
        period = asked.period.earlier(by)
    except OverflowError:
        raise invalid("compare", "There is no time so long ago.") from None
    return replace(asked, period=period, start=period.first or period.start, end=period.last or period.end)


def _time(query: QuestionQuery, zone_name: str) -> tuple[Moment, Moment, timedelta | None]:
    """From, to, and how far back the time before it is, where that is not its length."""
    given = query.from_ is not None or query.to is not None
    if query.period and given:
        raise invalid("period", "Send a period, or from and to.")
    now = timezone.now()
    today = now.astimezone(named_zone(zone_name)).date()
    if not given:
        chosen = periods.chosen(query.period or DEFAULT, now=now, zone_name=zone_name)
        return *chosen.days, periods.STEP[query.period or DEFAULT]
    end = query.to if query.to is not None else today
    if query.from_ is not None:
        return query.from_, end, None
    last = end.astimezone(named_zone(zone_name)).date() if isinstance(end, datetime) else end
    return last - (periods.STEP[DEFAULT] - DAY), end, None


def _period(start: Moment, end: Moment, zone_name: str) -> Period:
    """``end`` is in it where it is a day. Raises the problem 422."""
    first, until = _beginning(start, zone_name), _beginning(end, zone_name, days=1)
    is_days = not (isinstance(start, datetime) or isinstance(end, datetime))
    if first > until or (is_days and start > end):
        raise invalid("to", "Choose a time that is not before the first one.")
    if round((until - first) / DAY) - is_days > LONGEST_DAYS:
        raise invalid("from", f"Choose at most {LONGEST_DAYS} days.")
    return Period.of_days(start, end, zone_name) if is_days else Period(first, until, zone_name)


def _beginning(moment: Moment, zone_name: str, *, days: int = 0) -> datetime:
    """Of a day, some days later; an instant is itself."""
    if isinstance(moment, datetime):
        return moment.astimezone(UTC)
    return instant(moment + DAY * days, time.min, named_zone(zone_name))


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise invalid("zone", "Enter an IANA time zone such as Europe/Berlin.")
    return name


def _narrowing(query: QuestionQuery, *, user: User) -> Narrowing:
    """Raises the problem 422 with every name that there is not."""
    found: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    named = {
        "service": (Service.objects.visible_to(user), {"slug": query.service}),
        "team": (Team.objects.visible_to(user), {"slug": query.team}),
        "factor": (Factor.objects.visible_to(user), {"name__iexact": query.factor}),
    }
    for name, (rows, condition) in named.items():
        value = getattr(query, name)
        if value is None:
            continue
        found[name] = rows.filter(**condition).first() or (_by_id(rows, value) if name == "factor" else None)
        if found[name] is None:
            wrong.append((name, lookups.no_such(name, value)))
    if wrong:
        raise mistakes(wrong)
    return Narrowing(severity=query.severity or "", **found)


def _by_id(rows: Any, value: str) -> Any:
    is_number = value.isascii() and value.isdecimal() and len(value) <= LARGEST_DIGITS
    return rows.filter(pk=int(value)).first() if is_number else None
