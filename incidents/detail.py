"""What the page of one incident shows: everything in two statements, and a version for each of its panels."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import F, Q
from django.utils import timezone

from accounts.models import Membership, Team, User
from catalog.models import MaintenanceWindow, Service
from core.together import Rows, attach, attach_many, grouped, together
from core.versions import version_of
from incidents import audience, coming, told
from incidents.models import (
    AffectedService,
    Escalation,
    Incident,
    NoteRevision,
    SlaClock,
    Status,
    TimelineEntry,
    UpdateRevision,
)
from notifications.models import Attempt, Notification
from oncall import roster
from oncall.models import EscalationPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from catalog.querysets import MaintenanceWindowQuerySet
    from incidents.coming import Due
    from incidents.models import ActionItem, Evidence, StatusUpdate
    from incidents.told import Told

Kind = TimelineEntry.Kind
NEWEST_ENTRIES = 100
NEWEST_MOVES = 100
NEWEST_TOLD = 300
STAGE_OF = {
    Kind.TRIGGERED: Status.TRIGGERED,
    Kind.ACKNOWLEDGED: Status.ACKNOWLEDGED,
    Kind.UNACKNOWLEDGED: Status.TRIGGERED,
    Kind.RESOLVED: Status.RESOLVED,
    Kind.POSTMORTEM_STARTED: Status.POSTMORTEM,
}
MOVES = (*STAGE_OF, Kind.MOVED, Kind.REOPENED, Kind.SNOOZED, Kind.WOKEN)

# What one can look at of the timeline, each with the kinds that it leaves in.
SHOWN: dict[str, tuple[str, ...]] = {
    "notes": (Kind.NOTED, Kind.STATUS_UPDATED, Kind.UPDATE_CHANGED),
    "actions": (
        *MOVES, Kind.ASSIGNED, Kind.SEVERITY_CHANGED, Kind.SERVICES_CHANGED, Kind.DETAILS_CHANGED, Kind.MITIGATED,
        Kind.ACTION_ADDED, Kind.ACTION_CHANGED, Kind.ACTION_DONE, Kind.ACTION_ACCEPTED, Kind.ACTION_REOPENED,
        Kind.POSTMORTEM_DRAFTED, Kind.POSTMORTEM_PUBLISHED, Kind.RUNBOOK_STARTED, Kind.RUNBOOK_STEP,
        Kind.RUNBOOK_FINISHED, Kind.AUTOMATION,
    ),
    "pages": (
        Kind.PAGED, Kind.PAGE_FAILED, Kind.NOBODY_REACHED, Kind.EXHAUSTED, Kind.ESCALATED, Kind.REMINDED,
        Kind.NOTIFIED,
    ),
    "evidence": (Kind.EVIDENCE_LINKED, Kind.ALERT_ADDED, Kind.ALERT_RESOLVED),
}  # fmt: skip

PAGING = (
    "policies", "steps", "targets", "schedules", "layers", "participants", "overrides", "imported", "memberships",
)  # fmt: skip

# Each panel of the page with the sets of rows that it is made of. People's names are left out: a new one shows with
# the next change.
PANELS: dict[str, tuple[str, ...]] = {
    "header": ("clocks", "moves", "running", *PAGING),
    "summary": (),
    "timeline": ("entries", "revisions", "notifications"),
    "plan": ("plan", "clocks", "running", *PAGING),
    "told": ("notifications", "attempts", "moves"),
    "services": ("links", "services", "teams", "windows"),
    "communication": ("updates", "update_revisions", "subscriptions"),
    "actions": ("actions",),
    "evidence": ("evidence",),
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
class Workspace:
    """Everything about an incident that its page shows, as of ``now``. ``versions`` names the state of each panel:
    one that has the same version looks the same."""

    incident: Incident
    now: datetime
    services: list[Service]
    windows: list[MaintenanceWindow]
    clocks: dict[str, SlaClock]
    stages: list[Stage]
    snooze: TimelineEntry | None
    shown: str
    days: list[tuple[date, list[Line]]]
    entry_count: int
    has_earlier: bool
    evidence: list[Evidence]
    status_updates: list[StatusUpdate]
    action_items: list[ActionItem]
    plan: list[Due]
    told: list[Told]
    is_followed: bool
    versions: dict[str, str]

    @property
    def told_updates(self) -> list[StatusUpdate]:
        """The status updates that are published, newest first."""
        told = [(update.published_at, update.pk, update) for update in self.status_updates if update.published_at]
        return [update for _, _, update in sorted(told, reverse=True)]

    @property
    def waiting_updates(self) -> list[StatusUpdate]:
        """Those that wait, the next one first."""
        waiting = [update for update in self.status_updates if update.is_waiting]
        return sorted(waiting, key=lambda update: (update.due_at, update.pk))

    @property
    def dropped_updates(self) -> list[StatusUpdate]:
        """Those that were taken back, or withheld, newest first."""
        return [update for update in self.status_updates if update.cancelled_at]

    @property
    def is_waiting(self) -> bool:
        """Whether somebody who was paged has yet to answer."""
        return self.incident.status == Status.TRIGGERED

    @property
    def update_clock(self) -> SlaClock | None:
        """By when those who wait are to hear more, while it is open and that was promised."""
        clock = self.clocks.get(SlaClock.Kind.UPDATE)
        is_owed = clock and clock.met_at is None and clock.cancelled_at is None
        return clock if is_owed and self.incident.is_open else None

    @property
    def pressing_update(self) -> SlaClock | None:
        """The same, where no other clock that runs ends sooner: the header names it then."""
        clock = self.update_clock
        running = [each.due_at for each in self.clocks.values() if each.state == SlaClock.State.RUNNING]
        return clock if clock and clock.due_at <= min(running, default=clock.due_at) else None

    @property
    def coming(self) -> list[Due]:
        """The plan's lines that are still to come."""
        return [due for due in self.plan if due.is_open]

    @property
    def over(self) -> list[Due]:
        """The plan's lines that are done, missed or cancelled."""
        return [due for due in self.plan if not due.is_open]

    @property
    def newest(self) -> TimelineEntry | None:
        """The latest entry of those that are shown."""
        return next((line.entry for _, lines in self.days for line in lines), None)

    @property
    def next_page(self) -> Due | None:
        """Who is paged next, and when, if nobody answers."""
        return next((due for due in self.plan if due.is_page and due.state == "due"), None)


