"""How an incident went, as a drawing: what it was at each time, its turning points, and the events that are told.

Places are per cent of the width, so that text never scales; nothing here knows colours. The same drawing is for the
page, the HTML and the PDF. Times on it are those of the zone that is given.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING

from django.utils import dateformat

from core import durations
from incidents.models import TimelineEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import tzinfo

    from incidents.models import Incident
    from postmortems.models import KeyEvent

Kind = TimelineEntry.Kind
MOVES = (
    Kind.ACKNOWLEDGED, Kind.MOVED, Kind.UNACKNOWLEDGED, Kind.WOKEN, Kind.RESOLVED, Kind.REOPENED,
)  # fmt: skip

LEFT, RIGHT = 3.5, 96.5  # per cent, so that half a mark has room at either end
BESIDE = 7.0  # per cent between two marks on one level; less would overlap on a phone
LEVELS, LEVEL_HEIGHT = 4, 22
BAR_HEIGHT, TICKS_HEIGHT, AXIS_HEIGHT = 26, 16, 20
MOST_TURNS, MOST_MARKS = 12, 5
NARROWEST = 0.35  # per cent: a stretch of seconds in an incident of days is still there

UNNOTICED, UNANSWERED, WORKING, MITIGATING, ENDED = "unnoticed", "unanswered", "working", "mitigating", "ended"
WORDS = {
    UNNOTICED: "Not noticed",
    UNANSWERED: "Not answered",
    WORKING: "Investigating",
    MITIGATING: "Mitigating",
    ENDED: "Taken for resolved",
}
_STATUS = {"triggered": UNANSWERED, "acknowledged": WORKING, "investigating": WORKING, "mitigating": MITIGATING}

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
STEPS = (
    *(n * MINUTE for n in (1, 2, 5, 10, 15, 30)), *(n * HOUR for n in (1, 2, 3, 6, 12)),
    *(n * DAY for n in (1, 2, 5, 10, 30, 90, 365)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in which it was one thing: ``kind`` is one of ``WORDS``."""

    kind: str
    start: datetime
    end: datetime
    x: str
    width: str

    @property
    def words(self) -> str:
        """What it was, and for how long."""
        return f"{WORDS[self.kind]}, {durations.words((self.end - self.start).total_seconds())}"


@dataclass(frozen=True, slots=True)
class Turn:
    """A turning point, with its number on the drawing; the higher its level, the farther it stands from the bar."""

    number: int
    name: str
    at: datetime
    after: str
    x: str
    y: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the axis, or that of an event."""

    x: str
    text: str


@dataclass(frozen=True, slots=True)
class Total:
    """How long it was one thing altogether."""

    kind: str
    name: str
    length: str


@dataclass(frozen=True, slots=True)
class Chart:
    """The drawing: ``description`` says in words what it shows."""

    title: str
    description: str
    zone: str
    stretches: list[Stretch]
    turns: list[Turn]
    events: list[Mark]
    axis: list[Mark]
    totals: list[Total]
    bar_y: int

    @property
    def ticks_y(self) -> int:
        """Where the events begin."""
        return self.bar_y + BAR_HEIGHT + 4

    @property
    def axis_y(self) -> int:
        """Where the line of the axis is."""
        return self.ticks_y + TICKS_HEIGHT

    @property
    def height(self) -> int:
        """Of the whole, in pixels."""
        return self.axis_y + AXIS_HEIGHT


def draw(
    incident: Incident, moves: Iterable[TimelineEntry], events: Sequence[KeyEvent], *, zone: tzinfo, now: datetime
) -> Chart:
    """The drawing of an incident that is over, or of one that is not, until ``now``. ``events`` are those told."""
    steps = _steps(incident, moves)
    start = min(incident.started_at, incident.created_at)
    end = max(incident.resolved_at or now, steps[-1][0], start + MINUTE)
    scale = _Scale(start, end)
    stretches = [
        Stretch(kind, at, until, scale.at(at), scale.wide(at, until))
        for (at, kind), (until, _) in zip(steps, [*steps[1:], (end, "")], strict=True)
        if until > at and not (kind == ENDED and until == end)
    ]
    turns = _turns(incident, steps, scale)
    told = [Mark(scale.at(event.at), f"{_clock(event.at, zone)} {event.text}") for event in events]
    return Chart(
        title=f"How {incident.reference} went",
        description=_description(turns, stretches, len(told), zone),
        zone=f"{start.astimezone(zone):%Z}",
        stretches=stretches,
        turns=turns,
        events=told,
        axis=_axis(scale, zone),
        totals=_totals(stretches),
        bar_y=max([turn.y for turn in turns], default=0) + 16,
    )


class _Scale:
    """From times to per cent of the width."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.start, self.end = start, end
        self.per_second = (RIGHT - LEFT) / (end - start).total_seconds()

    def place(self, at: datetime) -> float:
        """Per cent; what lies outside stands at the edge."""
        return min(RIGHT, max(LEFT, LEFT + (at - self.start).total_seconds() * self.per_second))

    def at(self, at: datetime) -> str:
        """The same, as an attribute."""
        return f"{self.place(at):.2f}%"

    def wide(self, start: datetime, end: datetime) -> str:
        """The width of a stretch, as an attribute."""
        return f"{max(NARROWEST, self.place(end) - self.place(start)):.2f}%"


