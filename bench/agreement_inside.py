"""Asks everybody who is on call, for schedules that are drawn: layers of people with restrictions and an end, a layer
from a calendar, and overrides that overlap, around a transition of the schedule's zone.

Half of the instants lie within three hours of a handoff or transition. Needs Django, and a database.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.test import Client
from icalendar import Calendar

from accounts import tokens
from accounts.models import User
from bench import rotations
from core.time_zones import instant
from oncall import calendar, ical, roster, rotas, schedule_changes, targets, who
from oncall.models import (
    EscalationPolicy,
    EscalationStep,
    EscalationTarget,
    ImportedTurn,
    Override,
    Schedule,
)
from oncall.shifts import Window, on_call_at, shifts

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
WEEK = timedelta(days=7)
NEAR = 3 * HOUR
NAMES = ("agreed1", "agreed2", "agreed3", "agreed4")
ADDRESS = "https://calendar.example/on-call.ics"


@dataclass
class Found:
    """What was asked, and every disagreement in words."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Readers:
    """Everybody who can be asked about one schedule, around one stretch of days."""

    def __init__(self, schedule: Schedule, step: EscalationStep, secret: str, middle: datetime, reader: User) -> None:
        self.schedule, self.step, self.reader = schedule, step, reader
        self.rows = Schedule.objects.filter(pk=schedule.pk)
        self.client = Client(SERVER_NAME="localhost", headers={"authorization": f"Bearer {secret}"})
        self.start, self.end = middle - 5 * WEEK, middle + 5 * WEEK  # a feed begins 30 days ago
        self.api_shifts = self.shifts_of_api(self.start, self.end)
        feed: Any = Calendar.from_ical(ical.text(self.rows, name="x", now=middle))
        self.events = [(row["DTSTART"].dt, row["DTEND"].dt, str(row["SUMMARY"])) for row in feed.walk("VEVENT")]

    def shifts_of_api(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime, str | None]]:
        """What the API says of a stretch."""
        rows = self.get(f"schedules/{self.schedule.pk}/shifts?from={_text(start)}&to={_text(end)}")
        return [(_moment(row["start"]), _moment(row["end"]), row["user"]) for row in rows]

    def get(self, address: str) -> Any:
        """An answer of the API."""
        answer = self.client.get(f"/api/v1/{address}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def ask(self, at: datetime, zone: ZoneInfo) -> dict[str, str | None]:
        """Who is on call at an instant, by everybody who says so; the calendar is looked at in a zone."""
        return {
            "computed": self.computed(at),
            "page target": self.target(at),
            "calendar": self.page(at, zone),
            "list": self.listed(at),
            "feed": self.feed(at),
            "API shifts": _only([user for start, end, user in self.api_shifts if start <= at < end]),
            "API on-call": _only([row["user"] for row in self.get(self.on_call_address(at))]),
        }

    def on_call_address(self, at: datetime) -> str:
        """Where the API says who is on call at an instant."""
        return f"on-call?schedule={self.schedule.pk}&at={_text(at)}"

    def computed(self, at: datetime) -> str | None:
        """The function that decides, with no more read than this instant needs."""
        known, users = rotas.read(self.rows, start=at, end=at + timedelta(microseconds=1))
        holding = on_call_at(known[self.schedule.pk], at)
        return users[holding[0].holder].username if holding else None

    def target(self, at: datetime) -> str | None:
        """Whom a step would page."""
        known = roster.read(at=at, policies=[self.step.policy_id])
        step = known.policies[self.step.policy_id].steps.all()[0]
        return _only([user.username for user in targets.resolve(step, known, at).people] or [None])

    def page(self, at: datetime, zone: ZoneInfo) -> str | None:
        """The days and the timeline of the schedule's page, which must be of one mind."""
        names = []
        for view in calendar.VIEWS:
            span = calendar.span(view, at.astimezone(zone).date(), zone)
            known, users = rotas.read(self.rows, start=span.start, end=span.end)
            rota = known[self.schedule.pk]
            weeks = calendar.days(shifts(rota, span.start, span.end), span, today=span.days[0])
            lane = next(row for row in calendar.lanes(rota, users, span, reader=self.reader) if row.is_final)
            for rows in ([row for week in weeks for day in week for row in day.shifts], [b.shift for b in lane.bars]):
                holder = _only([row.holder for row in rows if row.start <= at < row.end])
                names.append(users[holder].username if holder else None)
        return _only(sorted(set(names), key=str))

    def listed(self, at: datetime) -> str | None:
        """The list of every schedule."""
        row = who.at(self.rows, at, ahead=1)[0]
        return row.user.username if row.user else None

    def feed(self, at: datetime) -> str | None:
        """The calendar feed; gaps are not in it."""
        return _only([text.rpartition("(")[2][:-1] for start, end, text in self.events if start <= at < end] or [None])


def check(seed: int, people: Sequence[User], *, instants: int) -> Found:
    """Draw a schedule, ask everybody at some instants, sum some weeks, and take it all back."""
    chance, found = random.Random(seed), Found()
    with transaction.atomic():
        case = _drawn(chance)
        middle = case.start + timedelta(days=case.days // 2)
        schedule = _written(chance, case, people, middle)
        policy = EscalationPolicy.objects.create(name="x")
        step = EscalationStep.objects.create(policy=policy, position=0)
        EscalationTarget.objects.create(step=step, kind="schedule", schedule=schedule)
        _, secret = tokens.create(people[0], name="x", scope="read", by=None)
        readers = Readers(schedule, step, secret, middle, people[0])
        for number in range(instants):
            at = _instant(chance, readers, case, is_near=number % 2 == 0)
            zone = chance.choice((case.zone, ZoneInfo(chance.choice(rotations.ZONES))))
            said = readers.ask(at, zone)
            _note(found, readers, case, at, said)
            if len(set(said.values())) > 1:
                found.wrong.append(f"seed {seed} at {_text(at)}: {said}")
        for _ in range(3):
            found.counts["weeks"] += 1
            found.wrong += [f"seed {seed}: {words}" for words in _week(chance, readers, case, middle)]
        transaction.set_rollback(True)
    return found


def _drawn(chance: random.Random) -> rotations.Case:
    name = chance.choice(rotations.ZONES)
    return rotations.draw(chance, {name: _changes(name)})


def _written(chance: random.Random, case: rotations.Case, people: Sequence[User], middle: datetime) -> Schedule:
    """The case as the lowest layer, others above it that begin about then, and overrides."""
    others = [_drawn(chance) for _ in range(chance.randint(0, 2))]
    days = [case.starts_on] + [case.starts_on + timedelta(days=chance.randint(-20, 5)) for _ in others]
    drafts = [_draft(each, day, people, chance) for each, day in zip((case, *others), days, strict=True)]
    if chance.random() < 0.3:
        drafts.insert(
            chance.randint(0, len(drafts)), schedule_changes.Draft("Calendar", days[0], (), calendar_url=ADDRESS)
        )
    schedule = schedule_changes.save_schedule(name="Drawn", time_zone=case.zone.key, layers=drafts, by=None)
    for source in schedule.calendar_sources.all():
        for person, start, end in _stretches(chance, people, middle):
            ImportedTurn.objects.create(source=source, user=person, starts_at=start, ends_at=end)
    for person, start, end in _stretches(chance, people, middle):
        Override.objects.create(schedule=schedule, user=person, starts_at=start, ends_at=end)
    return schedule


def _draft(
    case: rotations.Case, starts_on: Any, people: Sequence[User], chance: random.Random
) -> schedule_changes.Draft:
    return schedule_changes.Draft(
        name=f"Layer of {case.unit}s",
        starts_on=starts_on,
        people=tuple(chance.choices(people, k=len(case.people))),
        unit=case.unit,
        length=max(case.length, 4) if case.unit == "hour" else case.length,
        handoff=case.handoff,
        ends_on=starts_on + (case.ends_on - case.starts_on) if case.ends_on else None,
        windows=tuple(Window(*window) for window in case.windows),
    )


def _stretches(
    chance: random.Random, people: Sequence[User], middle: datetime
) -> list[tuple[User, datetime, datetime]]:
    """Some that may overlap."""
    starts = [middle + chance.randint(-96, 96) * HOUR + chance.choice((0, 7)) * MINUTE for _ in range(4)]
    return [
        (chance.choice(people), start, start + chance.randint(1, 40) * HOUR)
        for start in starts[: chance.choice((0, 1, 2, 4))]
    ]


def _instant(chance: random.Random, readers: Readers, case: rotations.Case, *, is_near: bool) -> datetime:
    """Any of the stretch, or one within three hours of a handoff or transition."""
    first, last = readers.start + WEEK, readers.end - WEEK
    edges = [at for at in _edges(readers, case) if first < at < last]
    if is_near and edges:
        return chance.choice(edges) + chance.choice((-1, 0, 1, chance.randint(-180, 180))) * MINUTE
    return first + chance.randint(0, (last - first) // MINUTE - 1) * MINUTE + timedelta(seconds=chance.randint(0, 59))


def _edges(readers: Readers, case: rotations.Case) -> list[datetime]:
    return _changes(case.zone.key) + [start for start, _, _ in readers.api_shifts]


def _note(found: Found, readers: Readers, case: rotations.Case, at: datetime, said: dict[str, str | None]) -> None:
    found.counts["instants"] += 1
    found.counts["near"] += any(abs(edge - at) <= NEAR for edge in _edges(readers, case))
    found.counts["gaps"] += said["computed"] is None


def _week(chance: random.Random, readers: Readers, case: rotations.Case, middle: datetime) -> list[str]:
    """What is wrong with the shifts and gaps of a week of the schedule's zone."""
    day = (middle + timedelta(days=chance.randint(-14, 14))).astimezone(case.zone).date()
    start, end = (instant(each, time.min, case.zone) for each in (day, day + WEEK))
    rows = readers.shifts_of_api(start, end)
    wrong = []
    if sum((row[1] - row[0] for row in rows), timedelta()) != end - start:
        wrong.append(f"the shifts from {_text(start)} do not sum to {end - start}")
    if [row[0] for row in rows] != [start, *(row[1] for row in rows[:-1])] or rows[-1][1] != end:
        wrong.append(f"the shifts from {_text(start)} overlap or leave holes")
    return wrong


def _only(names: Sequence[Any]) -> Any:
    """The one there is; what is said where there are others is no name."""
    return names[0] if len(names) == 1 else f"not one: {names}"


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@cache
def _changes(name: str) -> list[datetime]:
    """When a zone changes its offset."""
    return rotations.transitions(ZoneInfo(name))


def run(schedules: int, people: Sequence[User], *, instants: int, seed: int = rotations.SEED) -> Found:
    """So many schedules, at so many instants each."""
    found = Found()
    for number in range(schedules):
        each = check(seed + number, people, instants=instants)
        found.counts += each.counts
        found.wrong += each.wrong
    return found


def main(schedules: int, instants: int) -> None:
    """Print what was found as JSON. People are told apart by the names that the feed shows."""
    people = [User.objects.create_user(name, email=f"{name}@example.com", name=name) for name in NAMES]
    found = run(schedules, people, instants=instants)
    User.objects.filter(pk__in=[person.pk for person in people]).delete()
    print(json.dumps({**found.counts, "wrong": found.wrong}))