def load(
    incident: Incident, *, now: datetime, shown: str = "", everything: bool = False, reader: User | None = None
) -> Workspace:
    """Read the page of an incident. ``shown`` narrows the timeline to a key of ``SHOWN``; ``everything`` shows all of
    it instead of its newest entries. ``reader`` is who looks at it."""
    limit = None if everything else NEWEST_ENTRIES + 1
    rows = _read(incident, shown=shown, limit=limit, now=now, reader=reader)
    people = _read_people(incident, rows)
    _tie(rows, people)
    entries = rows["entries"] if everything else rows["entries"][:NEWEST_ENTRIES]
    services = {service.pk: service for service in rows["services"]}
    return Workspace(
        incident=incident,
        now=now,
        services=[services[link.service_id] for link in rows["links"]],
        windows=rows["windows"],
        clocks={clock.kind: clock for clock in rows["clocks"]},
        stages=_stages(incident, rows["moves"]),
        snooze=next((entry for entry in rows["moves"] if entry.kind == Kind.SNOOZED), None),
        shown=shown,
        days=_days(_lines(entries, rows["notifications"], rows["revisions"])),
        entry_count=len(entries),
        has_earlier=len(entries) < len(rows["entries"]),
        evidence=rows["evidence"],
        status_updates=rows["updates"],
        action_items=rows["actions"],
        plan=coming.lines(
            rows["plan"], rows["running"], rows["clocks"], incident=incident, roster=roster.build(rows, people)
        ),
        told=told.by_recipient(rows["notifications"], rows["moves"]),
        is_followed=bool(rows["subscriptions"]),
        versions=_versions(incident, rows, people),
    )


# ---- reading -------------------------------------------------------------------------------------------------


def _read(incident: Incident, *, shown: str, limit: int | None, now: datetime, reader: User | None) -> Rows:
    """What belongs to the incident, in one statement."""
    timeline = incident.timeline.order_by("-at", "-id")
    entries = timeline.filter(kind__in=SHOWN[shown]) if shown else timeline
    notifications = Notification.objects.for_topic(incident.topic).order_by("-id")[:NEWEST_TOLD]
    running = incident.escalations.filter(state=Escalation.State.RUNNING)
    return together(
        clocks=incident.clocks.order_by("id"),
        subscriptions=incident.subscriptions.filter(user=reader) if reader else incident.subscriptions.none(),
        links=AffectedService.objects.filter(incident=incident).order_by("id"),
        services=Service.objects.filter(incident_links__incident=incident),
        windows=_windows(incident, now=now),
        moves=timeline.filter(kind__in=MOVES)[:NEWEST_MOVES],
        entries=entries[:limit],
        revisions=NoteRevision.objects.filter(entry__in=timeline.values("pk")).order_by("replaced_at", "id"),
        notifications=notifications.defer("title", "body", "url", "actions"),
        attempts=Attempt.objects.filter(notification__topic=incident.topic).order_by("number"),
        evidence=incident.evidence.order_by("-at", "-id"),
        updates=audience.with_told(incident.status_updates.order_by("-at", "-id")),
        update_revisions=UpdateRevision.objects.filter(update__incident=incident).order_by("id"),
        actions=incident.action_items.order_by(F("done_at").asc(nulls_first=True), "due_on", "id"),
        plan=incident.plan.order_by("due_at", "id"),
        running=running.order_by("id"),
        **roster.querysets(EscalationPolicy.objects.filter(pk__in=running.values("policy")), at=now),
    )


