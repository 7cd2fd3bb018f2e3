"""What the page of one incident shows, read in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import prefetch_related_objects
from django.utils import timezone

from incidents.models import Escalation, PlannedAction, SlaClock, Status, TimelineEntry
from notifications.models import Notification
from oncall import targets
from oncall.models import EscalationPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from accounts.models import User
    from catalog.models import Service
    from incidents.models import Evidence, Incident, NoteRevision

Kind = TimelineEntry.Kind
NEWEST_ENTRIES = 200
NEWEST_TOLD = 300
STAGE_OF = {
    Kind.TRIGGERED: Status.TRIGGERED,
    Kind.ACKNOWLEDGED: Status.ACKNOWLEDGED,
    Kind.RESOLVED: Status.RESOLVED,
    Kind.POSTMORTEM_STARTED: Status.POSTMORTEM,
}


@dataclass(frozen=True, slots=True)
class Line:
    """One timeline entry; one about paging has its notifications, a note has what it said before."""

    entry: TimelineEntry
    pages: list[Notification]
    revisions: list[NoteRevision]


@dataclass(frozen=True, slots=True)
class Stage:
    """One status of the lifecycle as the incident passed it; ``at`` is when it last got there."""

    status: Status
    at: datetime | None
    is_past: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class Due:
    """One line of the plan: what, to whom, due when, what came of it. ``next`` as state waits for the line before."""

    what: str
    whom: str
    due_at: datetime
    state: str
    result: str = ""
    finished_at: datetime | None = None
    is_page: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is still to come."""
        return self.state in ("due", "next")


@dataclass(slots=True)
class Told:
    """One person or team, and everything that was sent to them about the incident, newest first."""

    name: str
    user: User | None
    rows: list[Notification] = field(default_factory=list)
    answered_at: datetime | None = None

    @property
    def first_paged_at(self) -> datetime | None:
        """When they were first asked to answer."""
        return min((row.created_at for row in self.rows if row.purpose == Notification.Purpose.PAGE), default=None)

    @property
    def verdict(self) -> str:
        """``answered``, ``failed``, ``sending``, ``told``, or ``cancelled`` when nothing ever left."""
        if self.answered_at:
            return "answered"
        states = {row.state for row in self.rows}
        for state, verdict in (("sent", "told"), ("kept", "told"), ("pending", "sending"), ("failed", "failed")):
            if state in states:
                return verdict
        return "cancelled"


@dataclass(frozen=True, slots=True)
class Workspace:
    """Everything about an incident that its page shows, as of ``now``."""

    incident: Incident
    now: datetime
    services: list[Service]
    clocks: dict[str, SlaClock]
    stages: list[Stage]
    days: list[tuple[date, list[Line]]]
    entry_count: int
    has_earlier: bool
    evidence: list[Evidence]
    plan: list[Due]
    told: list[Told]

    @property
    def is_waiting(self) -> bool:
        """Whether somebody who was paged has yet to answer."""
        return self.incident.status == Status.TRIGGERED

    @property
    def next_page(self) -> Due | None:
        """Who is paged next, and when, if nobody answers."""
        return next((due for due in self.plan if due.is_page and due.state == "due"), None)


def load(incident: Incident, *, now: datetime, everything: bool = False) -> Workspace:
    """Read the page of an incident; ``everything`` shows the whole timeline instead of its newest entries."""
    limit = None if everything else NEWEST_ENTRIES + 1
    clocks = list(incident.clocks.order_by("id"))
    notifications = list(Notification.objects.for_topic(incident.topic).order_by("-id")[:NEWEST_TOLD])
    entries = list(incident.timeline.select_related("by").order_by("-at", "-id")[:limit])
    shown = entries if everything else entries[:NEWEST_ENTRIES]
    return Workspace(
        incident=incident,
        now=now,
        services=_services(incident),
        clocks={clock.kind: clock for clock in clocks},
        stages=_stages(incident, entries),
        days=_days(_lines(shown, notifications)),
        entry_count=len(shown),
        has_earlier=len(shown) < len(entries),
        evidence=list(incident.evidence.select_related("by").order_by("-at", "-id")),
        plan=plan_of(incident, clocks),
        told=_told(notifications, entries),
    )


def _services(incident: Incident) -> list[Service]:
    links = incident.service_links.select_related("service__team").order_by("id")
    return [link.service for link in links]


def _lines(entries: list[TimelineEntry], notifications: Iterable[Notification]) -> list[Line]:
    """Entries with what they speak of; one query for the corrections, whatever their number."""
    prefetch_related_objects([entry for entry in entries if entry.kind == Kind.NOTED], "revisions__replaced_by")
    sent: dict[tuple[datetime, str], list[Notification]] = defaultdict(list)
    for row in reversed(list(notifications)):
        sent[(row.created_at, row.reason)].append(row)
    return [
        Line(
            entry,
            sent.get((entry.at, entry.data.get("reason", "")), []) if entry.kind == Kind.PAGED else [],
            list(entry.revisions.all()) if entry.kind == Kind.NOTED else [],
        )
        for entry in entries
    ]


