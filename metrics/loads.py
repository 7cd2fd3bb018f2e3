"""How often people are paged, when on their own clocks, and how evenly it falls on a team.

Days, nights and weeks here are those of the person who was paged, wherever they live. Whole weeks come from the sums,
what is beside them from the pages themselves, and so does what only some may see; an hour or a night counts once,
whichever of the two it is in.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db import connection
from django.db.models import Q

from accounts.models import Membership, User
from core.together import statement
from incidents import policy
from metrics import wording
from metrics.cells import EPOCH, hours_of
from metrics.charts import off_hours
from metrics.facts import NIGHT_FROM, NIGHT_UNTIL
from metrics.figures import Narrowing
from metrics.models import WEEK_HOURS, Fact, Interruption, Load
from metrics.periods import DAY, WEEK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from django.db.models import QuerySet

    from metrics.periods import Period

NIGHT, BY_DAY, OFF_HOURS = "night", "day", "off_hours"  # kinds of pages, as addresses name them
MONDAY = 72  # hours from the first Monday's midnight to that of 1970-01-01, a Thursday
FIRST_MONDAY = EPOCH - 3 * DAY


@dataclass(frozen=True, slots=True)
class Burden:
    """What fell on one person, or on several: pages, those at night, those outside working hours; in how many hours of
    their clocks there was at least one, and in how many nights."""

    pages: int = 0
    night_pages: int = 0
    off_pages: int = 0
    hours: int = 0
    nights: int = 0

    def __add__(self, other: Burden) -> Burden:
        return Burden(
            self.pages + other.pages,
            self.night_pages + other.night_pages,
            self.off_pages + other.off_pages,
            self.hours + other.hours,
            self.nights + other.nights,
        )


@dataclass(frozen=True, slots=True)
class Week:
    """What fell on all people in a week."""

    pages: int = 0
    night_pages: int = 0
    hours: int = 0

    def __add__(self, other: Week) -> Week:
        return Week(self.pages + other.pages, self.night_pages + other.night_pages, self.hours + other.hours)


DEFINITIONS = {
    "pages": "Pages that reached a person. Contact methods that carried one at once are one page; a repeat or the next "
    "step is another.",
    "night_pages": f"Between {NIGHT_FROM}:00 and {NIGHT_UNTIL:02}:00 on the person's own clocks.",
    "off_pages": "In an hour outside the site's working hours, on the person's own clocks; holidays are not looked at.",
    "hours": "Different hours of the person's own clocks with at least one page.",
    "nights": "Different nights with at least one page.",
    "gini": "Gini coefficient of the members' pages, with those who got none: 0 where all got the same, 1 − 1/n where "
    "one of n members got all.",
}


def working_hours() -> tuple[str, list[int]]:
    """The site's working hours in words, and the hours of the week that are outside them."""
    site = policy.site_settings()
    words = wording.working_hours(site.weekdays, site.opens_at, site.closes_at)
    return words, off_hours(site.weekdays, site.opens_at, site.closes_at)


def members_of(team: Any) -> QuerySet[User]:
    """Those who are in a team now and have not been switched off."""
    return User.objects.active().filter(memberships__team=team)


def members_by_team() -> dict[int, list[int]]:
    """The same of every team, by key."""
    found: dict[int, list[int]] = defaultdict(list)
    rows = Membership.objects.filter(user__is_active=True).order_by("team_id", "user_id")
    for team, user in rows.values_list("team_id", "user_id"):
        found[team].append(user)
    return found


