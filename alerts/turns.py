"""What events do to groups, alerts and incidents, for many groups at once.

The events of one group are cut into turns: a run of events that only fire is one turn, and every other event is a
turn of its own. The first turns of all groups are taken together, then the second ones, and so on; so fifty new
groups cost about as many statements as one, and order within a group is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from alerts import ledger
from alerts.models import Group
from incidents import changes, facts, lifecycle
from incidents.consequences import Consequences, Kind
from incidents.lifecycle import Draft
from incidents.models import Incident, Severity, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from alerts.formats import Delivery
    from alerts.models import Event, Integration


@dataclass
class Turn:
    """Consecutive events of one group that can be applied as one."""

    events: list[Event] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def last(self) -> Delivery:
        """The latest word."""
        return self.deliveries[-1]

    @property
    def severity(self) -> str:
        """The worst severity of what fires."""
        return min((delivery.severity for delivery in self.deliveries), key=lambda value: Severity(value).rank)

    @property
    def only_fires(self) -> bool:
        """Whether nothing in it ends or answers anything."""
        return all(_only_fires(delivery) for delivery in self.deliveries)


@dataclass
class Lane:
    """One group key of one integration: its open group, the group's incident, and the turns to take."""

    integration: Integration
    group_key: str
    turns: list[Turn] = field(default_factory=list)
    group: Group | None = None
    incident: Incident | None = None


def take(deliveries: Sequence[tuple[Event, Delivery]], *, now: datetime) -> None:
    """Apply deliveries that are in order of receipt; the caller holds the lanes' locks."""
    lanes = _lanes(deliveries)
    _open_groups(lanes, now=now)
    for row in zip_longest(*(lane.turns for lane in lanes)):
        _take_turns([(lane, turn) for lane, turn in zip(lanes, row, strict=True) if turn], now=now)


def _lanes(deliveries: Sequence[tuple[Event, Delivery]]) -> list[Lane]:
    lanes: dict[tuple[int, str], Lane] = {}
    for event, delivery in deliveries:
        lane = lanes.setdefault((event.integration_id, delivery.group_key), Lane(event.integration, delivery.group_key))
        if not (lane.turns and lane.turns[-1].only_fires and _only_fires(delivery)):
            lane.turns.append(Turn())
        lane.turns[-1].events.append(event)
        lane.turns[-1].deliveries.append(delivery)
    return list(lanes.values())


def _only_fires(delivery: Delivery) -> bool:
    return delivery.status == "firing" and all(item.status == "firing" for item in delivery.items)


def _open_groups(lanes: list[Lane], *, now: datetime) -> None:
    """Lock the open groups, then their incidents (followed to what they were merged into)."""
    # Also groups of other lanes with one of these keys, which another worker may want: the order prevents a deadlock.
    rows = Group.objects.select_for_update().order_by("id")
    rows = rows.filter(
        closed_at=None,
        integration__in={lane.integration.pk for lane in lanes},
        group_key__in={lane.group_key for lane in lanes},
    )
    groups = {(group.integration_id, group.group_key): group for group in rows}
    for lane in lanes:
        lane.group = groups.get((lane.integration.pk, lane.group_key))
    incidents = _locked_incidents({lane.group.incident_id for lane in lanes if lane.group})
    for lane in lanes:
        lane.incident = incidents[lane.group.incident_id] if lane.group else None
    _close_ended(lanes, now=now)


def _locked_incidents(numbers: Iterable[int]) -> dict[int, Incident]:
    """Number to locked incident; a merged one stands for what it was merged into."""
    found: dict[int, Incident] = {}
    wanted = {number: number for number in numbers}
    while missing := sorted(set(wanted.values()) - found.keys()):
        for incident in Incident.objects.select_for_update(of=("self",)).filter(pk__in=missing).order_by("id"):
            found[incident.pk] = incident
        for origin, number in wanted.items():
            wanted[origin] = found[number].merged_into_id or number
    return {origin: found[number] for origin, number in wanted.items()}


def _close_ended(lanes: list[Lane], *, now: datetime) -> None:
    """A group whose incident has ended is closed: what fires next is a new matter."""
    for lane in lanes:
        if lane.group and lane.incident and not lane.incident.is_open:
            ledger.close_group(lane.group, now=now)
            lane.group = lane.incident = None


