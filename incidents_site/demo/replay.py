"""One past incident, acted out in memory with the functions that run real ones, at the times of its course."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from incidents import escalation, messages, plan
from incidents.consequences import Consequences, Kind
from incidents.models import Evidence, NoteRevision, PlannedAction, Severity, SlaClock, Status, TimelineEntry
from incidents.models.obligations import Escalation
from incidents_site.demo.story import UPDATES
from notifications.models import Notification

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from accounts.models import User
    from alerts.formats import Item
    from catalog.models import Service
    from incidents.models import Incident
    from incidents.telling import Reach
    from incidents_site.demo.aftermath import Aftermath
    from incidents_site.demo.alarms import Alarm
    from incidents_site.demo.course import Course
    from incidents_site.demo.story import Words
    from incidents_site.demo.write_ups import WriteUp

Step = tuple["datetime", "Callable[[Consequences], None]"]

SWEPT_WITHIN = timedelta(seconds=1.2)
NOTES = {"critical": (4, 6), "high": (3, 4), "medium": (1, 3), "low": (0, 2)}
EVIDENCE = {"critical": (2, 3), "high": (1, 3), "medium": (0, 2), "low": (0, 1)}
RAISED = (
    "More tenants are affected than we thought.",
    "Two more regions show it now.",
    "{tenant} cannot work at all; support has {few} more tickets.",
)
LOWERED = (
    "Only {tenant} is affected, and there is a workaround.",
    "Retries succeed; users notice a delay at most.",
    "Down to one region, traffic is routed around it.",
)
HANDED_OVER = (
    "Handing over to {name}: shift ends. State: cause is narrowed down, mitigation prepared.",
    "{name} knows this part better and takes it from here.",
)
REOPENED = (
    "The alert is back after the cache expired.",
    "{tenant} still sees it. The fix reached one region only.",
    "It came back as soon as traffic went up again.",
)


@dataclass
class World:
    """What all replays share."""

    reach: Reach
    compiler: plan.Compiler
    plans: dict[str, escalation.Plan]


@dataclass
class Replay:
    """One incident under way, and everything that it leaves behind, not yet saved."""

    incident: Incident
    course: Course
    words: Words
    team: list[User]
    services: list[Service]
    aftermath: Aftermath
    write_up: WriteUp
    alarm: Alarm | None = None
    late_at: datetime | None = None
    world: World = field(init=False)
    clocks: list[SlaClock] = field(default_factory=list)
    actions: list[PlannedAction] = field(default_factory=list)
    escalations: list[Escalation] = field(default_factory=list)
    entries: list[TimelineEntry] = field(default_factory=list)
    notifications: dict[str, Notification] = field(default_factory=dict)
    evidence: list[tuple[Evidence, TimelineEntry]] = field(default_factory=list)
    revisions: list[NoteRevision] = field(default_factory=list)

    @property
    def rng(self) -> random.Random:
        """One source of chance for the whole incident."""
        return self.words.rng

    @property
    def source(self) -> str:
        """The monitor's name."""
        return self.incident.source

    def run(self, world: World) -> None:
        """From the declaration to the end; the incident and its clocks are saved already."""
        self.world = world
        declared = Consequences(self.course.created_at)
        declared.record(
            self.incident,
            Kind.TRIGGERED,
            by=self.incident.created_by,
            source=self.source,
            severity=self.incident.severity,
        )
        self._extend(declared)
        self._keep(declared)
        for at, act in sorted(self._steps(), key=lambda step: step[0]):
            self._page_until(at)
            out = Consequences(at)
            act(out)
            self._keep(out)
        self.entries.sort(key=lambda entry: entry.at)
        for entry in self.entries:
            entry.created_at = entry.at

    def _steps(self) -> Iterator[Step]:
        course = self.course
        for clock in self.clocks:
            if clock.warned_at and clock.warned_at < clock.due_at:
                yield clock.warned_at, partial(self._tell_clock, clock, False)
            if clock.breached_at:
                yield clock.breached_at, partial(self._tell_clock, clock, True)
        if self.alarm and self.alarm.late and self.late_at:
            yield self.late_at, partial(self._add_alert, self.alarm.late)
        if course.acknowledged_at:
            yield course.acknowledged_at, self._answer
            yield from self._work(course, course.acknowledged_at)
        yield course.resolved_at, self._resolve
        if course.postmortem_at:
            yield course.postmortem_at, self._start_postmortem
        yield from self.aftermath.steps(self)
        yield from self.write_up.steps(self)

    def _work(self, course: Course, answered: datetime) -> Iterator[Step]:
        wanted: list[tuple[datetime | None, Callable[[Consequences], None]]] = [
            (course.investigating_at, partial(self._move, Status.INVESTIGATING)),
            (course.severity_changed_at, self._change_severity),
            (course.joined_at, self._join),
            (course.handed_over_at, self._hand_over),
            (course.mitigated_at, self._mitigate),
            (course.ended_first_at, self._resolve),
            (course.reopened_at, self._reopen),
        ]
        yield from ((at, act) for at, act in wanted if at)
        yield from self._notes(course, answered)
        span = course.resolved_at - answered
        for _ in range(self.rng.randint(*EVIDENCE[self.incident.severity])):
            yield answered + self.rng.uniform(0.1, 0.6) * span, self._link_evidence

    def _notes(self, course: Course, answered: datetime) -> Iterator[Step]:
        failure = self.words.failure
        middle = course.mitigated_at or answered + 0.6 * (course.resolved_at - answered)
        count = self.rng.randint(*NOTES[self.incident.severity])
        for number in range(count):
            if number == 0:
                at, text = answered + self.rng.uniform(0.12, 0.25) * (middle - answered), self.words.pick(failure.looks)
            elif number == 1:
                at, text = answered + self.rng.uniform(0.6, 0.9) * (middle - answered), self.words.finding
            elif number == 2 and course.mitigated_at:
                share = self.rng.uniform(0.15, 0.4)
                at, text = middle + share * (course.resolved_at - middle), self.words.pick(failure.watches)
            else:
                at, text = answered + self.rng.uniform(0.2, 0.6) * (middle - answered), self.words.pick(UPDATES)
            yield at, partial(self._note, text)

    # ---- what people and monitors do -----------------------------------------------------------------------

    def _answer(self, out: Consequences) -> None:
        """Whoever was paged last takes it; of an incident that paged nobody, somebody of the team."""
        paged = [row.user for row in self.notifications.values() if row.purpose == Notification.Purpose.PAGE]
        candidates = [user for user in paged[-2:] if user in self.team] or self.team
        lead = self.rng.choice(candidates)
        self.incident.assignee = lead
        self._stop_paging(out)
        if self.course.investigating_at is None and self.rng.random() < 0.5:
            self.incident.move_to(Status.INVESTIGATING, at=out.now, is_answer=True)
            moved = {"from": Status.TRIGGERED.value, "to": Status.INVESTIGATING.value}
            out.record(self.incident, Kind.MOVED, by=lead, **moved)
        else:
            self.incident.move_to(Status.ACKNOWLEDGED, at=out.now, is_answer=True)
            out.record(self.incident, Kind.ACKNOWLEDGED, by=lead, cancelled=0)

    def _move(self, to: Status, out: Consequences) -> None:
        was = self.incident.status
        self.incident.move_to(to, at=out.now, is_answer=True)
        self._stop_paging(out)
        out.record(self.incident, Kind.MOVED, by=self.incident.assignee, **{"from": str(was), "to": str(to.value)})

    def _note(self, text: str, out: Consequences) -> None:
        by = self.incident.assignee if self.rng.random() < 0.7 else self.rng.choice(self.team)
        entry = out.record(self.incident, Kind.NOTED, by=by, text=text)
        if self.rng.random() < 0.05:
            self._correct(entry)

    def _correct(self, entry: TimelineEntry) -> None:
        """The note said something else first."""
        self.revisions.append(
            NoteRevision(
                entry=entry,
                text=entry.text.split("\n")[0][:60].rstrip(". ") + ", I think.",
                at=entry.at,
                replaced_at=entry.at + timedelta(seconds=self.rng.randint(30, 240)),
                replaced_by=entry.by,
            )
        )

    def _link_evidence(self, out: Consequences) -> None:
        kind, caption, url = self.words.evidence()
        if any(evidence.url == url for evidence, _ in self.evidence):
            return
        by = self.rng.choice(self.team)
        found = Evidence(incident=self.incident, kind=kind, url=url, caption=caption, at=out.now, by=by)
        facts = {"kind": kind, "url": url, "caption": caption}
        self.evidence.append((found, out.record(self.incident, Kind.EVIDENCE_LINKED, by=by, **facts)))

    def _mitigate(self, out: Consequences) -> None:
        self._move(Status.MITIGATING, out)
        text = self.words.action
        mitigation = self.words.failure.mitigation
        out.record(self.incident, Kind.MITIGATED, by=self.incident.assignee, text=text, mitigation=mitigation)

    def _change_severity(self, out: Consequences) -> None:
        """Raising pages whom the new severity asks for and nobody has paged yet; lowering takes nothing back."""
        was, to = self.incident.severity, self.course.new_severity or Severity.HIGH
        self.incident.severity = to.value
        is_worse = to.rank < Severity(was).rank
        text = self.words.pick(RAISED if is_worse else LOWERED)
        changed = {"from": str(was), "to": to.value}
        out.record(self.incident, Kind.SEVERITY_CHANGED, by=self.incident.assignee, text=text, **changed)
        if is_worse:
            self._extend(out)

    def _join(self, out: Consequences) -> None:
        """Whom the higher severity paged comes to help."""
        if all(each.state != Escalation.State.RUNNING for each in self.escalations):
            return
        paged = [row.user for row in self.notifications.values() if row.purpose == Notification.Purpose.PAGE]
        self._stop_paging(out)
        out.record(self.incident, Kind.ACKNOWLEDGED, by=paged[-1] if paged else self.incident.assignee)

    def _hand_over(self, out: Consequences) -> None:
        was = self.incident.assignee
        to = self.rng.choice([user for user in self.team if user != was])
        text = self.rng.choice(HANDED_OVER).format(name=to)
        out.record(self.incident, Kind.NOTED, by=was, text=text)
        self.incident.assignee = to
        out.record(self.incident, Kind.ASSIGNED, by=was, **{"from": str(was), "to": str(to)})
        self.world.reach.tell_user(
            self.incident,
            to,
            messages.notice(self.incident, f"Assigned to you by {was}.", services=self._names(), urgency="high"),
            key=f"assigned/{int(out.now.timestamp() * 1000)}",
            purpose=Notification.Purpose.NOTICE,
            reason="Assigned to you",
            out=out,
        )

    def _resolve(self, out: Consequences) -> None:
        """By a person with the cause, or by the monitor when nothing fires any more."""
        was, by_monitor = self.incident.status, self.course.monitor_ended_it
        self._stop_paging(out)
        for action in self.actions:
            if action.state == PlannedAction.State.DUE:
                action.state, action.finished_at = PlannedAction.State.CANCELLED, out.now
                action.result = "The incident ended first"
        if by_monitor and self.alarm:
            titles = [item.title for item in self.alarm.delivery.items]
            out.record(self.incident, Kind.ALERT_RESOLVED, source=self.source, alerts=titles, count=len(titles))
        self.incident.move_to(Status.RESOLVED, at=out.now, is_answer=not by_monitor)
        by = None if by_monitor else self.incident.assignee
        if not by_monitor:
            self.incident.root_cause = self.words.cause
        out.record(
            self.incident,
            Kind.RESOLVED,
            by=by,
            source=self.source if by_monitor else "",
            text=self.incident.root_cause,
            **{"from": str(was)},
        )

    def _reopen(self, out: Consequences) -> None:
        was = self.incident.status
        self.incident.move_to(Status.INVESTIGATING, at=out.now, is_answer=False)
        text = self.words.pick(REOPENED)
        out.record(self.incident, Kind.REOPENED, by=self.incident.assignee, text=text, **{"from": str(was)})

    def _start_postmortem(self, out: Consequences) -> None:
        by = self.incident.assignee
        if not self.incident.root_cause:
            self.incident.root_cause = self.words.cause
            out.record(self.incident, Kind.DETAILS_CHANGED, by=by, fields=["root_cause"])
        self.incident.move_to(Status.POSTMORTEM, at=out.now, is_answer=False)
        out.record(self.incident, Kind.POSTMORTEM_STARTED, by=by)

    def _add_alert(self, late: Item, out: Consequences) -> None:
        out.record(self.incident, Kind.ALERT_ADDED, source=self.source, alerts=[late.title], count=1)

    # ---- what Muster does ----------------------------------------------------------------------------------

    def _extend(self, out: Consequences) -> None:
        """Add what the severity asks for and the plan does not have, carry it out, and begin to page."""
        have = {(action.kind, action.target) for action in self.actions}
        wanted = self.world.compiler.compile(self.incident, self.world.reach, now=out.now)
        added = [action for action in wanted if (action.kind, action.target) not in have]
        begun = plan.carry_out(added, self.world.reach, out)
        self.actions += added
        self.escalations += begun
        for each in begun:
            steps = self.world.plans[each.target].steps
            each.due_at = out.now + (steps[0].delay if steps else timedelta())
            self._advance(each, out)

    def _page_until(self, at: datetime) -> None:
        for each in self.escalations:
            while each.state == Escalation.State.RUNNING and each.due_at + SWEPT_WITHIN < at:
                out = Consequences(each.due_at + self.rng.uniform(0.1, 1) * SWEPT_WITHIN)
                self._advance(each, out)
                self._keep(out)

    def _advance(self, each: Escalation, out: Consequences) -> None:
        escalation.advance(each, self.world.plans[each.target], self.world.reach, out)

    def _stop_paging(self, out: Consequences) -> None:
        for each in self.escalations:
            if each.state == Escalation.State.RUNNING:
                each.state, each.stopped_at = Escalation.State.STOPPED, out.now

    def _tell_clock(self, clock: SlaClock, is_breach: bool, out: Consequences) -> None:
        word = "breached" if is_breach else "at 80 %"
        told = self.world.reach.tell_responders(
            self.incident,
            messages.clock(self.incident, clock, is_breach=is_breach, services=self._names()),
            key=f"clock/{clock.pk}/{'breached' if is_breach else 'warned'}",
            reason=f"{clock.get_kind_display()} clock {word}",
            out=out,
        )
        kind = Kind.CLOCK_BREACHED if is_breach else Kind.CLOCK_WARNED
        out.record(self.incident, kind, clock=clock.kind, due_at=clock.due_at.isoformat(), told=told)

    def _names(self) -> str:
        return self.world.reach.services_of(self.incident)

    def _keep(self, out: Consequences) -> None:
        self.entries += out.entries
        for row in out.notifications:  # like the outbox: one row a key
            self.notifications.setdefault(row.key, row)