def _stages(incident: Incident, entries: Iterable[TimelineEntry]) -> list[Stage]:
    """Each status with the time of its latest entry; ``entries`` come newest first."""
    reached: dict[str, datetime] = {Status.TRIGGERED: incident.created_at}
    for entry in reversed(list(entries)):
        if entry.kind == Kind.MOVED:
            reached[entry.data.get("to", "")] = entry.at
        elif entry.kind in STAGE_OF:
            reached[STAGE_OF[Kind(entry.kind)]] = entry.at
    if incident.acknowledged_at:
        reached[Status.ACKNOWLEDGED] = incident.acknowledged_at
    order = list(Status)
    here = order.index(Status(incident.status))
    return [
        Stage(status, reached.get(status) if position <= here else None, position < here, position == here)
        for position, status in enumerate(order)
    ]


def _days(lines: Iterable[Line]) -> list[tuple[date, list[Line]]]:
    """Lines by the reader's local date, newest first."""
    days: dict[date, list[Line]] = defaultdict(list)
    for line in lines:
        days[timezone.localdate(line.entry.at)].append(line)
    return list(days.items())


def how_it_came(incident: Incident) -> str:
    """One sentence: the status of the incident, and who brought it there when."""
    moves = incident.timeline.select_related("by").filter(kind__in=[*STAGE_OF, Kind.MOVED, Kind.REOPENED])
    entry = moves.order_by("-id").first()
    status = incident.get_status_display().lower()
    if entry is None:
        return f"{incident.reference} is {status} by now."
    at = timezone.localtime(entry.at)
    return f"{incident.reference} is {status} by now: {entry.actor}, {entry.get_kind_display().lower()} {at:%H:%M:%S}."


# ---- the plan ------------------------------------------------------------------------------------------------


def plan_of(incident: Incident, clocks: Iterable[SlaClock]) -> list[Due]:
    """What Muster will do and has done by policy: what is to come first, soonest first, then what is over."""
    lines = [*_actions(incident), *_coming_steps(incident), *_promises(clocks)]
    coming = sorted((line for line in lines if line.is_open), key=lambda line: line.due_at)
    over = sorted((line for line in lines if not line.is_open), key=lambda line: line.finished_at or line.due_at)
    return coming + over


def _actions(incident: Incident) -> Iterator[Due]:
    for action in incident.plan.order_by("due_at", "id"):
        result = action.result if action.state != PlannedAction.State.CANCELLED else "Not needed, it ended first"
        yield Due(
            action.get_kind_display(), action.target_label, action.due_at, action.state, result, action.finished_at
        )


def _coming_steps(incident: Incident) -> Iterator[Due]:
    """The steps that running escalations have yet to take in this round, and what follows the last."""
    running = list(incident.escalations.filter(state=Escalation.State.RUNNING).order_by("id"))
    wanted = [escalation.policy_id for escalation in running if escalation.policy_id]
    policies = EscalationPolicy.objects.with_steps().in_bulk(wanted) if wanted else {}
    for escalation in running:
        policy = policies.get(escalation.policy_id)
        yield from _steps_of(escalation, policy) if policy else _last_line(escalation, "Every admin", "No other step")


def _steps_of(escalation: Escalation, policy: EscalationPolicy) -> Iterator[Due]:
    steps = list(policy.steps.all())
    due_at, state = escalation.due_at, "due"
    for position, step in enumerate(steps[escalation.next_step :], escalation.next_step):
        if position > escalation.next_step:
            due_at += timedelta(minutes=step.delay_minutes)
        people = ", ".join(str(user) for user in targets.people(step, at=due_at)) or "nobody; the next step at once"
        yield Due(f"Page, step {position + 1} of {policy}", people, due_at, state, is_page=True)
        state = "next"
    if escalation.next_step < len(steps):
        due_at += timedelta(minutes=policy.repeat_after_minutes)
    rounds_left = policy.repeat - escalation.round
    if rounds_left > 0:
        yield Due(
            f"Page again from step 1 of {policy}",
            f"{rounds_left} more round{'s' if rounds_left > 1 else ''}",
            due_at,
            state,
            is_page=True,
        )
    else:
        yield Due("Page the last resort", f"{policy} is used up", due_at, state, is_page=True)


def _last_line(escalation: Escalation, whom: str, result: str) -> Iterator[Due]:
    yield Due("Count as unanswered", whom, escalation.due_at, "due", result)


def _promises(clocks: Iterable[SlaClock]) -> Iterator[Due]:
    for clock in clocks:
        ended_at = clock.met_at or clock.cancelled_at or clock.breached_at
        state = "due" if clock.state == SlaClock.State.RUNNING else clock.state
        yield Due(f"{clock.get_kind_display()} clock", "", clock.due_at, state, clock.get_state_display(), ended_at)


# ---- who was told --------------------------------------------------------------------------------------------


def _told(notifications: Iterable[Notification], entries: Iterable[TimelineEntry]) -> list[Told]:
    """Notifications by recipient, whoever was told first coming first; people who were paged before all others."""
    answers: dict[Any, datetime] = {}
    for entry in entries:  # newest first, so the first answer stays
        if entry.by_id and entry.kind in (Kind.ACKNOWLEDGED, Kind.MOVED):
            answers[entry.by_id] = entry.at
    by_recipient: dict[tuple[str, Any], Told] = {}
    for row in notifications:
        key = ("user", row.user_id) if row.user_id else ("team", row.team_id or row.recipient)
        told = by_recipient.setdefault(key, Told(str(row.user or row.team or row.recipient), row.user))
        told.rows.append(row)
    for told in by_recipient.values():
        first, answered = told.first_paged_at, answers.get(told.user.pk) if told.user else None
        told.answered_at = answered if first and answered and answered >= first else None
    return sorted(by_recipient.values(), key=lambda told: (told.first_paged_at is None, told.rows[-1].pk))
