"""The page of on-call load, as it is shown: how much, when, on whom, and how evenly on each team."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from accounts.models import Team, User
from metrics import charts, links, loads, overview, wording
from metrics.charts import Part, Stack
from metrics.links import Num, Said
from metrics.loads import BY_DAY, DEFINITIONS, NIGHT, OFF_HOURS, Burden, Loads
from metrics.models import WEEK_HOURS

if TYPE_CHECKING:
    from datetime import date, datetime

    from metrics.charts import Columns, Heat, Meter, Spark
    from metrics.links import Head
    from metrics.overview import Freshness
    from metrics.questions import Question

ROUTE, BEHIND = "metrics:on_call", "metrics:pages"
MOST_ROWS = 20
NOBODY = Burden()


@dataclass(frozen=True, slots=True)
class Card:
    """A number that stands first. ``meter`` is drawn where there is no line by week."""

    key: str
    title: str
    main: Num
    beside: Said
    change: Said
    definition: str
    spark: Spark | None = None
    meter: Meter | None = None


@dataclass(frozen=True, slots=True)
class WeekRow:
    """A week in the table beside the columns."""

    name: str
    pages: Num
    night_pages: Num
    hours: Num


@dataclass(frozen=True, slots=True)
class Weeks:
    """Pages by week, those at night at the foot of each column."""

    drawing: Columns
    rows: list[WeekRow]
    night: Num
    day: Num
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """When people are paged, on their own clocks."""

    drawing: Heat
    outside: Num
    total: Num
    working: str


@dataclass(frozen=True, slots=True)
class Row:
    """A person or a team. ``before`` is None where nothing is compared; ``members``, ``busiest`` and ``gini`` are of
    teams."""

    pages: Num
    before: Num | None
    night: Num
    off: Num
    hours: Num
    nights: Num
    bar: Meter
    person: User | None = None
    team: Team | None = None
    href: str = ""
    members: int = 0
    busiest: Said = ()
    gini: str = ""


@dataclass(frozen=True, slots=True)
class LoadPage:
    """Everything on the page."""

    head: Head
    cards: list[Card]
    weeks: Weeks
    hours: Hours
    people: list[Row]
    teams: list[Row]
    unpaged: int
    definitions: dict[str, str]
    is_compared: bool
    is_empty: bool
    freshness: Freshness

    @property
    def first_people(self) -> list[Row]:
        """Those whom the page shows at once."""
        return self.people[:MOST_ROWS]

    @property
    def more_people(self) -> list[Row]:
        """Those who are unfolded."""
        return self.people[MOST_ROWS:]


def read(question: Question, user: User | None, *, now: datetime) -> LoadPage:
    """What a person sees of a question."""
    found = Reading(question, user)
    people = found.people
    return LoadPage(
        head=links.head(question, ROUTE),
        cards=_cards(found),
        weeks=_weeks(found),
        hours=_hours(found),
        people=people,
        teams=found.teams,
        unpaged=found.unpaged,
        definitions=DEFINITIONS,
        is_compared=found.before is not None,
        is_empty=not found.loads.total.pages and not (found.before and found.before.weeks.pages),
        freshness=overview.freshness(now=now),
    )


class Reading:
    """What the parts of the page are made from."""

    def __init__(self, question: Question, user: User | None) -> None:
        self.question = question
        self.working, self.off = loads.working_hours()
        self.loads = Loads(user, question.period, question.narrowing, off=self.off)
        self.before = Loads(user, question.against, question.narrowing, off=self.off) if question.against else None

    def to(self, **parts: str | int) -> str:
        """The pages behind a number."""
        given: dict[str, Any] = dict(parts)
        return self.question.pinned(BEHIND, **given)

    def count(self, count: int, **parts: str | int) -> Num:
        """A number of pages; nothing is behind a 0."""
        return Num(wording.number(count), self.to(**parts) if count else "")

    @cached_property
    def members(self) -> dict[int, list[int]]:
        """Of each team, or of the one that is asked for."""
        found, team = loads.members_by_team(), self.question.narrowing.team
        return found if team is None else {team.pk: found.get(team.pk, [])}

    @cached_property
    def _users(self) -> dict[int, User]:
        wanted = set(self.loads.by_person)
        if self.question.narrowing.team:
            wanted.update(*self.members.values())
        return User.objects.only("username", "name", "is_active").in_bulk(wanted)

    @property
    def unpaged(self) -> int:
        """How many members of teams were not paged."""
        return len({member for members in self.members.values() for member in members} - self.loads.by_person.keys())

    @cached_property
    def people(self) -> list[Row]:
        """Whoever was paged; of a team, all its members. The most pages first."""
        by_person, most = self.loads.by_person, max((one.pages for one in self.loads.by_person.values()), default=0)
        users = sorted(
            self._users.values(), key=lambda one: (-by_person.get(one.pk, NOBODY).pages, str(one).casefold())
        )
        return [
            self._row(
                by_person.get(user.pk, NOBODY),
                most,
                before=self.before.pages_by_person.get(user.pk, 0) if self.before else None,
                parts={"person": user.username},
                person=user,
            )
            for user in users
        ]

    @cached_property
    def teams(self) -> list[Row]:
        """Every team that has somebody, the most pages first."""
        teams = Team.objects.only("slug", "name").in_bulk(self.members)
        sums = {
            pk: sum((self.loads.by_person.get(member, NOBODY) for member in members), NOBODY)
            for pk, members in self.members.items()
            if pk in teams
        }
        most = max((one.pages for one in sums.values()), default=0)
        ordered = sorted(sums, key=lambda pk: (-sums[pk].pages, str(teams[pk]).casefold()))
        return [self._team(teams[pk], sums[pk], most) for pk in ordered]

    def _team(self, team: Team, burden: Burden, most: int) -> Row:
        members = self.members[team.pk]
        before = None
        if self.before:
            before = sum(self.before.pages_by_person.get(member, 0) for member in members)
        fair = loads.fairness(members, self.loads.by_person)
        return self._row(
            burden,
            most,
            before=before,
            parts={"team": team.slug},
            team=team,
            href=self.question.address(ROUTE, team=team.slug),
            members=len(members),
            busiest=self._busiest(team, burden, fair, len(members)),
            gini=f"{fair.gini:.2f}" if fair else wording.NONE,
        )

    def _busiest(self, team: Team, burden: Burden, fair: loads.Fairness | None, members: int) -> Said:
        """Priya carried 41 % of 22; even would be 25 %."""
        if fair is None:
            if members < 2:
                return ("One member",)
            return (f"{wording.few(burden.pages).capitalize()}: too few to say",) if burden.pages else (wording.NONE,)
        person = self._users[fair.busiest]
        share = Num(f"{fair.share:.0f} %", self.to(team=team.slug, person=person.username))
        return (
            f"{person} ",
            share,
            f" of {wording.number(fair.pages)}; even would be {fair.even_share:.0f}\N{NO-BREAK SPACE}%",
        )

    def _row(
        self, burden: Burden, most: int, *, before: int | None, parts: dict[str, str | int], **more: object
    ) -> Row:
        return Row(
            pages=self.count(burden.pages, **parts),
            before=None if before is None else self._before(before, **parts),
            night=self.count(burden.night_pages, kind=NIGHT, **parts),
            off=self.count(burden.off_pages, kind=OFF_HOURS, **parts),
            hours=self.count(burden.hours, **parts),
            nights=self.count(burden.nights, kind=NIGHT, **parts),
            bar=charts.meter(burden.pages, most),
            **more,  # type: ignore[arg-type]
        )

    def _before(self, count: int, **parts: str | int) -> Num:
        given: dict[str, Any] = {"period": self.question.against, **parts}
        return Num(wording.number(count), self.question.pinned(BEHIND, **given) if count else "")

    def change(self, count: int, before: int, **parts: str | int) -> Said:
        """4 fewer than before, was 12."""
        if self.before is None:
            return ("",)
        if not before:
            return ("none before",)
        return (f"{wording.more(count, before)}, was ", self._before(before, **parts))


# ---- first -----------------------------------------------------------------------------------------------------------


def _cards(reading: Reading) -> list[Card]:
    total, before = reading.loads.total, reading.before.weeks if reading.before else loads.Week()
    paged = len(reading.loads.by_person)
    few = f", {wording.few(total.pages)}" if 0 < total.pages < wording.FEW else ""
    return [
        Card(
            "pages",
            "Pages",
            reading.count(total.pages),
            (f"to {wording.plural(paged, 'person', 'people')}{few}",),
            reading.change(total.pages, before.pages),
            DEFINITIONS["pages"],
            _spark(reading, "Pages by week", "pages"),
        ),
        Card(
            "night",
            "Night pages",
            reading.count(total.night_pages, kind=NIGHT),
            ("in ", reading.count(total.nights, kind=NIGHT), f" night{'' if total.nights == 1 else 's'} of somebody"),
            reading.change(total.night_pages, before.night_pages, kind=NIGHT),
            DEFINITIONS["night_pages"],
            _spark(reading, "Night pages by week", "night_pages"),
        ),
        Card(
            "hours",
            "Interrupted hours",
            reading.count(total.hours),
            (f"{wording.ratio(total.hours, paged)} for each person paged",) if paged else ("",),
            reading.change(total.hours, before.hours),
            f"{DEFINITIONS['hours']} Those of all people are added up.",
            _spark(reading, "Interrupted hours by week", "hours"),
        ),
        Card(
            "off",
            "Outside working hours",
            Num(
                wording.percent(total.off_pages, total.pages),
                reading.to(kind=OFF_HOURS) if total.off_pages else "",
            ),
            (reading.count(total.off_pages, kind=OFF_HOURS), f" of {wording.plural(total.pages, 'page')}"),
            ("",),
            f"{DEFINITIONS['off_pages']} Working hours: {reading.working}.",
            meter=charts.meter(total.off_pages, total.pages),
        ),
    ]


def _spark(reading: Reading, title: str, name: str) -> Spark:
    counts = [getattr(week, name) for week in reading.loads.by_week.values()]
    said = f"From {min(counts)} to {max(counts)} in a week; {counts[-1]} in the last one."
    return charts.spark(counts, title=title, description=said)


# ---- when ------------------------------------------------------------------------------------------------------------


def _weeks(reading: Reading) -> Weeks:
    by_week, total = reading.loads.by_week, reading.loads.total
    stacks = [_stack(reading, week, found) for week, found in by_week.items()]
    busiest = max(stacks, key=lambda stack: stack.total)
    title = f"Pages per week: {wording.number(total.pages)} in {wording.plural(len(stacks), 'week')}"
    said = f"{total.night_pages} at night. The most in one week: {busiest.total}, in that of {busiest.name}."
    first, last = reading.question.period.days
    return Weeks(
        charts.columns(stacks, title=title, description=said),
        [
            WeekRow(
                wording.day(week, year=True),
                reading.count(found.pages, week=week.isoformat()),
                reading.count(found.night_pages, week=week.isoformat(), kind=NIGHT),
                reading.count(found.hours, week=week.isoformat()),
            )
            for week, found in by_week.items()
        ],
        reading.count(total.night_pages, kind=NIGHT),
        reading.count(total.pages - total.night_pages, kind=BY_DAY),
        bool(first.weekday() or last.weekday() < 6),
    )


def _stack(reading: Reading, week: date, found: loads.Week) -> Stack:
    name, monday = wording.day(week), week.isoformat()
    at_night, by_day = found.night_pages, found.pages - found.night_pages
    return Stack(
        name=name,
        words=f"Week of {name}: {wording.plural(found.pages, 'page')}, {at_night} at night",
        parts=[
            Part("night", at_night, f"Week of {name}: {at_night} at night", _at(reading, monday, NIGHT)),
            Part("day", by_day, f"Week of {name}: {by_day} by day", _at(reading, monday, BY_DAY)),
        ],
        href=_at(reading, monday) if found.pages else "",
    )


def _at(reading: Reading, monday: str, kind: str = "") -> str:
    return reading.to(week=monday, kind=kind)


def _hours(reading: Reading) -> Hours:
    counts, total = reading.loads.by_hour, reading.loads.total
    hrefs = [reading.to(hour=hour) if counts[hour] else "" for hour in range(WEEK_HOURS)]
    drawing = charts.heat(counts, unit=("page", "pages"), off=reading.off, hrefs=hrefs)
    return Hours(drawing, reading.count(total.off_pages, kind=OFF_HOURS), reading.count(total.pages), reading.working)