def _take_turns(turns: list[tuple[Lane, Turn]], *, now: datetime) -> None:
    """One turn of each of some groups."""
    _close_ended([lane for lane, _ in turns], now=now)
    declared = _declare([(lane, turn) for lane, turn in turns if _needs_incident(lane, turn)], now=now)
    changed = ledger.write([(lane.integration, lane.group, turn.deliveries) for lane, turn in turns], now=now)
    for (lane, turn), change in zip(turns, changed, strict=True):
        if lane.incident is None:
            if not change.recorded:
                turn.events[-1].detail = turn.events[-1].detail or "Nothing with this key was open."
            continue
        if lane not in declared:
            _update_incident(lane, turn, change, now=now)
        if turn.last.status == "acknowledged":
            _acknowledge(lane, now=now)
        elif change.resolved:
            _resolve_if_over(lane, turn, now=now)


def _needs_incident(lane: Lane, turn: Turn) -> bool:
    return lane.group is None and any(
        item.status == "firing" for delivery in turn.deliveries for item in delivery.items
    )


def _declare(turns: list[tuple[Lane, Turn]], *, now: datetime) -> list[Lane]:
    """Declare incidents for groups that have none, and open the groups."""
    if not turns:
        return []
    drafts = [_draft(lane, turn, now=now) for lane, turn in turns]
    incidents = lifecycle.declare_many(drafts, now=now)
    groups = [
        Group(integration=lane.integration, group_key=lane.group_key, incident=incident, opened_at=now)
        for (lane, _), incident in zip(turns, incidents, strict=True)
    ]
    Group.objects.bulk_create(groups)
    for (lane, _), group in zip(turns, groups, strict=True):
        lane.group, lane.incident = group, group.incident
    return [lane for lane, _ in turns]


def _draft(lane: Lane, turn: Turn, *, now: datetime) -> Draft:
    first = next(d for d in turn.deliveries if any(item.status == "firing" for item in d.items))
    starts = [item.started_at for d in turn.deliveries for item in d.items if item.started_at]
    return Draft(
        title=first.title or "Untitled alert",
        description=first.description,
        severity=turn.severity,
        services=[lane.integration.service] if lane.integration.service else [],
        started_at=min([*starts, now]),  # an event may have come after this sweep began
        source=str(lane.integration),
        source_key=f"event/{turn.events[0].pk}",
        facts=turn.last.facts,
    )


def _update_incident(lane: Lane, turn: Turn, change: ledger.Change, *, now: datetime) -> None:
    """More alerts, a worse severity, other facts: the incident follows, and lowering is left to people."""
    incident, source = lane.incident, str(lane.integration)
    assert incident is not None
    out = Consequences(now)
    if change.added:
        out.record(incident, Kind.ALERT_ADDED, source=source, alerts=change.added[:20], count=len(change.added))
    if change.resolved:
        out.record(
            incident, Kind.ALERT_RESOLVED, source=source, alerts=change.resolved[:20], count=len(change.resolved)
        )
    out.write()
    if turn.last.status != "firing":
        return
    if Severity(turn.severity).rank < Severity(incident.severity).rank:
        lane.incident = changes.change_severity(incident, to=turn.severity, by=None, source=source, now=now)
    if any(incident.facts.get(name) != value for name, value in turn.last.facts.items()):
        facts.update(incident, turn.last.facts)


def _acknowledge(lane: Lane, *, now: datetime) -> None:
    """Somebody answered at the monitor."""
    assert lane.incident is not None
    if lane.incident.status == Status.TRIGGERED:
        lane.incident = lifecycle.acknowledge(lane.incident, by=None, source=str(lane.integration), now=now)


def _resolve_if_over(lane: Lane, turn: Turn, *, now: datetime) -> None:
    """When nothing of the group fires any more the group is closed; with its last group the incident is resolved.

    A sender that left alerts out has not said that they are over.
    """
    assert lane.group is not None
    assert lane.incident is not None
    if turn.last.truncated or ledger.is_firing(lane.group):
        return
    ledger.close_group(lane.group, now=now)
    if not Group.objects.filter(incident=lane.group.incident_id, closed_at=None).exists() and lane.incident.is_open:
        lifecycle.resolve(lane.incident, by=None, source=str(lane.integration), now=now)
    lane.group = lane.incident = None