def _windows(incident: Incident, *, now: datetime) -> MaintenanceWindowQuerySet:
    """Maintenance under way on what the incident touches: it may be why."""
    touched = AffectedService.objects.filter(incident=incident).values("service")
    links = MaintenanceWindow.services.through.objects.filter(service__in=touched)
    rows = MaintenanceWindow.objects.running(now=now).filter(pk__in=links.values("maintenancewindow"))
    return rows.order_by("starts_at", "id")


def _read_people(incident: Incident, rows: Rows) -> Rows:
    """The people and teams that those rows speak of, in one more."""
    named = {
        getattr(row, f"{field}_id")
        for name, field in (*_PEOPLE_OF, *((part, "user") for part in roster.NAMING))
        for row in rows[name]
    } | {incident.assignee_id, incident.created_by_id}  # fmt: skip
    told_teams = {row.team_id for row in [*rows["services"], *rows["notifications"]]}
    paged_teams = {target.team_id for target in rows["targets"]} - {None}
    members = Membership.objects.filter(team__in=paged_teams)
    return together(
        users=User.objects.filter(Q(pk__in=named - {None}) | Q(pk__in=members.values("user")))
        .only("username", "name", "is_active", "email")
        .order_by("name", "username"),
        teams=Team.objects.filter(pk__in=(told_teams | paged_teams) - {None}),
        memberships=members.order_by("user_id"),
    )


_PEOPLE_OF = (
    ("entries", "by"), ("moves", "by"), ("revisions", "replaced_by"), ("notifications", "user"), ("evidence", "by"),
    ("updates", "by"), ("updates", "edited_by"), ("updates", "cancelled_by"), ("actions", "owner"),
    ("actions", "done_by"), ("actions", "accepted_by"),
)  # fmt: skip


def _tie(rows: Rows, others: Rows) -> None:
    """Make of the rows what the ORM would have made of many queries."""
    people = {user.pk: user for user in others["users"]}
    teams = {team.pk: team for team in others["teams"]}
    for name, field in _PEOPLE_OF:
        attach(rows[name], field, people)
    for name in ("services", "notifications"):
        attach(rows[name], "team", teams)
    attach_many(rows["notifications"], "attempts", grouped(rows["attempts"], "notification_id"))
    attach_many(rows["updates"], "revisions", grouped(rows["update_revisions"], "update_id"))


def _versions(incident: Incident, rows: Rows, others: Rows) -> dict[str, str]:
    """A short name for the state of each panel."""
    texts = rows.texts | others.texts
    hidden = incident.get_deferred_fields()
    columns = [field.attname for field in incident._meta.concrete_fields if field.attname not in hidden]
    everything, stage = [getattr(incident, column) for column in columns], [incident.status, incident.severity]
    waits = [*stage, incident.snoozed_until, incident.reminded_at and incident.quiet_due_at]
    clocks = [(row.state, row.due_at, row.met_at) for row in rows["clocks"] if row.kind == SlaClock.Kind.UPDATE]
    own = {"header": everything, "summary": everything, "plan": waits, "told": stage}
    own["communication"] = [incident.is_open, clocks]
    found = {}
    for name, made_of in PANELS.items():
        text = "\n".join([repr(own.get(name)), *(texts[part] for part in made_of)])
        found[name] = version_of(text)
    return found


# ---- arranging -----------------------------------------------------------------------------------------------


def _lines(
    entries: list[TimelineEntry], notifications: Iterable[Notification], revisions: Iterable[NoteRevision]
) -> list[Line]:
    """Entries with what they speak of."""
    corrected = grouped(revisions, "entry_id")
    sent: dict[tuple[datetime, str], list[Notification]] = defaultdict(list)
    for row in reversed(list(notifications)):
        sent[(row.created_at, row.reason)].append(row)
    return [
        Line(
            entry,
            sent.get((entry.at, entry.data.get("reason", "")), []) if entry.kind == Kind.PAGED else [],
            corrected.get(entry.pk, []),
        )
        for entry in entries
    ]


def _stages(incident: Incident, moves: Iterable[TimelineEntry]) -> list[Stage]:
    """Each status with the time of its latest entry; ``moves`` come newest first."""
    reached: dict[str, datetime] = {Status.TRIGGERED: incident.created_at}
    for entry in reversed(list(moves)):
        if entry.kind in (Kind.MOVED, Kind.WOKEN):
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
    entry = incident.timeline.select_related("by").filter(kind__in=MOVES).order_by("-id").first()
    status = incident.get_status_display().lower()
    if entry is None:
        return f"{incident.reference} is {status} by now."
    at = timezone.localtime(entry.at)
    return f"{incident.reference} is {status} by now: {entry.actor}, {entry.get_kind_display().lower()} {at:%H:%M:%S}."
