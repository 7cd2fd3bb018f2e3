"""The figures once more, from exported CSV files and the words that define them, with the standard library alone.

Nothing of Muster is imported here: what is compared with this (``test_independent``) was written without it. Whoever
changes a definition changes it in both places, and says so.
"""

from __future__ import annotations

import csv
import json
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

Row = dict[str, str]
MICROSECOND = timedelta(microseconds=1)
ORDER = ("critical", "high", "medium", "low")
STAGES = ("triggered", "acknowledged", "investigating", "mitigating")
WORST_FIRST = ("breached", "pending", "met", "cancelled")


def moment(text: str) -> datetime | None:
    """As PostgreSQL writes a timestamptz in UTC."""
    return datetime.fromisoformat(text.replace("+00", "+00:00")).astimezone(UTC) if text else None


def us(length: timedelta) -> int:
    """Whole microseconds."""
    return length // MICROSECOND


@dataclass
class Export:
    """The CSV files of a folder, as of ``now``; ``is_settled`` where the site's promises have always been today's."""

    folder: Path
    now: datetime
    is_settled: bool = True
    zone: ZoneInfo = field(init=False)
    tables: dict[str, list[Row]] = field(init=False)

    def __post_init__(self) -> None:
        self.tables = {}
        for path in self.folder.glob("*.csv"):
            with path.open(newline="") as file:
                self.tables[path.stem] = list(csv.DictReader(file))
        self.site = self.tables["settings"][0]
        self.zone = ZoneInfo(self.site["time_zone"])
        self.policy = {row["severity"]: row for row in self.tables["policies"]}
        self.holidays = {date.fromisoformat(row["date"]) for row in self.tables["holidays"]}

    def of(self, table: str, column: str, value: str) -> list[Row]:
        """The rows that have the value there, in the order of their ids."""
        return self._index(table, column).get(value, [])

    def _index(self, table: str, column: str) -> dict[str, list[Row]]:
        known = self.__dict__.setdefault("_indexes", {})
        if (table, column) not in known:
            found = known[table, column] = defaultdict(list)
            for row in self.tables[table]:
                found[row[column]].append(row)
        return known[table, column]


# ---- promises ---------------------------------------------------------------------------------------------------


@dataclass
class Clock:
    """A promise: when it is due, and how it ended."""

    kind: str
    due: datetime
    state: str = "pending"

    def stop(self, at: datetime, *, is_kept: bool) -> None:
        """Kept by the due time it is met; later it was breached whatever comes."""
        if self.state == "pending":
            self.state = "breached" if at > self.due else "met" if is_kept else "cancelled"


def answer_due(export: Export, severity: str, at: datetime) -> datetime:
    """Minutes later; or when the next business day closes, on the site's clocks."""
    minutes = export.policy[severity]["respond_within_minutes"]
    if minutes:
        return at + timedelta(minutes=int(minutes))
    weekdays = set(json.loads(export.site["weekdays"]))
    day = at.astimezone(export.zone).date() + timedelta(days=1)
    while day.isoweekday() not in weekdays or day in export.holidays:
        day += timedelta(days=1)
    closes = time.fromisoformat(export.site["closes_at"])
    return datetime.combine(day, closes, export.zone).astimezone(UTC)