class Loads:
    """What one person may know of the pages of a period's days; without a ``user``, what is not private.

    A team narrows to pages to its members; severity, service and factor to pages about such incidents. ``off`` are the
    hours of the week outside working hours. Every number is read when it is first asked for, and once.
    """

    def __init__(self, user: User | None, period: Period, narrowing: Narrowing, *, off: Collection[int]) -> None:
        self.user, self.period, self.narrowing, self.off = user, period, narrowing, sorted(off)

    # ---- where it is read ----------------------------------------------------------------------------------------

    def behind(self) -> QuerySet[Interruption]:
        """Every page that counts and that the person may see: what any number is made of."""
        counted: Any = self._counted()
        rows: QuerySet[Interruption] = counted.visible_to(self.user) if self.user else counted.filter(is_private=False)
        about = Narrowing(self.narrowing.severity, self.narrowing.service, None, self.narrowing.factor).condition
        return rows.filter(incident__in=Fact.objects.filter(about).values("pk")) if about else rows

    def _counted(self) -> QuerySet[Interruption]:
        rows = Interruption.objects.filter(is_counted=True, **hours_of(*self.period.days)).order_by()
        return rows.filter(user__in=self._members) if self._members is not None else rows

    @cached_property
    def _members(self) -> list[int] | None:
        team = self.narrowing.team
        return None if team is None else list(members_of(team).values_list("pk", flat=True))

    @property
    def _weeks(self) -> tuple[date, date]:
        """The Mondays of the first whole week, and after the last one."""
        first, last = self.period.days
        monday, end = first + (WEEK - DAY * first.weekday()) % WEEK, last + DAY
        return monday, max(monday, end - DAY * end.weekday())

    def _sums(self) -> QuerySet[Load]:
        """Whole weeks of what is not private; none where only some incidents are asked for."""
        monday, end = self._weeks
        narrowing = self.narrowing
        if narrowing.severity or narrowing.service or narrowing.factor:
            return Load.objects.none()
        rows = Load.objects.filter(week__gte=monday, week__lt=end)
        return rows.filter(user__in=self._members) if self._members is not None else rows

    def _beside(self) -> list[QuerySet[Interruption]]:
        """The pages that are in none of these sums; no page is in two of these."""
        monday, end = self._weeks
        if self._sums().query.is_empty() or monday == end:
            return [self.behind()]
        summed = hours_of(monday, end - DAY)
        around = Q(local_hour__lt=summed["local_hour__gte"]) | Q(local_hour__gte=summed["local_hour__lt"])
        public = self._counted().filter(around, is_private=False)
        if self.user is None:
            return [public]
        private: Any = self._counted().filter(is_private=True)
        return [public, private.visible_to(self.user)]

    # ---- numbers -------------------------------------------------------------------------------------------------

    @cached_property
    def by_person(self) -> dict[int, Burden]:
        """By the person's key; who was not paged is missing."""
        found = {}
        for user, _, pages, night_pages, hours in self._totals:
            if user is not None:
                off_pages, nights = self._off_pages.get(user, 0), self._nights.get(user, 0)
                found[user] = Burden(pages, night_pages, off_pages, hours, nights)
        return found

    @cached_property
    def total(self) -> Burden:
        """Of all people: hours and nights are added up person by person."""
        return sum(self.by_person.values(), Burden())

    @cached_property
    def pages_by_person(self) -> dict[int, int]:
        """Their pages alone, which cost less to read."""
        return {user: pages for user, _, pages, *_ in self._totals if user is not None}

    @cached_property
    def by_week(self) -> dict[date, Week]:
        """By the Monday of each week that the days touch, of the clocks of the person paged."""
        found = dict.fromkeys(self.period.mondays(), Week())
        found.update({week: Week(*numbers) for _, week, *numbers in self._totals if week is not None})
        return found

    @property
    def weeks(self) -> Week:
        """Of all weeks together: what costs the least to read."""
        return sum(self.by_week.values(), Week())

    @cached_property
    def by_hour(self) -> list[int]:
        """Pages by the hour of the week, Monday 00:00 first."""
        counts = {hour: pages for _, hour, pages, _ in self._spread if hour is not None}
        return [counts.get(hour, 0) for hour in range(WEEK_HOURS)]

    @cached_property
    def _off_pages(self) -> dict[int, int]:
        return {user: off_pages for user, _, _, off_pages in self._spread if user is not None}

    @cached_property
    def _nights(self) -> dict[int, int]:
        return dict(self._read(_NIGHTS))

    @cached_property
    def _totals(self) -> list[Any]:
        """Of each person, and of each week: pages, night pages, interrupted hours."""
        return self._read(_TOTALS)

    @cached_property
    def _spread(self) -> list[Any]:
        """Of each person, and of each hour of the week: pages, and those outside working hours."""
        return self._read(_SPREAD)

    def _read(self, sql: str) -> list[Any]:
        columns = ("user_id", "week", "pages", "night_pages", "interrupted_hours", "hours")
        sums = statement(self._sums().values_list(*columns)) or (_NO_SUMS, ())
        beside = [statement(rows.values_list("user_id", "local_hour")) for rows in self._beside()]
        pages = [found for found in beside if found is not None] or [(_NO_PAGES, ())]
        given = [value for _, values in (sums, *pages) for value in values]
        if sql is _SPREAD:
            given.append(self.off)
        with connection.cursor() as cursor:
            cursor.execute(sql.format(sums=sums[0], beside=" UNION ALL ".join(text for text, _ in pages)), given)
            rows: list[Any] = cursor.fetchall()
        return rows