def _steps(incident: Incident, moves: Iterable[TimelineEntry]) -> list[tuple[datetime, str]]:
    """What it was from when on, in order; neighbours differ."""
    found = [(incident.created_at, UNANSWERED)]
    if incident.started_at < incident.created_at:
        found.insert(0, (incident.started_at, UNNOTICED))
    moved = [(entry.at, kind) for entry in moves if (kind := _kind_of(entry, incident))]
    if not moved:  # nothing but the incident itself knows
        moved = [(incident.acknowledged_at, WORKING)] if incident.acknowledged_at else []
    if incident.resolved_at and (not moved or moved[-1][1] != ENDED):
        moved.append((incident.resolved_at, ENDED))
    for at, kind in moved:
        if kind != found[-1][1]:
            found.append((max(at, found[-1][0]), kind))
    return found


def _kind_of(entry: TimelineEntry, incident: Incident) -> str:
    if entry.kind == Kind.ACKNOWLEDGED:
        return WORKING
    if entry.kind == Kind.RESOLVED:
        return ENDED
    if entry.kind == Kind.UNACKNOWLEDGED:
        return UNANSWERED
    if entry.kind == Kind.REOPENED:
        answered = incident.acknowledged_at
        return WORKING if answered and answered <= entry.at else UNANSWERED
    data = entry.data if isinstance(entry.data, dict) else {}
    return _STATUS.get(str(data.get("to", "")), "")


def _turns(incident: Incident, steps: list[tuple[datetime, str]], scale: _Scale) -> list[Turn]:
    names: list[tuple[datetime, str]] = [(incident.started_at, "Impact began")] if steps[0][1] == UNNOTICED else []
    names.append((incident.created_at, "Detected" if names else "Impact began, detected"))
    first: set[str] = set()
    before = ""
    for at, kind in steps:
        if kind == ENDED:
            names.append((at, "Resolved"))
        elif before == ENDED:
            names.append((at, "Reopened"))
        elif kind not in first and kind in (WORKING, MITIGATING):
            names.append((at, "Acknowledged" if kind == WORKING else "Mitigating"))
        first.add(kind)
        before = kind
    if len(names) > MOST_TURNS:
        names = [*names[: MOST_TURNS - 1], names[-1]]
    levels = _levels([scale.place(at) for at, _ in names])
    top = max(levels)
    return [
        Turn(
            number=number,
            name=name,
            at=at,
            after=durations.words((at - names[number - 2][0]).total_seconds()) if number > 1 else "",
            x=scale.at(at),
            y=11 + (top - level) * LEVEL_HEIGHT,
        )
        for number, ((at, name), level) in enumerate(zip(names, levels, strict=True), start=1)
    ]


def _levels(places: list[float]) -> list[int]:
    """The lowest level on which each mark has room; where none has, the one whose last mark is farthest."""
    last = [-100.0] * LEVELS
    found = []
    for place in places:
        free = next((level for level in range(LEVELS) if place - last[level] >= BESIDE), last.index(min(last)))
        last[free] = place
        found.append(free)
    return found


def _totals(stretches: list[Stretch]) -> list[Total]:
    sums: dict[str, float] = {}
    for stretch in stretches:
        sums[stretch.kind] = sums.get(stretch.kind, 0) + (stretch.end - stretch.start).total_seconds()
    return [Total(kind, WORDS[kind], durations.words(sums[kind])) for kind in WORDS if kind in sums]


def _axis(scale: _Scale, zone: tzinfo) -> list[Mark]:
    length = scale.end - scale.start
    step = next((step for step in STEPS if length / step <= MOST_MARKS), STEPS[-1])
    midnight = datetime.combine(scale.start.astimezone(zone).date(), time.min, zone).astimezone(UTC)
    found = []
    at = midnight + step * ((scale.start - midnight) // step)
    while at <= scale.end:
        if at >= scale.start:
            found.append(Mark(scale.at(at), _label(at.astimezone(zone), step)))
        at += step
    return found


def _label(at: datetime, step: timedelta) -> str:
    return dateformat.format(at, "j M") if step >= DAY or (at.hour, at.minute) == (0, 0) else f"{at:%H:%M}"


def _clock(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%H:%M}"


def _description(turns: list[Turn], stretches: list[Stretch], told: int, zone: tzinfo) -> str:
    said = [f"{turn.name} {dateformat.format(turn.at.astimezone(zone), 'j M Y, H:i')}" for turn in turns]
    lasted = [stretch.words for stretch in stretches]
    events = f"{told} key event{'' if told == 1 else 's'}"
    return f"{'; '.join(said)}. {'; '.join(lasted)}. {events}."
