"""The night in which Kafka refused documents: one past incident that is told word for word, with its postmortem."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from accounts.models import User
from incidents import action_items, communication
from incidents.consequences import Kind
from incidents.models import ActionItem, Evidence, Incident, Severity, Status, StatusUpdate
from incidents_site.demo import alarms, in_public, stall_text
from incidents_site.demo.aftermath import Aftermath
from incidents_site.demo.course import Course
from incidents_site.demo.replay import Replay
from incidents_site.demo.rhythm import Occasion
from incidents_site.demo.story import Failure, Words
from incidents_site.demo.write_ups import WriteUp
from postmortems.models import Comment, KeyEvent, Reviewer, Revision, Section

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents.consequences import Consequences
    from incidents_site.demo.company import Company
    from incidents_site.demo.replay import Step
    from postmortems.generating import Facts

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TUESDAY = 1

STALL = Failure(
    name="refused documents",
    alert="KafkaUnderMinIsr",
    services={"kafka": 1},
    severities=(1, 0, 0, 0),
    summaries=("14 partitions of ingest.raw refuse writes: too few replicas in sync",),
    reports=("Kafka refuses documents",),
    descriptions=(
        "Producers of `ingest.raw` get `NOT_ENOUGH_REPLICAS` for 14 of 96 partitions. Broker kafka-4 has left "
        "the cluster.",
    ),
    looks=("",),
    findings=("",),
    mitigation="fix_applied",
    actions=(
        "Set `min.insync.replicas=1` on `ingest.raw`. Writes are accepted again on all 96 partitions. To be put back "
        "as soon as kafka-4 has caught up.",
    ),
    watches=("",),
    causes=(
        "The disk of kafka-4 filled up and the broker left. 14 partitions of `ingest.raw` had two replicas instead of "
        "three, so one broker less was one too few for the two that must be in sync.",
    ),
    evidence=(("metric", "", ""),),
)

LEAD, HELPER = 0, 1  # who writes: whoever answered, or somebody else of the team

NOTES: tuple[tuple[float, int, str], ...] = (
    (
        6,
        LEAD,
        "Writes fail on **14 of 96** partitions of `ingest.raw`. All 14 have kafka-4 among their replicas, and kafka-4 "
        "is gone since 02:07. The other 82 are fine.",
    ),
    (
        12,
        HELPER,
        "kafka-4 is up, its disk is not:\n\n```text\n$ df -h /data\nFilesystem      Size  Used Avail Use% Mounted on\n"
        "/dev/nvme1n1    1.8T  1.8T     0 100% /data\n```\n\nEleven hours ago it was at 90 %.",
    ),
    (
        17,
        LEAD,
        "Restarted kafka-4, as the runbook says. It cannot open its log without space, and left again after 40 s. "
        "So: space first, then the broker.",
    ),
    (
        21,
        HELPER,
        "Tried a shorter retention for `ingest.raw`, 72 h. No effect: a broker that does not run deletes nothing. "
        "Asking for 500 GB more; the volume takes about 15 min.",
    ),
    (
        25,
        HELPER,
        "These 14 have **two** replicas, not three:\n\n```text\nTopic: ingest.raw  Partition: 31  Leader: none  "
        "Replicas: 4,6  Isr: 6\n```\n\nThat is why one broker is enough to stop them.",
    ),
    (
        31,
        LEAD,
        "Decision, together with Inês: `min.insync.replicas` down to 1 until kafka-4 is back. **Risk:** until then a "
        "second broken disk loses acknowledged documents. We look again at 03:15 at the latest.",
    ),
    (
        36,
        LEAD,
        "Accepted everywhere since 02:46. Clients send again what they kept: 196,000 documents are waiting, falling by "
        "9,000 a minute.",
    ),
    (52, HELPER, "The volume has its 500 GB, kafka-4 is back and reads what it missed. 61 of 96 complete."),
    (71, HELPER, "96 of 96 complete. kafka-4 has caught up."),
    (
        74,
        LEAD,
        "`min.insync.replicas` is 2 again. A document that I sent just now was searchable after 40 s. Watching until "
        "what was kept is through.",
    ),
)
EVIDENCE: tuple[tuple[float, int, str, str, str], ...] = (
    (8, LEAD, "metric", "Refused writes by partition", "https://grafana.finchlight.example/d/kafka/refused"),
    (
        13,
        HELPER,
        "metric",
        "Disk of kafka-4, last 24 h",
        "https://grafana.finchlight.example/d/kafka/disk?host=kafka-4",
    ),
    (26, HELPER, "log", "Replicas of ingest.raw", "https://logs.finchlight.example/host/kafka-4?q=replicas"),
)
UPDATES: tuple[tuple[float, str, str], ...] = (
    (
        8,
        StatusUpdate.Status.INVESTIGATING,
        "About one document in seven is refused with `503` since 02:07 UTC. Search and dashboards work. We know where, "
        "and are finding out why; next word by 02:40.",
    ),
    (
        26,
        StatusUpdate.Status.IDENTIFIED,
        "A storage server is out of space, and part of the intake depends on it. **Clients that try again lose "
        "nothing.** Next word by 03:00.",
    ),
    (
        37,
        StatusUpdate.Status.MONITORING,
        "All documents are accepted again since 02:46 UTC. What was held back is being worked off; new documents are "
        "searchable with a delay until then.",
    ),
    (83, StatusUpdate.Status.RESOLVED, "Over. Documents are searchable within five minutes again. A report follows."),
)
# hours after the end, title, kind, owner, days until due, hours until done
ITEMS: tuple[tuple[float, str, str, str, int, float | None], ...] = (
    (6.2, "Give the 14 partitions of ingest.raw their third replica", "preventive", "jonas", 2, 27.5),
    (6.5, "Compare replicas with what each topic should have, every hour", "detective", "sam", 10, 150.0),
    (6.6, "Page when a disk will be full within four hours, whatever its level", "detective", "jonas", 14, 124.0),
    (7.0, "Limit ingest.raw by size as well as by age", "preventive", "sam", 14, None),
    (30.1, "Begin the runbook for a full disk with space, not with a restart", "mitigating", "ines", 7, 52.0),
    (31.0, "List which customers' clients send again by themselves", "mitigating", "theo", 21, None),
)


def begin(company: Company, *, now: datetime) -> Replay:
    """The incident as it was declared, in the night to the Tuesday before last, and what came of it."""
    at = _night(now)
    rng = random.Random("refused documents")
    service = company.services["kafka"]
    words = Words(STALL, rng, service=service.name, slug="kafka")
    occasion = Occasion(at=at, failure=STALL, slug="kafka", severity=Severity.CRITICAL, by_monitor=True)
    alarm = alarms.raised(occasion, words, company, hosts=("kafka-4",))
    alarm.late = None
    course = Course(
        started_at=at - 6 * MINUTE,
        created_at=at,
        acknowledged_at=at + timedelta(seconds=98),
        investigating_at=at + 4 * MINUTE,
        mitigated_at=at + 33 * MINUTE,
        resolved_at=at + 81 * MINUTE,
        postmortem_at=at + 7 * HOUR,
    )
    incident = Incident(
        title=alarm.delivery.title,
        description=alarm.delivery.description,
        severity=Severity.CRITICAL.value,
        created_at=course.created_at,
        started_at=course.started_at,
        source=str(alarm.integration),
        facts=alarm.delivery.facts,
        is_demo=True,
    )
    services = [service, company.services["ingest-pipeline"], company.services["search-index"]]
    told = Told(now, rng)
    told.people, told.company = company.users, company
    written = Written(now, rng)
    written.people = company.users
    written.drafted_at = course.resolved_at + timedelta(seconds=1.7)
    written.started_at = course.postmortem_at
    written.review_at = at + 31 * HOUR
    written.published_at = at + 3 * DAY + 11.5 * HOUR
    return Night(incident, course, words, company.members(service), services, told, written, alarm=alarm)


def _night(now: datetime) -> datetime:
    """02:13 UTC of a Tuesday, eight to fourteen days ago."""
    day = (now - 8 * DAY).replace(hour=2, minute=13, second=9, microsecond=0)
    return day - (day.weekday() - TUESDAY) % 7 * DAY


class Night(Replay):
    """People do what is written above."""

    def _who(self, which: int) -> User | None:
        lead = self.incident.assignee
        return lead if which == LEAD else next(user for user in self.team if user != lead)

    def _work(self, course: Course, answered: datetime) -> Iterator[Step]:
        at = course.created_at
        assert course.investigating_at is not None
        assert course.mitigated_at is not None
        yield course.investigating_at, partial(self._move, Status.INVESTIGATING)
        yield course.mitigated_at, self._mitigate
        for minutes, which, text in NOTES:
            yield at + minutes * MINUTE, partial(self._say, which, text)
        for minutes, which, kind, caption, url in EVIDENCE:
            yield at + minutes * MINUTE, partial(self._link, which, kind, caption, url)

    def _answer(self, out: Consequences) -> None:
        """Whoever of the team was paged first; it is acknowledged, and looked at a little later."""
        paged = [row.user for row in self.notifications.values() if row.user in self.team]
        self.incident.assignee = lead = next(iter(paged), None) or self.team[0]
        self._stop_paging(out)
        self.incident.move_to(Status.ACKNOWLEDGED, at=out.now, is_answer=True)
        out.record(self.incident, Kind.ACKNOWLEDGED, by=lead, cancelled=0)

    def _say(self, which: int, text: str, out: Consequences) -> None:
        out.record(self.incident, Kind.NOTED, by=self._who(which), text=text)

    def _link(self, which: int, kind: str, caption: str, url: str, out: Consequences) -> None:
        by = self._who(which)
        found = Evidence(incident=self.incident, kind=kind, url=url, caption=caption, at=out.now, by=by)
        self.evidence.append(
            (found, out.record(self.incident, Kind.EVIDENCE_LINKED, by=by, kind=kind, url=url, caption=caption))
        )


class Told(Aftermath):
    """What was said meanwhile, and what shall be done."""

    people: dict[str, User]
    company: Company

    def steps(self, replay: Replay) -> Iterator[Step]:
        """Every update and every promise, and the public report with its postmortem."""
        at, ended = replay.course.created_at, replay.course.resolved_at
        for moment, update in in_public.of_the_night(replay.incident, self.company, began=at):
            yield moment, partial(self._publish, update)
        for minutes, status, message in UPDATES:
            yield at + minutes * MINUTE, partial(self._tell, replay, status, message, StatusUpdate.Visibility.INTERNAL)
        published = replay.write_up.published_at
        assert published is not None
        yield (
            published,
            partial(
                self._tell, replay, StatusUpdate.Status.POSTMORTEM, stall_text.PUBLIC, StatusUpdate.Visibility.EXTERNAL
            ),
        )
        for hours, title, kind, owner, days, done in ITEMS:
            item = ActionItem(incident=replay.incident, title=title, kind=kind, owner=self.people[owner])
            added = ended + hours * HOUR
            yield added, partial(self._promise, replay, item, days)
            if done is not None:
                yield ended + done * HOUR, partial(self._finish, replay, item)

    def _tell(self, replay: Replay, status: str, message: str, visibility: str, out: Consequences) -> None:
        update = StatusUpdate(
            incident=replay.incident,
            status=status,
            visibility=visibility,
            message=message,
            is_postmortem=status == "postmortem",
            at=out.now,
            due_at=out.now,
            published_at=out.now,
            by=replay.incident.assignee,
        )
        communication.record(update, out=out)
        self.updates.append((update, out.entries[-1]))

    def _promise(self, replay: Replay, item: ActionItem, days: int, out: Consequences) -> None:
        by = replay.incident.assignee
        item.due_on, item.created_at, item.created_by = (out.now + days * DAY).date(), out.now, by
        self.items.append(item)
        self._record(item, Kind.ACTION_ADDED, by, out)
        action_items.tell_owner(item, "Action item for you", by=by, reach=replay.world.reach, out=out)


class Written(WriteUp):
    """The postmortem, word for word."""

    people: dict[str, User]

    def is_public(self) -> bool:
        """Its public version went out with it."""
        return True

    def finish(self, replay: Replay) -> None:
        """Somebody went through the events, two colleagues read it, and it was talked about."""
        assert self.drafted_at is not None
        assert self.review_at is not None
        self.factors = ("Capacity", "Configuration change", "Missing alert", "Missing runbook")
        self._tell_events(replay)
        for username, hours in (("ines", 26.2), ("lena", 27.0)):
            at = self.review_at
            self.reviewers.append(
                Reviewer(
                    postmortem=self.postmortem,
                    user=self.people[username],
                    asked_at=at,
                    asked_by=self.owner,
                    approved_at=at + hours * HOUR,
                )
            )
        by_key = {section.key: section for section in self.sections}
        for name, (now, before) in stall_text.BEFORE.items():
            self._was(by_key[name], now, before)
        for key, username, hours, text in stall_text.COMMENTS:
            at = self.review_at + hours * HOUR
            self.comments.append(
                Comment(
                    postmortem=self.postmortem,
                    section=by_key[key] if key else None,
                    text=text,
                    at=at,
                    by=self.people[username],
                    settled_at=at + HOUR,
                    settled_by=self.owner,
                )
            )

    def _was(self, section: Section, now: str, before: str) -> None:
        """It said something else until somebody commented on it."""
        assert self.review_at is not None
        assert now in section.body
        at, first = self.review_at + 6.5 * HOUR, next(each for each in self.revisions[::-1] if each.section is section)
        first.body = section.body.replace(now, before)
        section.number, section.edited_at = 3, at
        self.revisions.append(Revision(section=section, number=3, body=section.body, at=at, by=self.owner))

    def _tell_events(self, replay: Replay) -> None:
        """One note was written minutes after what it tells, one does not help, and the beginning was in no timeline."""
        assert self.started_at is not None
        decided = self.started_at + 20 * MINUTE
        for event in self.events:
            event.is_generated = False
            if event.text.endswith("96 of 96 complete. kafka-4 has caught up."):
                event.is_kept, event.changed_at, event.changed_by = False, decided, self.owner
            if "Restarted kafka-4" in event.text:
                event.text = "kafka-4 is restarted as the runbook says; without space it leaves again after 40 s"
                event.at -= 4 * MINUTE
                event.changed_at, event.changed_by = decided + 4 * MINUTE, self.owner
        began = replay.course.started_at
        for after, text in (
            (timedelta(0), "The disk of kafka-4 is full; the broker leaves the cluster. 14 partitions refuse writes"),
            (84 * MINUTE, "The last document that a client had kept is delivered"),
        ):
            self.events.append(
                KeyEvent(
                    postmortem=self.postmortem,
                    at=began + after,
                    text=text,
                    is_generated=False,
                    changed_at=decided + 8 * MINUTE,
                    changed_by=self.owner,
                )
            )

    def texts(self, _replay: Replay, _facts: Facts) -> dict[str, str]:
        """What it says."""
        return {
            "summary": stall_text.SUMMARY,
            "root_cause": stall_text.ROOT_CAUSE,
            "impact": stall_text.IMPACT,
            "resolution": stall_text.RESOLUTION,
            "lessons_learned": stall_text.LESSONS,
        }

    def complete_row(self, replay: Replay) -> None:
        """The meeting, and what the public reads."""
        row, at = self.postmortem, replay.course.created_at
        row.meeting_at = (at + 2 * DAY).replace(hour=14, minute=0, second=0)
        row.meeting_minutes, row.meeting_place = 45, "Room Heron, or meet.finchlight.example/kafka"
        row.public_text = stall_text.PUBLIC
        row.public_update = next(update for update, _ in replay.aftermath.updates if update.status == "postmortem")