# A night is numbered by the day on whose morning it ends.
_NO_SUMS = "SELECT 0::bigint, NULL::date, 0, 0, 0, '{}'::smallint[] WHERE false"
_NO_PAGES = "SELECT 0::bigint, 0 WHERE false"
_READ = f"""
    WITH sums (user_id, week, pages, night_pages, interrupted_hours, hours) AS ({{sums}}),
    beside AS (
        SELECT user_id, local_hour, count(*) AS pages, (local_hour + {MONDAY}) %% {WEEK_HOURS} AS hour,
            DATE '{FIRST_MONDAY}' + 7 * ((local_hour + {MONDAY}) / {WEEK_HOURS}) AS week,
            local_hour %% 24 >= {NIGHT_FROM} OR local_hour %% 24 < {NIGHT_UNTIL} AS is_night
        FROM ({{beside}}) AS page (user_id, local_hour) GROUP BY user_id, local_hour)
"""  # noqa: S608 - constants
_TOTALS = f"""
    {_READ}
    SELECT user_id, week, sum(pages)::bigint, sum(night_pages)::bigint, sum(hours)::bigint FROM (
        SELECT user_id, week, pages, night_pages, interrupted_hours AS hours FROM sums
        UNION ALL
        SELECT beside.user_id, beside.week, beside.pages, CASE WHEN is_night THEN beside.pages ELSE 0 END,
            CASE WHEN hour = ANY(sums.hours) THEN 0 ELSE 1 END
        FROM beside LEFT JOIN sums ON sums.user_id = beside.user_id AND sums.week = beside.week) AS part
    GROUP BY GROUPING SETS ((user_id), (week))
"""  # noqa: S608 - constants
_SPREAD = f"""
    {_READ},
    spread AS (
        SELECT user_id, hour, sum(pages) AS pages FROM (
            SELECT user_id, hour, 1 AS pages FROM sums, unnest(hours) AS hour
            UNION ALL SELECT user_id, hour, pages FROM beside) AS part
        GROUP BY user_id, hour)
    SELECT user_id, hour, sum(pages)::bigint, coalesce(sum(pages) FILTER (WHERE hour = ANY(%s::int[])), 0)::bigint
    FROM spread GROUP BY GROUPING SETS ((user_id), (hour))
"""  # noqa: S608 - constants
_NIGHTS = f"""
    {_READ}
    SELECT user_id, count(*) FROM (
        SELECT user_id, (week - DATE '{EPOCH}') + (hour + 24 - {NIGHT_FROM}) / 24 AS night
        FROM sums, unnest(hours) AS hour WHERE hour %% 24 >= {NIGHT_FROM} OR hour %% 24 < {NIGHT_UNTIL}
        UNION SELECT user_id, (local_hour + 24 - {NIGHT_FROM}) / 24 FROM beside WHERE is_night) AS part
    GROUP BY user_id
"""  # noqa: S608 - constants


# ---- how evenly ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fairness:
    """How pages fell on the members of a team: the key of the busiest one and their pages, how many there were and of
    how many members."""

    busiest: int
    most: int
    pages: int
    members: int
    gini: float

    @property
    def share(self) -> float:
        """Of the busiest, per cent."""
        return 100 * self.most / self.pages

    @property
    def even_share(self) -> float:
        """What each would have carried if all had carried the same, per cent."""
        return 100 / self.members


def fairness(members: Sequence[int], by_person: dict[int, Burden]) -> Fairness | None:
    """None where nothing can be said: of one member, or of too few pages."""
    pages = {user: by_person.get(user, Burden()).pages for user in members}
    total = sum(pages.values())
    if len(pages) < 2 or total < wording.FEW:
        return None
    busiest = max(pages, key=lambda user: (pages[user], -user))
    return Fairness(busiest, pages[busiest], total, len(pages), gini(pages.values()))


def gini(values: Iterable[int]) -> float:
    """Half of the mean difference between any two values, as a share of their mean (Gini 1912); 0 where all are the
    same, 1 − 1/n where one of n has all. 0 of nothing."""
    ordered = sorted(values)
    n, total = len(ordered), sum(ordered)
    if not total:
        return 0.0
    return sum((2 * place - n - 1) * value for place, value in enumerate(ordered, start=1)) / (n * total)
