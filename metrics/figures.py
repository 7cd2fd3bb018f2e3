"""Reading figures: from the sums for whole weeks, from facts for what is beside them and what only some may see.

A reader's figures are those of everything that is not private, and of the private incidents that they may see.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import time
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.db.models import BigIntegerField, F, Func, Q, Sum
from django.utils import timezone

from accounts.models import Team
from catalog.models import Service
from core.expressions import IsOneOf
from core.time_zones import instant, zone
from incidents.models import Incident
from metrics import runs
from metrics.cells import PARTS, Packed
from metrics.measures import BY_KEY, NAMES, SAMPLES, SIZES, Numbers, aggregate
from metrics.models import WEEK_HOURS, Cell, Fact, Progress, Series, Tally
from metrics.periods import WEEK, Period
from metrics.samples import Run, Sample, unpacked
from postmortems.models import Factor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from django.db.models import QuerySet

    from accounts.models import User

Kind = Cell.Kind
Numbered = Counter[str]


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which incidents are meant: of a severity, a service, a team, a contributing factor, or all."""

    severity: str = ""
    service: Service | None = None
    team: Team | None = None
    factor: Factor | None = None

    @property
    def parts(self) -> dict[Kind, int]:
        """The key of the service, team and factor, as far as they are given."""
        given = {Kind.SERVICE: self.service, Kind.TEAM: self.team, Kind.FACTOR: self.factor}
        return {kind: row.pk for kind, row in given.items() if row is not None}

    @property
    def condition(self) -> Q:
        """The same of facts."""
        found = Q(severity=self.severity) if self.severity else Q()
        for kind, ref in self.parts.items():
            found &= Q(**{f"{PARTS[kind]}__contains": [ref]})
        return found


class _Number(Func):
    """One of a tally's numbers."""

    output_field = BigIntegerField()

    def __init__(self, name: str, **extra: Any) -> None:
        super().__init__(F("numbers"), template=f"(%(expressions)s)[{NAMES.index(name) + 1}]", **extra)


def sums_zone() -> str:
    """The time zone of the weeks that the sums are of."""
    return Progress.objects.values_list("zone", flat=True).first() or "UTC"