class Promises:
    """The clocks of an incident, from its timeline alone."""

    def __init__(self, export: Export, moves: list[Row]) -> None:
        self.export = export
        self.clocks: list[Clock] = []
        self.severity, self.status, self.is_answered = "", "", False
        for row in moves:
            happens = getattr(self, f"_{row['kind']}", None)
            if happens:
                happens(moment(row["at"]), row, json.loads(row["data"]))
        for clock in self.clocks:
            if clock.state == "pending" and clock.due <= export.now:
                clock.state = "breached"

    @property
    def states(self) -> list[tuple[str, str]]:
        """What each has come to."""
        return [(clock.kind, clock.state) for clock in self.clocks]

    def _answer_within(self, at: datetime) -> None:
        self.clocks.append(Clock("response", answer_due(self.export, self.severity, at)))

    def _resolve_within(self, at: datetime) -> None:
        minutes = self.export.policy[self.severity]["resolve_within_minutes"]
        if minutes:
            self.clocks.append(Clock("resolution", at + timedelta(minutes=int(minutes))))

    def _stop(self, kind: str, at: datetime, *, is_kept: bool) -> None:
        for clock in self.clocks:
            if clock.kind == kind:
                clock.stop(at, is_kept=is_kept)

    def _triggered(self, at: datetime, _row: Row, data: dict) -> None:
        self.severity, self.status = data["severity"], "triggered"
        self._answer_within(at)
        self._resolve_within(at)

    def _severity_changed(self, at: datetime, _row: Row, data: dict) -> None:
        """Raised, what runs ends sooner, never later, counted from the raise; lowered, nothing is taken back."""
        is_raised = ORDER.index(data["to"]) < ORDER.index(self.severity)
        self.severity = data["to"]
        if not is_raised or self.status == "resolved":
            return
        running, before = [clock for clock in self.clocks if clock.state == "pending"], len(self.clocks)
        self._answer_within(at)
        self._resolve_within(at)
        new = {clock.kind: clock for clock in self.clocks[before:]}
        for clock in running:
            if clock.kind in new:
                clock.due = min(clock.due, new[clock.kind].due)
        has_one = any(clock.kind == "resolution" for clock in self.clocks[:before])
        del self.clocks[before:]
        if not has_one and "resolution" in new:
            self.clocks.append(new["resolution"])

    def _acknowledged(self, at: datetime, row: Row, _data: dict) -> None:
        """Of what is being worked on it only says "still on it"."""
        if self.status == "triggered":
            self._moved(at, row, {"to": "acknowledged"})

    def _moved(self, at: datetime, _row: Row, data: dict) -> None:
        self._stop("response", at, is_kept=True)
        self.status, self.is_answered = data["to"], True

    def _resolved(self, at: datetime, row: Row, _data: dict) -> None:
        """A person's resolution is an answer too; a monitor's is not."""
        is_person = bool(row["by_id"])
        self._stop("response", at, is_kept=is_person)
        self._stop("resolution", at, is_kept=True)
        self.status, self.is_answered = "resolved", self.is_answered or is_person

    def _reopened(self, at: datetime, _row: Row, _data: dict) -> None:
        self.status = "investigating" if self.is_answered else "triggered"
        self._resolve_within(at)
        if not self.is_answered:
            self._answer_within(at)

    def _unacknowledged(self, at: datetime, _row: Row, _data: dict) -> None:
        self.status, self.is_answered = "triggered", False
        self._answer_within(at)

    def _woken(self, at: datetime, row: Row, data: dict) -> None:
        """By itself: it asks again. By hand: nothing moves."""
        if "to" in data:
            self._unacknowledged(at, row, data)


def worst(states: list[str]) -> str:
    """Of several clocks of a kind; empty of none."""
    return next((state for state in WORST_FIRST if state in states), "")


# ---- one incident --------------------------------------------------------------------------------------------------


@dataclass
class Life:
    """What is known of one incident."""

    row: Row
    number: str
    severity: str
    created: datetime
    week: date
    hour: int
    standing: str
    services: set[int]
    teams: set[int]
    factors: set[int]
    may_see: set[str]
    numbers: Counter[str] = field(default_factory=Counter)
    acknowledge: int | None = None
    resolve: int | None = None


def lives(export: Export) -> list[Life]:
    """Every incident."""
    return [_life(export, row) for row in export.tables["incidents"]]


def _life(export: Export, row: Row) -> Life:
    number, created = row["id"], moment(row["created_at"])
    assert created
    local = created.astimezone(export.zone)
    services = {link["service_id"] for link in export.of("affected", "incident_id", number)}
    teams = {export.of("services", "id", service)[0]["team_id"] for service in services} - {""}
    learned = export.of("postmortems", "incident_id", number)
    factors = {cause["factor_id"] for found in learned for cause in export.of("causes", "postmortem_id", found["id"])}
    life = Life(
        row,
        number,
        row["severity"],
        created,
        local.date() - timedelta(days=local.weekday()),
        local.weekday() * 24 + local.hour,
        "excluded" if row["excluded_from_metrics"] == "t" else "merged" if row["merged_into_id"] else "incidents",
        {int(key) for key in services},
        {int(key) for key in teams},
        {int(key) for key in factors},
        _may_see(export, row, teams),
    )
    life.numbers[life.standing] = 1
    if life.standing == "incidents":
        _times(export, life)
        _stages(export, life)
        _clocks(export, life)
        _noise(export, life)
        _items(export, life)
        _learning(export, life, learned)
    return life


