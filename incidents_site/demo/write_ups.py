"""The postmortems of the history: drafted when the incident ended, most of them written and published in the days
after, a few late, a few forgotten."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any

from django.db.models import F

from incidents.consequences import Kind
from incidents.models import Severity
from incidents.models.timeline import TimelineEntry
from incidents.policy import policies
from incidents_site.demo import learned
from incidents_site.demo.learned import LESSONS
from postmortems import drafting, factors, generating, places, searching
from postmortems.generating import Facts
from postmortems.models import Comment, Factor, KeyEvent, Postmortem, Reviewer, Revision, Section
from postmortems.outline import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from accounts.models import User
    from incidents.consequences import Consequences
    from incidents.models import SeverityPolicy
    from incidents_site.demo.course import Course
    from incidents_site.demo.replay import Replay, Step
    from incidents_site.demo.story import Words

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
JUST_NOW = timedelta(minutes=25)
DRAFTED_WITHIN = 3.0  # seconds
SWEPT_BACK = timedelta(days=4)  # what is older and has none is not drafted any more
FORGOTTEN, LATE, READ_FIRST, LEFT_OUT, TALKED_ABOUT = 0.5, 0.13, 0.7, 0.12, 0.3
WANT_ONE = (Severity.CRITICAL, Severity.HIGH)
PROMISED = {Severity.CRITICAL: 5 * DAY, Severity.HIGH: 10 * DAY}

State = Postmortem.State


@dataclass
class WriteUp:
    """The postmortem of one replayed incident, not yet saved. It draws from a chance of its own; None is what did not
    happen."""

    now: datetime
    rng: random.Random
    drafted_at: datetime | None = None
    started_at: datetime | None = None
    review_at: datetime | None = None
    published_at: datetime | None = None
    owner: User | None = None
    postmortem: Postmortem = field(default_factory=Postmortem)
    entries: list[TimelineEntry] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)
    events: list[KeyEvent] = field(default_factory=list)
    reviewers: list[Reviewer] = field(default_factory=list)
    comments: list[Comment] = field(default_factory=list)
    factors: tuple[str, ...] = ()

    def steps(self, replay: Replay) -> Iterator[Step]:
        """What the timeline says of it, each with its time."""
        if self.drafted_at:
            yield self.drafted_at, partial(self._record, replay, Kind.POSTMORTEM_DRAFTED)
        if self.published_at:
            yield self.published_at, partial(self._record, replay, Kind.POSTMORTEM_PUBLISHED)

    def _record(self, replay: Replay, kind: str, out: Consequences) -> None:
        facts: dict[str, Any] = {"count": 1, "is_public": self.is_public()} if kind == Kind.POSTMORTEM_PUBLISHED else {}
        by = replay.incident.assignee if kind == Kind.POSTMORTEM_PUBLISHED else None
        self.entries.append(out.record(replay.incident, kind, by=by, **facts))

    def is_public(self) -> bool:
        """Whether the public read of it too."""
        return False

    def complete_row(self, replay: Replay) -> None:
        """What else its row says before it is saved."""

    def texts(self, replay: Replay, facts: Facts) -> dict[str, str]:
        """What a person wrote, by section."""
        return texts(replay, facts)

    def finish(self, replay: Replay) -> None:
        """What people did besides writing, if somebody began: which events are told, which factors, and the review."""
        choose(self)
        self.factors = LESSONS[replay.words.failure.name].factors
        if self.review_at:
            review(replay)


def of(course: Course, severity: Severity, rng: random.Random, *, now: datetime) -> WriteUp:
    """Draw how far the postmortem of an incident came."""
    found, ended = WriteUp(now, rng), course.resolved_at
    severity = course.new_severity or severity
    if severity not in WANT_ONE and course.postmortem_at is None:
        return found
    if course.postmortem_at is None and now - ended > SWEPT_BACK and rng.random() < FORGOTTEN:
        return found
    found.drafted_at = ended + timedelta(seconds=rng.uniform(0.4, DRAFTED_WITHIN))
    if course.postmortem_at is None:
        return found
    found.started_at = max(course.postmortem_at, found.drafted_at)
    promised = PROMISED.get(severity, 10 * DAY)
    share = rng.uniform(1.05, 1.9) if rng.random() < LATE else rng.uniform(0.45, 0.95)
    published = at_work(max(ended + share * promised, found.started_at + 5 * HOUR), rng)
    if rng.random() < READ_FIRST:
        review = found.started_at + rng.uniform(0.3, 0.6) * (published - found.started_at)
        found.review_at = review if review < now - JUST_NOW else None
    found.published_at = published if published < now - JUST_NOW else None
    return found


def arrange(replays: Sequence[Replay], *, now: datetime) -> None:
    """Whatever chance has drawn: nobody has touched the draft of the newest bad incident, and one that ended some days
    before is in review. Called before they are acted out."""
    bad = [
        replay
        for replay in sorted(replays, key=lambda replay: replay.course.resolved_at, reverse=True)
        if (replay.course.new_severity or replay.incident.severity) in WANT_ONE and replay.course.acknowledged_at
    ]
    fresh = bad[0]
    read = next(replay for replay in bad[1:] if now - replay.course.resolved_at > 30 * HOUR)
    begun = read.course.resolved_at + 14 * HOUR
    fresh.course = replace(fresh.course, postmortem_at=None)
    read.course = replace(read.course, postmortem_at=begun)
    for replay in (fresh, read):
        replay.write_up = WriteUp(now, replay.write_up.rng, drafted_at=replay.course.resolved_at + timedelta(seconds=2))
    read.write_up.started_at, read.write_up.review_at = begun, begun + 6 * HOUR


def at_work(at: datetime, rng: random.Random) -> datetime:
    """The same or the next working day, in office hours."""
    moment = at.replace(hour=8, minute=0, second=0, microsecond=0) + timedelta(seconds=rng.uniform(0, 9 * 3600))
    while moment < at or moment.weekday() >= 5:  # noqa: PLR2004 - Saturday
        moment += DAY
    return moment


def write(replays: Sequence[Replay]) -> None:
    """Save the postmortems of incidents whose entries are saved already, with one statement a table."""
    factors.ensure_defaults()
    known = {factor.name: factor for factor in Factor.objects.all()}
    promised = policies()
    made = [replay for replay in replays if replay.write_up.drafted_at]
    for replay in made:
        _begin_row(replay)
    Postmortem.objects.bulk_create([replay.write_up.postmortem for replay in made])
    every = [replay.write_up for replay in made]
    for replay in made:
        compose(replay, promised)
    for model, name in (
        (Section, "sections"), (Revision, "revisions"), (KeyEvent, "events"), (Reviewer, "reviewers"),
        (Comment, "comments"),
    ):  # fmt: skip
        model._default_manager.bulk_create(chain.from_iterable(getattr(each, name) for each in every))
    tie = Postmortem.factors.through
    tie._default_manager.bulk_create(
        tie(postmortem=each.postmortem, factor=known[name])
        for each in every for name in each.factors if name in known
    )  # fmt: skip
    keys = [each.postmortem.pk for each in every]
    # Whoever is late was reminded by then; the demo does not begin with a heap of reminders.
    Postmortem.objects.filter(pk__in=keys).update(created_at=F("drafted_for"), reminded_at=replays[0].write_up.now)
    searching.index_all(keys)


def _begin_row(replay: Replay) -> None:
    up, incident = replay.write_up, replay.incident
    up.owner = incident.assignee
    in_review = up.review_at is not None and up.published_at is None
    state = State.PUBLISHED if up.published_at else State.IN_REVIEW if in_review else State.DRAFT
    up.postmortem = Postmortem(
        incident=incident,
        state=state.value,
        owner=incident.assignee,
        drafted_for=incident.resolved_at,
        started_at=up.started_at,
        in_review_at=up.review_at,
        published_at=up.published_at,
        published_by=up.owner if up.published_at else None,
        first_published_at=up.published_at,
    )
    up.complete_row(replay)


def compose(replay: Replay, promised: Mapping[str, SeverityPolicy]) -> None:
    """What it says: as it was drafted, and as people wrote it."""
    up = replay.write_up
    assert up.drafted_at is not None
    facts = facts_of(replay, promised, until=up.drafted_at)
    said = up.texts(replay, facts) if up.started_at else {}
    if up.started_at and not (up.published_at or up.review_at):
        said = {key: body for key, body in said.items() if key in ("summary", "root_cause")}
    for position, part in enumerate(STANDARD, start=1):
        drafted = generating.body_of(part, facts)
        add_section(up, part.key, position, drafted=drafted, body=said.get(part.key, drafted))
    up.events = drafting.events_of(up.postmortem, facts.entries)
    if up.started_at:
        up.finish(replay)


def facts_of(replay: Replay, promised: Mapping[str, SeverityPolicy], *, until: datetime) -> Facts:
    """What was known of the incident when its draft was written."""
    return Facts(
        incident=replay.incident,
        entries=[entry for entry in replay.entries if entry.at <= until],
        services=sorted(replay.services, key=lambda service: (service.name, service.pk)),
        clocks={clock.kind: clock for clock in replay.clocks},
        updates=[update for update, _ in replay.aftermath.updates if update.at <= until],
        policy=promised[replay.incident.severity],
    )


def add_section(up: WriteUp, key: str, position: int, *, drafted: str, body: str) -> None:
    """A section with its revisions: the draft, and what a person made of it."""
    assert up.drafted_at is not None
    part = STANDARD[position - 1]
    section = Section(
        postmortem=up.postmortem,
        key=key,
        title=part.title,
        prompt=part.prompt,
        is_required=part.is_required,
        position=position,
        body=body,
        generated=drafted,
    )
    up.sections.append(section)
    up.revisions.append(Revision(section=section, number=1, body=drafted, at=up.drafted_at, note=drafting.DRAFTED))
    if body == drafted or up.started_at is None:
        return
    last = min(up.review_at or up.published_at or up.now, up.started_at + 2 * HOUR)
    at = up.started_at + up.rng.uniform(0.1, 0.9) * max(last - up.started_at, MINUTE)
    section.number, section.edited_at, section.edited_by = 2, at, up.owner
    up.revisions.append(Revision(section=section, number=2, body=body, at=at, by=up.owner))


def choose(up: WriteUp) -> None:
    """Somebody has looked at the events, and left some out."""
    assert up.started_at is not None
    for event in up.events:
        event.is_generated = False
        if event.entry and event.entry.kind in (Kind.NOTED, Kind.PAGED) and up.rng.random() < LEFT_OUT:
            event.is_kept, event.changed_at, event.changed_by = False, up.started_at + 5 * MINUTE, up.owner


def review(replay: Replay) -> None:
    """Colleagues were asked to read it, and most of them approved."""
    up, others = replay.write_up, [user for user in replay.team if user != replay.write_up.owner]
    assert up.review_at is not None
    end = up.published_at or up.now
    for user in up.rng.sample(others, k=min(len(others), up.rng.randint(1, 2))):
        read = up.review_at + up.rng.uniform(0.2, 0.9) * (end - up.review_at)
        has_approved = up.published_at is not None and up.rng.random() < 0.85  # noqa: PLR2004 - most of them
        up.reviewers.append(
            Reviewer(
                postmortem=up.postmortem,
                user=user,
                asked_at=up.review_at,
                asked_by=up.owner,
                approved_at=read if has_approved else None,
            )
        )
        if up.published_at is None or up.rng.random() < TALKED_ABOUT:
            _comment(up, user, at=up.review_at + 0.15 * (read - up.review_at), settled_at=up.published_at and read)


def _comment(up: WriteUp, user: User, *, at: datetime, settled_at: datetime | None) -> None:
    key, text = up.rng.choice([each for each in learned.COMMENTS if each[1] not in {one.text for one in up.comments}])
    section = next(section for section in up.sections if section.key == key)
    by = up.owner if settled_at else None
    up.comments.append(
        Comment(
            postmortem=up.postmortem, section=section, text=text, at=at, by=user, settled_at=settled_at, settled_by=by
        )
    )


# ---- words -------------------------------------------------------------------------------------------------------


def texts(replay: Replay, facts: Facts) -> dict[str, str]:
    """What a person wrote, by section: the draft's facts, and blocks that fit the kind of failure."""
    rng, words, lesson = replay.write_up.rng, replay.words, LESSONS[replay.words.failure.name]
    drafted = {part.key: generating.body_of(part, facts) for part in STANDARD}
    pick = partial(_pick, words, rng)
    lessons = (
        ("What went well", lesson.well), ("What could improve", lesson.improve), ("Where we were lucky", lesson.lucky),
    )  # fmt: skip
    found = {
        "summary": f"{_first(drafted['summary'])}\n\n{pick(learned.MEANT)}",
        "root_cause": f"{replay.incident.root_cause or words.cause}\n\n{pick(lesson.because)}",
        "impact": "\n\n".join(
            [
                _first(drafted["impact"]),
                f"### Users affected\n\n{pick(lesson.users)}",
                f"### Data\n\n{pick(learned.DATA)}",
                f"### Money\n\n{pick(learned.MONEY)}",
            ]
        ),
        "resolution": _joined(_first(drafted["resolution"]), pick(learned.TRIED), pick(learned.MADE_SURE)),
        "lessons_learned": "\n\n".join(
            f"### {title}\n\n{_listed(words, rng.sample(texts, k=rng.randint(1, len(texts))))}"
            for title, texts in lessons
        ),
    }
    if not replay.aftermath.items:
        found["action_items"] = pick(learned.NOTHING_TO_DO)
    return found | {"timeline": places.EVENTS}


def _pick(words: Words, rng: random.Random, options: Sequence[str]) -> str:
    return words.fill(rng.choice(options))


def _first(text: str) -> str:
    """The first paragraph, which says what is known."""
    return text.partition("\n\n")[0]


def _joined(*paragraphs: str) -> str:
    return "\n\n".join(filter(None, paragraphs))


def _listed(words: Words, options: Iterable[str]) -> str:
    return "\n".join(f"- {words.fill(text)}" for text in options)