class Figures:
    """What one person may know of one period. Every number is read when it is first asked for, and once.

    Without a person it is what is not private: what reports are made of.
    """

    def __init__(self, user: User | None, period: Period, narrowing: Narrowing, *, zone: str | None = None) -> None:
        self.user, self.period, self.narrowing = user, period, narrowing
        self.zone = zone or sums_zone()

    # ---- where it is read ----------------------------------------------------------------------------------------

    def behind(self) -> QuerySet[Fact]:
        """Every fact of the period that the person may see, counted or not: what any number is made of."""
        rows = Fact.objects.within(self.period.start, self.period.end).filter(self.narrowing.condition)
        return rows.filter(Q(is_private=False) | self._is_seen).order_by()

    @property
    def _has_cells(self) -> bool:
        """Sums are kept of at most one of service, team and factor."""
        monday, end = self._summed.weeks(self.zone)
        return len(self.narrowing.parts) <= 1 and monday < end

    @cached_property
    def _summed(self) -> Period:
        """The period; with all of the week that is under way, if it ends there, as nothing has come after it yet."""
        _, monday = self.period.weeks(self.zone)
        end = instant(monday + WEEK, time.min, zone(self.zone))
        is_under_way = timezone.now() < self.period.end < end
        return Period(self.period.start, end, self.period.zone) if is_under_way else self.period

    def _cells(self, model: type[Any], kind: str | None = None) -> QuerySet[Any]:
        """The whole weeks, of what is not private."""
        monday, end = self._summed.weeks(self.zone)
        rows: QuerySet[Any] = model.objects.filter(week__gte=monday, week__lt=end)
        if self.narrowing.severity:
            rows = rows.filter(severity=self.narrowing.severity)
        if kind:
            return rows.filter(kind=kind)
        for part, ref in self.narrowing.parts.items():
            return rows.filter(kind=part, ref=ref)
        return rows.filter(kind=Kind.ALL)

    def _beside(self) -> QuerySet[Fact]:
        """The facts that are in no cell of the period: at its edges, and private ones that the person may see."""
        found = self._is_seen & Q(created_at__gte=self.period.start, created_at__lt=self.period.end)
        for start, end in self._summed.edges(self.zone):
            found |= Q(is_private=False, created_at__gte=start, created_at__lt=end)
        return Fact.objects.filter(found, self.narrowing.condition).order_by()

    @cached_property
    def _is_seen(self) -> Q:
        """Whether a private fact of the period is one that the person may see; they are looked up once."""
        private = Q(is_private=True)
        if self.user is None:
            return Q(pk__in=[])
        if self.user.is_staff:
            return private
        there = Fact.objects.within(self.period.start, self.period.end).filter(private).values_list("pk", flat=True)
        seen = Incident.objects.seen_among(list(there), self.user)
        return private & Q(IsOneOf("pk", seen))

    # ---- numbers -------------------------------------------------------------------------------------------------

    @cached_property
    def by_cell(self) -> dict[tuple[date, str], Numbered]:
        """All numbers by week, of the zone of the sums, and severity."""
        return self._added_up(lambda week, severity: (week, severity))

    @cached_property
    def by_severity(self) -> dict[str, Numbered]:
        """All numbers by severity."""
        return self._added_up(lambda _week, severity: severity)

    @cached_property
    def by_week(self) -> dict[date, Numbered]:
        """All numbers by week."""
        return self._added_up(lambda week, _severity: week)

    @cached_property
    def total(self) -> Numbered:
        """All numbers."""
        return self._added_up(lambda _week, _severity: "")[""]

    def _added_up(self, key: Callable[[date, str], Any]) -> dict[Any, Numbered]:
        rows: dict[Any, list[list[int]]] = defaultdict(list)
        for week, severity, numbers in self._numbers:
            rows[key(week, severity)].append(numbers)
        found: dict[Any, Numbered] = defaultdict(Counter)
        found.update(
            {at: Counter(dict(zip(NAMES, map(sum, zip(*of, strict=True)), strict=True))) for at, of in rows.items()}
        )
        return found

    @cached_property
    def _numbers(self) -> list[tuple[date, str, list[int]]]:
        """Week, severity and numbers, in the order of ``NAMES``; sums that are older than a measure have none of it."""
        if self._has_cells:
            rows = [*self._cells(Tally).values_list("week", "severity", "numbers"), *(row[:3] for row in self._rest)]
        else:
            of = self.behind().values("week", "severity").annotate(numbers=Numbers())
            rows = list(of.values_list("week", "severity", "numbers"))
        return [(week, severity, [*numbers, *[0] * (len(NAMES) - len(numbers))]) for week, severity, numbers in rows]

    @cached_property
    def _rest(self) -> list[tuple[Any, ...]]:
        """What is beside the cells, read once: week, severity, numbers, and the values of each of ``SAMPLES``."""
        values = {name: Packed(name, filter=condition) for name, (_, condition) in SAMPLES.items()}
        rows = self._beside().values("week", "severity").annotate(numbers=Numbers(), **values)
        return list(rows.values_list("week", "severity", "numbers", *SAMPLES))

    def by_part(self, kind: Kind, *names: str) -> dict[int, Numbered]:
        """Some numbers by service, team or factor: an incident of two counts for both."""
        found: dict[int, Numbered] = defaultdict(Counter)
        for row in self._rows_of_parts(kind, names):
            numbers = found[row["ref"]]
            for name in names:
                numbers[name] += int(row[name] or 0)
        return found

    def _rows_of_parts(self, kind: Kind, names: tuple[str, ...]) -> Iterable[dict[str, Any]]:
        if self._sums_parts:
            yield from self._cells(Tally, kind).values("ref").annotate(**{name: Sum(_Number(name)) for name in names})
        for row in self._groups(names):
            for ref in row[PARTS[kind]]:
                yield {"ref": ref, **{name: row[f"of_{name}"] for name in names}}

    @property
    def _sums_parts(self) -> bool:
        """No sums are kept of the services of a team, and the like."""
        return self._has_cells and not self.narrowing.parts

    def _groups(self, names: tuple[str, ...]) -> list[dict[str, Any]]:
        """Numbers of facts that have the same services, teams and factors: there are far fewer of these than facts, and
        one reading serves all three."""
        if names not in self._grouped:
            facts = self._beside() if self._sums_parts else self.behind()
            numbers = {f"of_{name}": aggregate(BY_KEY[name]) for name in names}
            self._grouped[names] = list(facts.values(*PARTS.values()).annotate(**numbers))
        return self._grouped[names]

    @cached_property
    def _grouped(self) -> dict[tuple[str, ...], list[dict[str, Any]]]:
        return {}

    # ---- values --------------------------------------------------------------------------------------------------

    def sample_of(self, name: str, *, severity: str = "", week: date | None = None) -> Sample:
        """The lengths of time that are one of ``metrics.measures.SAMPLES``: of a severity, of a week, or all."""
        if name not in self._samples:
            found: dict[tuple[date | None, str], Sample] = defaultdict(Sample)
            for at, of, run in self._runs(name):
                for key in ((at, of), (at, ""), (None, of), (None, "")):
                    found[key].runs.append(run)
            self._samples[name] = found
        return self._samples[name].get((week, severity)) or Sample()

    def sample_over(self, name: str, weeks: Sequence[date]) -> Sample:
        """The same of several weeks."""
        if len(weeks) == 1:
            return self.sample_of(name, week=weeks[0])
        key = (name, *weeks)
        if key not in self._longer:
            self._longer[key] = Sample([run for week in weeks for run in self.sample_of(name, week=week).runs])
        return self._longer[key]

    @cached_property
    def _longer(self) -> dict[tuple[Any, ...], Sample]:
        return {}

    @cached_property
    def _samples(self) -> dict[str, dict[tuple[date | None, str], Sample]]:
        return {}

    def _runs(self, name: str) -> Iterable[tuple[date, str, Run]]:
        """All values, by week and severity."""
        size = SIZES.get(name, 8)
        if self._has_cells:
            yield from self._series[name]
            place = 3 + list(SAMPLES).index(name)
            yield from ((row[0], row[1], unpacked(row[place], size)) for row in self._rest if row[place])
        else:
            rows = self.behind().filter(SAMPLES[name][1]).values("week", "severity").annotate(packed=Packed(name))
            for week, severity, values in rows.values_list("week", "severity", "packed"):
                yield week, severity, unpacked(values, size)

    @cached_property
    def _series(self) -> dict[str, list[tuple[date, str, Run]]]:
        found: dict[str, list[tuple[date, str, Run]]] = defaultdict(list)
        for name, week, severity, run in runs.read(self._cells(Series)):
            found[name].append((week, severity, run))
        return found

    @cached_property
    def by_hour(self) -> list[int]:
        """Incidents by the hour of the week on the site's clocks, Monday 00:00 first."""
        counts = [0] * WEEK_HOURS
        for _, _, run in self._runs("hour"):
            for hour, count in run.counts.items():
                counts[hour] += count
        return counts


def parts_named(kind: Kind, refs: Iterable[int]) -> dict[int, Any]:
    """The services, teams or factors of some keys; those that are gone are missing."""
    model: Any = {Kind.SERVICE: Service, Kind.TEAM: Team, Kind.FACTOR: Factor}[kind]
    found: dict[int, Any] = model.objects.in_bulk(list(refs))
    return found