def _may_see(export: Export, row: Row, teams: set[str]) -> set[str]:
    """Everybody; of a private one admins, the assignee, who declared it, its teams, and who was told of it."""
    people = {person["id"] for person in export.tables["people"]}
    if row["is_private"] == "f":
        return people
    found = {person["id"] for person in export.tables["people"] if person["role"] == "admin"}
    found |= {row["assignee_id"], row["created_by_id"]} & people
    found |= {member["user_id"] for member in export.tables["members"] if member["team_id"] in teams}
    told = export.of("told", "topic", f"incident/{row['id']}")
    return found | {one["user_id"] for one in told} - {""}


def _times(export: Export, life: Life) -> None:
    row, numbers = life.row, life.numbers
    acknowledged, resolved, started = (moment(row[name]) for name in ("acknowledged_at", "resolved_at", "started_at"))
    moves = export.of("timeline", "incident_id", life.number)
    if acknowledged:
        life.acknowledge = us(acknowledged - life.created)
        numbers["acknowledged"], numbers["acknowledge_us"] = 1, life.acknowledge
    else:
        numbers["never_acknowledged" if resolved else "unacknowledged"] = 1
    if resolved:
        assert started
        life.resolve = us(resolved - life.created)
        numbers["resolved"], numbers["resolve_us"], numbers["impact_us"] = 1, life.resolve, us(resolved - started)
    else:
        numbers["open"] = 1
    kinds = {move["kind"] for move in moves}
    numbers["was_resolved"] = int(bool(resolved) or "resolved" in kinds)
    numbers["reopened"] = int("reopened" in kinds)


def _stages(export: Export, life: Life) -> None:
    """How long each status held, from the declaration to the last resolution."""
    moves = export.of("timeline", "incident_id", life.number)
    kinds = {move["kind"] for move in moves}
    if not life.row["resolved_at"] or not {"triggered", "resolved"} <= kinds:
        return
    life.numbers["staged"] = 1
    status, since = "", None
    for move in sorted(moves, key=lambda move: (moment(move["at"]), int(move["id"]))):
        at, kind, data = moment(move["at"]), move["kind"], json.loads(move["data"])
        assert at
        to = {"triggered": "triggered", "unacknowledged": "triggered", "resolved": "resolved"}.get(kind, "")
        if kind == "acknowledged" and status == "triggered":
            to = "acknowledged"
        if kind in ("moved", "reopened", "woken"):
            to = data.get("to", "")
        if not to:
            continue
        if since is not None and status in STAGES:
            life.numbers[f"{status}_us"] += us(at - since)
        status, since = to, at


def _clocks(export: Export, life: Life) -> None:
    """What the timeline and the promises of today's settings come to, where both tell it; else what is written."""
    moves = export.of("timeline", "incident_id", life.number)
    rows = export.of("clocks", "incident_id", life.number)
    states = [(row["kind"], row["state"].replace("running", "pending")) for row in rows]
    if export.is_settled and any(move["kind"] == "triggered" for move in moves):
        reckoned = Promises(export, moves).states
        assert sorted(reckoned) == sorted(states), f"INC-{life.number}: {reckoned} is not {states}"
    for kind in ("response", "resolution"):
        state = worst([state for of, state in states if of == kind])
        if state:
            life.numbers[f"{kind}_{state}"] = 1
        if state in ("met", "breached"):
            life.numbers[f"{kind}_decided"] = life.numbers["clock_decided"] = 1


def _noise(export: Export, life: Life) -> None:
    groups = export.of("groups", "incident_id", life.number)
    count = sum(len(export.of("alerts", "group_id", group["id"])) for group in groups)
    life.numbers["alerts"], life.numbers["alerted"] = count, int(count > 0)


def _items(export: Export, life: Life) -> None:
    for item in export.of("items", "incident_id", life.number):
        done = moment(item["done_at"])
        day = date.fromisoformat(item["due_on"]) if item["due_on"] else date.max
        life.numbers["items"] += 1
        life.numbers["items_accepted"] += bool(item["accepted_at"])
        if done:
            life.numbers["items_done"] += 1
            life.numbers["items_on_time"] += done.astimezone(export.zone).date() <= day


