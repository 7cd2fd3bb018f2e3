"""Who is on call, computed, against an oracle that knows no arithmetic: it steps through UTC minute by minute.

The oracle keeps the wall time of the zone before its eyes. A handoff, or the beginning or end of a window, has come at
the first minute whose wall time has reached it, which is what people in the zone would do with a clock. Half of the
instants lie within three hours of a transition of the zone or of a handoff.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bench import table
from oncall.shifts import Rota, Rotation, Window, on_call_at

CASES = 100_000
A_STRETCH = 200  # instants of one rotation in one stretch of days
SEED = 20261124
MINUTE = timedelta(minutes=1)
NEVER = datetime(9999, 1, 1)  # noqa: DTZ001 - a wall time
ZONES = (
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Asia/Gaza",
    "America/Nuuk",
    "America/St_Johns",
    "Pacific/Chatham",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "UTC",
)
PERIOD_DAYS = {"day": 1, "week": 7}


@dataclass(frozen=True)
class Case:
    """A rotation as the API takes it, and the stretch of UTC that is looked at."""

    zone: ZoneInfo
    unit: str
    length: int
    handoff: time
    starts_on: date
    ends_on: date | None
    people: tuple[int, ...]
    windows: tuple[tuple[frozenset[int], time, time], ...]
    start: datetime
    days: int


def transitions(zone: ZoneInfo, first: int = 2005, last: int = 2027) -> list[datetime]:
    """The hours of UTC in which a zone changes its offset."""
    found, at = [], datetime(first, 1, 1, tzinfo=UTC)
    was = at.astimezone(zone).utcoffset()
    while at.year < last:
        at += timedelta(hours=1)
        offset = at.astimezone(zone).utcoffset()
        if offset != was:
            found.append(at)
        was = offset
    return found


def draw(chance: random.Random, changes: dict[str, list[datetime]]) -> Case:
    """A rotation in one of these zones, around a transition of it, or around any day where there is none."""
    name = chance.choice(tuple(changes))
    near = chance.choice(changes[name] or [datetime(2026, chance.randint(1, 12), 15, tzinfo=UTC)])
    unit = chance.choice(("hour", "day", "day", "week"))
    length = chance.choice({"hour": (1, 4, 6, 8, 12, 36), "day": (1, 1, 2, 3, 5), "week": (1, 1, 2)}[unit])
    days = 4 + (length * PERIOD_DAYS[unit] if unit != "hour" else 2)
    start = (near - timedelta(days=chance.randint(1, days - 2))).replace(hour=0)
    starts_on = start.date() - timedelta(days=chance.randint(-1, 3 * length * PERIOD_DAYS.get(unit, 1)))
    ends_on = starts_on + timedelta(days=chance.randint(0, 12)) if chance.random() < 0.15 else None
    clocks = [time(hour, minute) for hour in range(24) for minute in (0, 15, 30)]
    windows = tuple(
        (frozenset(chance.sample(range(7), chance.randint(1, 7))), chance.choice(clocks), chance.choice(clocks))
        for _ in range(chance.choice((0, 0, 1, 2)))
    )
    handoff = chance.choice((time(2, 30), time(2, 0), time(0, 0), time(23, 45), time(9, 0), chance.choice(clocks)))
    people = tuple(range(1, chance.randint(2, 6)))
    return Case(ZoneInfo(name), unit, length, handoff, starts_on, ends_on, people, windows, start, days)


# ---- the oracle --------------------------------------------------------------------------------------------------


class Clock:
    """Moments of wall time that come one after the other, and how many of them have come."""

    def __init__(self, moments: Iterator[datetime]) -> None:
        self.moments = moments
        self.next = next(moments, NEVER)
        self.come = 0

    def reach(self, wall: datetime) -> None:
        """The clock on the wall shows this."""
        while self.next <= wall:
            self.come += 1
            self.next = next(self.moments, NEVER)


def watch(case: Case) -> Iterator[tuple[datetime, int | None]]:
    """Each minute of the stretch and who holds the layer, None where nobody does."""
    day = timedelta(days=1)
    first = datetime.combine(case.starts_on, case.handoff)
    step = case.length * PERIOD_DAYS[case.unit] * day if case.unit != "hour" else None
    handoffs = Clock(first + number * step for number in range(100_000)) if step else Clock(iter([first]))
    over = Clock(iter([datetime.combine(case.ends_on + day, time.min)] if case.ends_on else []))
    at = min(case.start, datetime.combine(case.starts_on, time.min, UTC)) - 4 * day
    opens, closes = [], []
    for days, begins, ends in case.windows:
        dates = [at.date() + number * day for number in range(-4, case.days + 400)]
        starts = [each for each in dates if each.weekday() in days]
        opens.append(Clock(iter([datetime.combine(each, begins) for each in starts])))
        closes.append(Clock(iter([datetime.combine(each + day * (ends <= begins), ends) for each in starts])))
    hours = 0
    end = case.start + case.days * day
    while at < end:
        wall = at.astimezone(case.zone).replace(tzinfo=None)
        for clock in (handoffs, over, *opens, *closes):
            clock.reach(wall)
        if handoffs.come:
            hours += 1
        if at >= case.start:
            is_open = not opens or any(one.come > other.come for one, other in zip(opens, closes, strict=True))
            if not handoffs.come or over.come or not is_open:
                yield at, None
            else:
                turn = handoffs.come - 1 if step else (hours - 1) // (60 * case.length)
                yield at, case.people[turn % len(case.people)]
        at += MINUTE


# ---- comparing ---------------------------------------------------------------------------------------------------


def compare(case: Case, chance: random.Random, changes: list[datetime], *, instants: int) -> Iterator[str]:
    """What computing and watching disagree about, at some instants of a case."""
    windows = tuple(Window(*window) for window in case.windows)
    layer = Rotation(
        name="layer",
        zone=case.zone,
        unit=case.unit,
        length=case.length,
        handoff=case.handoff,
        starts_on=case.starts_on,
        people=case.people,
        ends_on=case.ends_on,
        windows=windows,
    )
    seen = list(watch(case))
    holders = dict(seen)
    interesting = [at for at in changes if at in holders]
    interesting += [at for (at, one), (_, other) in zip(seen[1:], seen, strict=False) if one != other]
    for number in range(instants):
        at = chance.choice(seen)[0]
        if number % 2 and interesting:
            near = chance.choice(interesting) + chance.randint(-180, 180) * MINUTE
            at = near if near in holders else at
        at_second = at + timedelta(seconds=chance.randint(0, 59))
        found = on_call_at(Rota((layer,)), at_second)
        if (found[0].holder if found else None) != holders[at]:
            yield f"{case} at {at_second}: {found} instead of {holders[at]}"


def run(cases: int, *, progress: Callable[[str], Any] = lambda _text: None) -> tuple[int, Counter[str], list[str]]:
    """Compare so many (rotation, zone, instant) cases; returns their number, by zone too, and the disagreements."""
    chance = random.Random(SEED)
    changes = {name: transitions(ZoneInfo(name)) for name in ZONES}
    wrong: list[str] = []
    by_zone: Counter[str] = Counter()
    done = 0
    while done < cases:
        case = draw(chance, changes)
        instants = min(A_STRETCH, cases - done)
        wrong += compare(case, chance, changes[case.zone.key], instants=instants)
        by_zone[case.zone.key] += instants
        done += instants
        if done % 20_000 == 0:
            progress(f"{done:,} instants, {len(wrong)} mismatches")
    return done, by_zone, wrong


def main() -> None:
    """The full count; fails with the first disagreements."""
    done, by_zone, wrong = run(CASES, progress=print)
    rows: list[list[object]] = [[zone, f"{count:,}"] for zone, count in sorted(by_zone.items())]
    title = f"{done:,} instants (asked: 100,000), {len(wrong)} mismatches (asked: 0)"
    table.show(title, rows, head=["zone", "instants"])
    assert not wrong, "\n".join(wrong[:3])
