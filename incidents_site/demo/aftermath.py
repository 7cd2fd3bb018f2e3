"""What is said about an incident while it lasts, and what it leaves to do: who does it, and whether they did."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from incidents import action_items, communication
from incidents.consequences import Kind
from incidents.models import ActionItem, Severity, StatusUpdate, TimelineEntry
from incidents_site.demo.follow_ups import ACCEPTED, AGAIN, FOLLOW_UPS, UPDATES, kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from accounts.models import User
    from incidents.consequences import Consequences
    from incidents_site.demo.in_public import Voice
    from incidents_site.demo.replay import Replay, Step

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
JUST_NOW = timedelta(minutes=20)  # the youngest of what is written down lies this far back
LONG_AGO = timedelta(days=60)  # what was due then is done, but for very little

Status = StatusUpdate.Status

SPOKEN_OF = {Severity.CRITICAL: 1.0, Severity.HIGH: 0.85, Severity.MEDIUM: 0.2, Severity.LOW: 0.0}
LEFT_TO_DO = {Severity.CRITICAL: (2, 4), Severity.HIGH: (1, 3), Severity.MEDIUM: (0, 1), Severity.LOW: (0, 0)}
LIVED_WITH = 0.6  # of what nobody has done long after its day
DUE_AFTER = (7, 14, 14, 21, 30)  # days


@dataclass
class Aftermath:
    """The updates and action items of one replayed incident, not yet saved. It draws from a chance of its own."""

    now: datetime
    rng: random.Random
    voice: Voice | None = None
    updates: list[tuple[StatusUpdate, TimelineEntry]] = field(default_factory=list)
    items: list[ActionItem] = field(default_factory=list)
    entries: list[tuple[ActionItem, TimelineEntry]] = field(default_factory=list)

    def steps(self, replay: Replay) -> Iterator[Step]:
        """Everything that people say and promise, each with its time."""
        course = replay.course
        if course.acknowledged_at is None:
            return
        severity = min(Severity(replay.incident.severity), course.new_severity or Severity.LOW, key=lambda s: s.rank)
        if self.rng.random() < SPOKEN_OF[severity]:
            yield from self._said(replay, course.acknowledged_at)
        if self.voice is not None:
            for at, update in self.voice.said(replay, course.acknowledged_at):
                yield at, partial(self._publish, update)
        wanted = FOLLOW_UPS[replay.words.failure.name]
        count = min(self.rng.randint(*LEFT_TO_DO[severity]), len(wanted))
        for text in self.rng.sample(wanted, k=count):
            yield from self._promised(replay, replay.words.fill(text))

    # ---- status updates ------------------------------------------------------------------------------------

    def _said(self, replay: Replay, answered: datetime) -> Iterator[Step]:
        course = replay.course
        middle = course.mitigated_at or answered + 0.6 * (course.resolved_at - answered)
        ended = course.ended_first_at or course.resolved_at
        soon = self.rng.uniform(0.1, 0.3)
        moments = [
            (answered + min(soon * (middle - answered), 8 * MINUTE), Status.INVESTIGATING),
            (answered + self.rng.uniform(0.7, 0.95) * (middle - answered), Status.IDENTIFIED),
            (ended + self.rng.uniform(1, 5) * MINUTE, Status.RESOLVED),
        ]
        if course.mitigated_at:
            moments.insert(2, (middle + self.rng.uniform(0.1, 0.4) * (ended - middle), Status.MONITORING))
        for at, status in moments:
            yield at, partial(self._say, replay, status, replay.words.fill(self.rng.choice(UPDATES[status])))
        if course.reopened_at:
            yield course.reopened_at + MINUTE, partial(self._say, replay, Status.INVESTIGATING, AGAIN)
            over = replay.words.fill(UPDATES[Status.RESOLVED][0])
            yield course.resolved_at + 2 * MINUTE, partial(self._say, replay, Status.RESOLVED, over)

    def _say(self, replay: Replay, status: Status, message: str, out: Consequences) -> None:
        by = replay.incident.assignee if self.rng.random() < 0.6 else self.rng.choice(replay.team)
        update = StatusUpdate(incident=replay.incident, status=status.value, message=message, at=out.now, by=by)
        update.due_at = update.published_at = update.at
        communication.record(update, out=out)
        self.updates.append((update, out.entries[-1]))

    def _publish(self, update: StatusUpdate, out: Consequences) -> None:
        update.by = update.incident.assignee
        communication.record(update, out=out)
        self.updates.append((update, out.entries[-1]))

    # ---- action items --------------------------------------------------------------------------------------

    def _promised(self, replay: Replay, title: str) -> Iterator[Step]:
        """Written down in the days after; then moved, handed on, done, taken up again, or forgotten."""
        rng, item = self.rng, ActionItem(incident=replay.incident, title=title, kind=kind_of(title))
        added = self._at_work(replay.course.resolved_at + rng.uniform(0.1, 3) * DAY)
        if added > self.now - JUST_NOW:
            return
        due = added + rng.choice(DUE_AFTER) * DAY
        has_owner = rng.random() < 0.95
        yield added, partial(self._add, replay, item, due if rng.random() < 0.94 else None, has_owner)
        if rng.random() < 0.14:
            moved, due = self._at_work(added + 0.7 * (due - added)), due + 14 * DAY
            if moved < self.now - JUST_NOW:
                yield moved, partial(self._move, item, due)
        done = self._finished(added, due)
        if done < self.now - JUST_NOW:
            yield done, partial(self._finish, replay, item)
            again = self._at_work(done + 2 * DAY)
            if rng.random() < 0.05 and again < self.now - JUST_NOW:
                yield again, partial(self._reopen, replay, item)
        lived_with = self._at_work(due + rng.uniform(5, 25) * DAY)
        if done > self.now and lived_with < self.now - JUST_NOW and rng.random() < LIVED_WITH:
            yield lived_with, partial(self._accept, replay, item, replay.words.fill(rng.choice(ACCEPTED)))

    def _finished(self, added: datetime, due: datetime) -> datetime:
        """When it is done, which may lie far ahead."""
        if self.rng.random() < 0.78:
            return self._at_work(added + self.rng.uniform(0.3, 0.98) * (due - added))
        if due < self.now - LONG_AGO and self.rng.random() < 0.95:
            return self._at_work(due + self.rng.uniform(1, 20) * DAY)
        return due + 400 * DAY

    def _at_work(self, at: datetime) -> datetime:
        """The same or the next working day, in office hours."""
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        moment = day + timedelta(hours=8, seconds=self.rng.uniform(0, 9 * 3600))
        while moment < at or moment.weekday() >= 5:  # noqa: PLR2004 - Saturday
            moment += DAY
        return moment

    def _add(self, replay: Replay, item: ActionItem, due: datetime | None, has_owner: bool, out: Consequences) -> None:
        by = self.rng.choice([replay.incident.assignee or replay.team[0], *replay.team])
        item.owner = self.rng.choice(replay.team) if has_owner else None
        item.due_on = due.date() if due else None
        item.created_at, item.created_by = out.now, by
        self.items.append(item)
        self._record(item, Kind.ACTION_ADDED, by, out)
        action_items.tell_owner(item, "Action item for you", by=by, reach=replay.world.reach, out=out)

    def _move(self, item: ActionItem, due: datetime, out: Consequences) -> None:
        if item.due_on is None or item.done_at:
            return
        action_items.apply(item, {"due_on": due.date()}, by=item.owner or item.created_by, out=out)
        self.entries.append((item, out.entries[-1]))

    def _finish(self, replay: Replay, item: ActionItem, out: Consequences) -> None:
        if item.owner is None:  # nobody's work is not done
            return
        item.done_at, item.done_by = out.now, item.owner
        self._record(item, Kind.ACTION_DONE, item.owner, out)

    def _reopen(self, replay: Replay, item: ActionItem, out: Consequences) -> None:
        if item.done_at is None:
            return
        by = self.rng.choice(replay.team)
        item.done_at, item.done_by = None, None
        self._record(item, Kind.ACTION_REOPENED, by, out)
        action_items.tell_owner(item, "Action item reopened", by=by, reach=replay.world.reach, out=out)

    def _accept(self, replay: Replay, item: ActionItem, reason: str, out: Consequences) -> None:
        by = self.rng.choice(replay.team)
        item.accepted_at, item.accepted_by, item.accepted_reason = out.now, by, reason
        entry = out.record(item.incident, Kind.ACTION_ACCEPTED, by=by, text=reason, **action_items.facts(item))
        self.entries.append((item, entry))

    def _record(self, item: ActionItem, kind: str, by: User | None, out: Consequences) -> None:
        entry = out.record(item.incident, kind, by=by, **action_items.facts(item))
        self.entries.append((item, entry))


def write(all_of_them: Iterable[Aftermath]) -> None:
    """Save the updates and items; their entries learn what they speak of, and are saved by the caller."""
    every = list(all_of_them)
    updates = [pair for aftermath in every for pair in aftermath.updates]
    StatusUpdate.objects.bulk_create([update for update, _ in updates])
    for update, entry in updates:
        entry.data["update"] = update.pk
    ActionItem.objects.bulk_create([item for aftermath in every for item in aftermath.items])
    for aftermath in every:
        for item, entry in aftermath.entries:
            entry.data["action"] = item.pk