def _learning(export: Export, life: Life, postmortems: list[Row]) -> None:
    promised, resolved = export.policy[life.severity], moment(life.row["resolved_at"])
    if promised["needs_postmortem"] != "t" or not promised["postmortem_within_days"] or not resolved:
        return
    due = resolved + timedelta(days=int(promised["postmortem_within_days"]))
    published = moment(postmortems[0]["first_published_at"]) if postmortems else None
    if published:
        life.numbers["learned_on_time" if published <= due else "learned_late"] = 1
    else:
        life.numbers["learning_overdue" if due < export.now else "learning_waiting"] = 1
    if published or due < export.now:
        life.numbers["learning_due"] = 1


# ---- figures -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """Whose figures, of which time, of which incidents."""

    person: str
    start: datetime
    end: datetime
    severity: str = ""
    service: int | None = None
    team: int | None = None
    factor: int | None = None

    def behind(self, everything: list[Life]) -> list[Life]:
        """The incidents that are meant and may be seen, whether they count or not."""
        return [
            life
            for life in everything
            if self.start <= life.created < self.end
            and self.person in life.may_see
            and self.severity in ("", life.severity)
            and (self.service is None or self.service in life.services)
            and (self.team is None or self.team in life.teams)
            and (self.factor is None or self.factor in life.factors)
        ]


def numbers(some: list[Life]) -> dict[str, int]:
    """All the numbers of some incidents; those that are 0 are left out."""
    total: Counter[str] = Counter()
    for life in some:
        total.update(life.numbers)
    return {name: number for name, number in total.items() if number}


def described(values: list[int | None]) -> tuple[int, float | None, float | None, float | None]:
    """n, mean, median and p90 (between the two nearest in proportion)."""
    known = [value for value in values if value is not None]
    if not known:
        return 0, None, None, None
    p90 = statistics.quantiles(known, n=10, method="inclusive")[8] if len(known) > 1 else known[0]
    return len(known), float(Fraction(sum(known), len(known))), float(statistics.median(known)), float(p90)


def by_hour(some: list[Life]) -> list[int]:
    """How many count, by the hour of the week."""
    counts = Counter(life.hour for life in some if life.standing == "incidents")
    return [counts[hour] for hour in range(168)]


def compliance(some: list[Life], kind: str) -> Fraction | None:
    """Kept, of those that were kept or broken."""
    found = numbers(some)
    met, breached = found.get(f"{kind}_met", 0), found.get(f"{kind}_breached", 0)
    return Fraction(met, met + breached) if met + breached else None


# ---- pages to people -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """A page that reached a person, by however many ways; the wall time is the person's own."""

    person: str
    incident: str
    at: datetime
    wall: datetime
    is_private: bool
    may_see: frozenset[str]

    @property
    def week(self) -> date:
        return self.wall.date() - timedelta(days=self.wall.weekday())

    @property
    def is_night(self) -> bool:
        return not 7 <= self.wall.hour < 22


def pages(export: Export) -> list[Page]:
    """Those of incidents that somebody has left out do not count; those of duplicates do."""
    found = set()
    for row in export.tables["pages"]:
        known = export.of("incidents", "id", row["topic"].removeprefix("incident/"))
        people = export.of("people", "id", row["user_id"])
        if row["purpose"] != "page" or row["state"] not in ("sent", "kept") or not known or not people:
            continue
        if known[0]["excluded_from_metrics"] == "t":
            continue
        at = moment(row["created_at"])
        assert at
        number = known[0]["id"]
        services = {link["service_id"] for link in export.of("affected", "incident_id", number)}
        teams = {export.of("services", "id", service)[0]["team_id"] for service in services} - {""}
        wall = at.astimezone(ZoneInfo(people[0]["time_zone"])).replace(tzinfo=None, fold=0)
        may_see = frozenset(_may_see(export, known[0], teams))
        found.add(Page(row["user_id"], number, at, wall, known[0]["is_private"] == "t", may_see))
    return list(found)


def load(some: list[Page]) -> tuple[int, int, int]:
    """Pages, night pages, and the hours on the person's clocks in which there was one."""
    hours = {page.wall.replace(minute=0, second=0, microsecond=0) for page in some}
    return len(some), sum(page.is_night for page in some), len(hours)
