"""What the ledger of an incident is told from: rows that exist, read in three statements."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from django.utils import timezone

from accounts.models import Membership, Team, User
from catalog.models import Service
from core.text import single_line
from core.together import attach, attach_many, grouped, together
from incidents import escalation
from incidents.models import AffectedService, Escalation, PlannedAction, SlaClock, TimelineEntry
from notifications.models import Attempt, Notification
from oncall import roster
from oncall.models import Override
from oncall.targets import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from core.together import Rows
    from incidents.models import Incident
    from oncall.models import EscalationPolicy
    from oncall.roster import Roster

Kind = TimelineEntry.Kind
MOST_READ = 1000
FIRED = frozenset({Kind.PAGED, Kind.NOBODY_REACHED, Kind.EXHAUSTED})
ANSWERS = frozenset({Kind.ACKNOWLEDGED, Kind.MOVED, Kind.SNOOZED, Kind.RESOLVED})  # each stops what pages

# What people wrote and saw decides nothing about who is told.
LEFT_OUT = (
    Kind.NOTED, Kind.EVIDENCE_LINKED, Kind.MITIGATED, Kind.DETAILS_CHANGED, Kind.ALERT_ADDED, Kind.ALERT_RESOLVED,
    Kind.STATUS_UPDATED, Kind.UPDATE_CHANGED, Kind.POSTMORTEM_DRAFTED, Kind.POSTMORTEM_STARTED,
    Kind.POSTMORTEM_PUBLISHED,
    Kind.ACTION_ADDED, Kind.ACTION_CHANGED, Kind.ACTION_DONE, Kind.ACTION_ACCEPTED, Kind.ACTION_REOPENED,
    Kind.RUNBOOK_STARTED, Kind.RUNBOOK_STEP, Kind.RUNBOOK_FINISHED, Kind.AUTOMATION,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ahead:
    """A step that was still to come: what it is ("step 2 of Payments"), when, and whom it names by today's policy."""

    what: str
    at: datetime
    people: tuple[User, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """The rows about one incident, oldest first. ``zone`` is whose clock the words show."""

    incident: Incident
    now: datetime
    zone: tzinfo
    entries: list[TimelineEntry]
    notifications: list[Notification]
    plan: list[PlannedAction]
    escalations: dict[str, Escalation]
    services: list[Service]
    roster: Roster
    overrides: list[Override]
    teams_of: dict[int, set[int]]
    is_cut: bool = False
    _places: dict[int, int] = field(default_factory=dict)
    _written: dict[datetime, list[Notification]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places.update({entry.pk: place for place, entry in enumerate(self.entries)})
        self._written.update(grouped(self.notifications, "created_at"))

    def clock(self, at: datetime) -> str:
        """10:02:11, with its date where that is not the day on which the incident began."""
        local = at.astimezone(self.zone)
        same = local.date() == self.incident.created_at.astimezone(self.zone).date()
        return f"{local:%H:%M:%S}" if same else f"{local.day} {local:%b}, {local:%H:%M:%S}"

    def sent_for(self, entry: TimelineEntry) -> list[Notification]:
        """The notifications that were written with an entry."""
        reasons = _reasons_of(entry)
        return [row for row in self._written.get(entry.at, ()) if row.reason in reasons]

    def name_of(self, username: str) -> str:
        """The name behind a username."""
        return next((str(user) for user in self.roster.users.values() if user.username == username), username)

    def following(self, entry: TimelineEntry) -> Iterator[TimelineEntry]:
        """What came after an entry."""
        return islice(self.entries, self._places[entry.pk] + 1, None)

    def between(self, entry: TimelineEntry, later: TimelineEntry) -> list[TimelineEntry]:
        """What happened between two entries."""
        return self.entries[self._places[entry.pk] + 1 : self._places[later.pk]]

    def next_of(self, entry: TimelineEntry) -> TimelineEntry | None:
        """What ended the wait that a step began: the next step of its policy, or an answer."""
        target = entry.data.get("target")
        for later in self.following(entry):
            if ends(later) or (later.kind in FIRED and target and later.data.get("target") == target):
                return later
        return None

    def due_after(self, entry: TimelineEntry) -> datetime | None:
        """When the step after this one was due, as it was written down."""
        due = entry.data.get("next_at")
        return datetime.fromisoformat(due) if due else None

    def due_at(self, target: str) -> datetime | None:
        """When a policy that runs goes on; None for one that does not."""
        row = self.escalations.get(target)
        return row.due_at if row and row.state == Escalation.State.RUNNING else None

    def override_for(self, schedule: str, person: str, at: datetime) -> Override | None:
        """The override by which somebody was on call, as far as it is there still."""
        found = [
            row
            for row in self.overrides
            if row.schedule.name == schedule and row.user.username == person and row.starts_at <= at < row.ends_at
        ]
        return found[-1] if found else None

    def policy_of(self, target: str) -> EscalationPolicy | None:
        """The policy that an escalation runs, as it is today."""
        row = self.escalations.get(target)
        return self.roster.policies.get(row.policy_id) if row and row.policy_id else None

    def stopped_by(self, answer: TimelineEntry) -> list[list[Ahead]]:
        """What an answer kept from happening: for each policy that ran, its steps to come, and what follows them."""
        found = (self._ahead_of(target, answer) for target in self.escalations if ends(answer))
        return [steps for steps in found if steps]

    def running(self) -> list[list[Ahead]]:
        """The steps to come of each policy that runs now."""
        return [
            self._steps(row.target, row.next_step, row.round, row.due_at)
            for row in self.escalations.values()
            if row.state == Escalation.State.RUNNING
        ]

    def _ahead_of(self, target: str, answer: TimelineEntry) -> list[Ahead]:
        row = self.escalations[target]
        if row.state == Escalation.State.STOPPED and row.stopped_at == answer.at:
            return self._steps(target, row.next_step, row.round, row.due_at)
        before = self.entries[: self._places[answer.pk]]
        last = next((each for each in reversed(before) if _concerns(each, target)), None)
        if last is None or ends(last) or "next_at" not in last.data:
            return []
        return self._steps(
            target, last.data["step"], last.data["round"] - 1, datetime.fromisoformat(last.data["next_at"])
        )

    def _steps(self, target: str, next_step: int, round_: int, due_at: datetime) -> list[Ahead]:
        policy, found = self.policy_of(target), list[Ahead]()
        for number, step in enumerate(policy.steps.all() if policy else (), 1):
            if number <= next_step:
                continue
            due_at += timedelta(minutes=step.delay_minutes) if found else timedelta()
            turn = self.escalations[target].turn + round_ + number - 1
            named = resolve(step, self.roster, due_at, turn=turn)
            people = named.people[:1] if named.takes_turns else named.people
            found.append(Ahead(f"step {number} of {policy}", due_at, people))
        if found:
            return found
        if policy and round_ < policy.repeat:
            return [Ahead(f"round {round_ + 2} of {policy}", due_at)]
        return [Ahead("the last resort", due_at)]


def named_by(entry: TimelineEntry) -> dict[str, str]:
    """Whom a step named, by username, and how; of an entry from before the ledger those whom it paged, by name."""
    data = entry.data
    return dict(
        data["named"] if "named" in data else zip_longest(data.get("people", ()), data.get("via", ()), fillvalue="")
    )


def ends(entry: TimelineEntry) -> bool:
    """Whether it stops what pages: an answer, unless a step asks for more people."""
    return entry.kind in ANSWERS and not entry.data.get("still_needed")


def _concerns(entry: TimelineEntry, target: str) -> bool:
    return ends(entry) or (entry.kind in FIRED and entry.data.get("target") == target)


def _reasons_of(entry: TimelineEntry) -> set[str]:
    """The reasons that notifications give which were written with an entry."""
    data = entry.data
    match entry.kind:
        case Kind.EXHAUSTED:
            return {escalation.LAST_RESORT}
        case Kind.NOTIFIED:
            return {str(PlannedAction.Kind(data["action"]).label)} if "action" in data else set()
        case Kind.CLOCK_WARNED | Kind.CLOCK_BREACHED:
            name = SlaClock.Kind(data["clock"]).label if "clock" in data else ""
            return {f"{name} clock {'breached' if entry.kind == Kind.CLOCK_BREACHED else 'at 80 %'}"}
        case Kind.ASSIGNED | Kind.REOPENED | Kind.TRIGGERED:
            return {"Assigned to you", "Reopened"}
        case Kind.UNACKNOWLEDGED:
            return {"Given back"}
        case Kind.WOKEN:
            return {"Snooze ended"}
        case Kind.REMINDED:
            return {"Reminder"}
    return {single_line(data["reason"], limit=300)} if isinstance(data.get("reason"), str) else set()


# ---- reading -------------------------------------------------------------------------------------------------


def read(incident: Incident, *, now: datetime, person: User | None = None, zone: tzinfo | None = None) -> Facts:
    """Read everything about one incident that a ledger says, and about a person who is asked for; of a very long
    incident the newest rows."""
    rows = _read(incident)
    running = [row.policy_id for row in rows["escalations"]]
    named = {
        *(row.by_id for row in rows["entries"]), *(row.user_id for row in rows["notifications"]), incident.assignee_id,
        person and person.pk,
    }  # fmt: skip
    policies = {*running, *(service.escalation_policy_id for service in rows["services"])}
    known = roster.read(at=incident.created_at, policies=policies - {None}, people=named - {None})
    more = _read_more(rows, known, incident)
    users = known.users | {user.pk: user for user in more["users"]}
    teams = {team.pk: team for team in more["teams"]}
    schedules = {
        target.schedule_id: target.schedule
        for policy in known.policies.values()
        for step in policy.steps.all()
        for target in step.targets.all()
        if target.schedule
    }
    attach(rows["entries"], "by", users)
    attach(rows["notifications"], "user", users)
    attach(rows["notifications"], "team", teams)
    attach(rows["services"], "escalation_policy", known.policies)
    attach(more["overrides"], "user", users)
    attach(more["overrides"], "created_by", users)
    attach(more["overrides"], "schedule", schedules)
    attach_many(rows["notifications"], "attempts", grouped(rows["attempts"], "notification_id"))
    teams_of: dict[int, set[int]] = defaultdict(set)
    for row in more.plain("memberships"):
        teams_of[row["user_id"]].add(row["team_id"])
    return Facts(
        incident=incident,
        now=now,
        zone=zone or timezone.get_current_timezone(),
        entries=_oldest_first(rows["entries"]),
        notifications=list(reversed(rows["notifications"][:MOST_READ])),
        plan=rows["plan"],
        escalations={row.target: row for row in rows["escalations"]},
        services=rows["services"],
        roster=known,
        overrides=more["overrides"],
        teams_of=teams_of,
        is_cut=len(rows["entries"]) > MOST_READ or len(rows["notifications"]) > MOST_READ,
    )


def _oldest_first(entries: list[TimelineEntry]) -> list[TimelineEntry]:
    return list(reversed(entries[:MOST_READ]))


def _read(incident: Incident) -> Rows:
    """What belongs to the incident, in one statement."""
    told = Notification.objects.filter(topic=incident.topic).exclude(purpose=Notification.Purpose.MAIL)
    links = AffectedService.objects.filter(incident=incident)
    return together(
        entries=incident.timeline.exclude(kind__in=LEFT_OUT).order_by("-at", "-id")[: MOST_READ + 1],
        notifications=told.order_by("-id").defer("body", "url", "actions", "address")[: MOST_READ + 1],
        attempts=Attempt.objects.filter(notification__topic=incident.topic).order_by("number", "id"),
        plan=incident.plan.order_by("due_at", "id"),
        escalations=incident.escalations.order_by("id"),
        services=Service.objects.filter(pk__in=links.values("service")).order_by("id"),
    )


def _read_more(rows: Rows, known: Roster, incident: Incident) -> Rows:
    """The overrides since it began, with who made them; the teams that were told, and who is in them."""
    told_teams = {row.team_id for row in [*rows["notifications"], *rows["plan"]]} - {None}
    overrides = Override.objects.within(incident.created_at).filter(schedule__in=list(known.rotas))
    return together(
        overrides=overrides,
        users=User.objects.filter(pk__in=overrides.order_by().values("created_by")).defer("password"),
        teams=Team.objects.filter(pk__in=told_teams),
        memberships=Membership.objects.filter(team__in=told_teams),
    )
