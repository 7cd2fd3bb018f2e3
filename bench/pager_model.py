"""What the pager should do, said again from the design's sections 3 and 4 alone: no rows, no sweeps, no Muster code.

It is small because it knows one thing at a time: whoever is to be paged is worked out when the step fires, and nothing
ever goes wrong in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

SEVERITIES = ("critical", "high", "medium", "low")
PAGING = ("critical", "high")
LATE = timedelta(seconds=30)
UNREACHABLE = ("dave",)
START = datetime(2026, 1, 1, tzinfo=UTC)

Line = tuple[datetime, str, str, tuple[str, ...]]


class Refused(Exception):
    """What is not allowed now."""


@dataclass(frozen=True)
class Step:
    """Minutes to wait, and whom it pages at an instant; of those who take turns the first who can be reached."""

    wait: int
    people: Callable[[datetime], tuple[str, ...]]
    takes_turns: bool = False
    needed: int = 1


@dataclass
class Policy:
    """Steps, and how often it has begun to page an incident."""

    name: str
    steps: tuple[Step, ...]
    repeat: int = 0
    repeat_after: int = 5
    turn: int = 0


@dataclass
class Schedule:
    """A rotation of a day from midnight to 20:00, UTC; then nobody. Overrides lie above it, the newest on top."""

    people: tuple[str, ...]
    overrides: list[tuple[str, datetime, datetime]] = field(default_factory=list)

    def on_call(self, at: datetime) -> str | None:
        """The holder."""
        for person, start, end in reversed(self.overrides):
            if start <= at < end:
                return person
        return self.people[(at - START).days % len(self.people)] if at.hour < 20 else None


@dataclass
class Paging:
    """One policy at work on one incident."""

    policy: Policy
    due: datetime
    state: str = "running"
    round: int = 0
    step: int = 0
    has_paged: bool = False
    turn: int = 0
    needed: int = 1
    answers: dict[str, datetime] = field(default_factory=dict)
    stopped_at: datetime | None = None

    def begin_anew(self) -> None:
        """From the first step, with nobody's answer."""
        self.round, self.step, self.has_paged, self.needed, self.answers = 0, 0, False, 1, {}


@dataclass
class Incident:
    """One incident, and everything that was to be said about its paging."""

    severity: str
    policies: list[Policy]
    status: str = "triggered"
    assignee: str | None = None
    was_answered: bool = False
    is_unanswered: bool = False
    stopped_at: datetime | None = None
    snoozed_until: datetime | None = None
    openings: int = 1
    pagings: dict[str, Paging] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether people still work on it."""
        return self.status not in ("resolved", "postmortem")

    @property
    def is_paging(self) -> bool:
        """Whether somebody is still to be paged."""
        return any(paging.state == "running" for paging in self.pagings.values())

    def silent_since(self, policy: str, person: str) -> datetime | None:
        """Since when the policy pages the person no more; without a policy, since the last answer."""
        paging = self.pagings.get(policy)
        if paging is None:
            return self.stopped_at
        return max(filter(None, (paging.stopped_at, paging.answers.get(person))), default=None)

    # ---- what people and monitors do -----------------------------------------------------------------------------

    def begin_missing(self, now: datetime) -> None:
        """Its severity pages: every policy that has not begun begins; while nobody has answered, stopped ones too."""
        if self.severity not in PAGING:
            return
        for policy in self.policies:
            known = self.pagings.get(policy.name)
            if known is None or (known.state == "stopped" and self.status == "triggered"):
                self._begin(policy, now)

    def _begin(self, policy: Policy, now: datetime) -> None:
        self._page(policy, now + timedelta(minutes=policy.steps[0].wait), now)

    def _page(self, policy: Policy, due: datetime, now: datetime) -> None:
        """From the first step; whoever begins for the first time draws a number."""
        known = self.pagings.get(policy.name)
        if known is None:
            known = self.pagings[policy.name] = Paging(policy, due, turn=policy.turn)
            policy.turn += 1
        known.begin_anew()
        known.state, known.due, known.stopped_at = "running", due, None
        self._advance(known, now)

    def acknowledge(self, by: str | None, now: datetime) -> None:
        """A person, or a monitor for one of its people; a monitor only where nobody has answered."""
        if not self.is_open:
            raise Refused
        if self.status == "triggered":
            self.status, self.was_answered, self.is_unanswered = "acknowledged", True, False
            self.assignee = self.assignee or by
        elif by is None:
            return
        self._answer(by, now)

    def move(self, to: str, by: str, now: datetime) -> None:
        """To investigating or mitigating."""
        if not self.is_open or (self.status, to) == ("mitigating", "acknowledged"):
            raise Refused
        if self.status == to:
            return
        self.status, self.was_answered, self.is_unanswered = to, True, False
        self.assignee = self.assignee or by
        self.snoozed_until = None
        self._answer(by, now)

    def resolve(self, by: str | None, now: datetime) -> None:
        """By a person, which also answers it, or by its monitor."""
        if not self.is_open:
            raise Refused
        self.status, self.is_unanswered, self.snoozed_until = "resolved", False, None
        self.was_answered = self.was_answered or by is not None
        self.assignee = self.assignee or by
        self._stop(now)

    def reopen(self, now: datetime) -> None:
        """To whoever answered it, or to everybody from the first step."""
        if self.is_open:
            raise Refused
        self.status = "investigating" if self.was_answered else "triggered"
        if self.status == "triggered":
            self._ask_again(now)

    def _ask_again(self, now: datetime) -> None:
        self.status, self.was_answered, self.snoozed_until = "triggered", False, None
        self.openings += 1
        for policy in self.policies:
            if policy.name in self.pagings and self.severity in PAGING:
                self._begin(policy, now)
        self.begin_missing(now)

    def give_back(self, now: datetime) -> None:
        """Nobody is on it any more."""
        if not self.is_open or self.status == "triggered":
            raise Refused
        self.assignee = None
        self._ask_again(now)

    def snooze(self, until: datetime, by: str, now: datetime) -> None:
        """Nobody is paged until then."""
        if not self.is_open:
            raise Refused
        if self.status == "triggered":
            self.acknowledge(by, now)
        self.assignee, self.snoozed_until = self.assignee or by, until
        self._stop(now)

    def wake(self) -> None:
        """Somebody ends it early, and pages nobody."""
        if self.snoozed_until is None:
            raise Refused
        self.snoozed_until = None

    def end_snooze(self, now: datetime) -> None:
        """Its time has come."""
        if self.snoozed_until and self.snoozed_until <= now:
            self._ask_again(now)

    def change_severity(self, to: str, now: datetime) -> None:
        """Raising starts what is missing, lowering takes nothing back."""
        was, self.severity = self.severity, to
        if self.is_open and SEVERITIES.index(to) < SEVERITIES.index(was):
            self.begin_missing(now)

    def page_further(self, now: datetime) -> None:
        """The next step of what runs; else of what an answer stopped, from the start where it was used up."""
        if not self.is_open:
            raise Refused
        running = [paging for paging in self.pagings.values() if paging.state == "running"]
        known = [self.pagings[policy.name] for policy in self.policies if policy.name in self.pagings]
        for paging in running or known:
            if paging.state == "exhausted":
                paging.begin_anew()
            paging.state, paging.due = "running", now
            self._advance(paging, now)
        for policy in self.policies:
            if not running and policy.name not in self.pagings:
                self._page(policy, now, now)

    def _answer(self, by: str | None, now: datetime) -> None:
        """Everything stops, but for what needs more people."""
        self.stopped_at = now
        for paging in self.pagings.values():
            if paging.state == "running" and paging.needed > 1:
                if by:
                    paging.answers.setdefault(by, now)
                if len(paging.answers) < paging.needed:
                    paging.answers |= {by: now} if by in paging.answers else {}
                    continue
            paging.stopped_at = now
            if paging.state == "running":
                paging.state = "stopped"

    def _stop(self, now: datetime) -> None:
        self.stopped_at = now
        for paging in self.pagings.values():
            paging.stopped_at = now
            if paging.state == "running":
                paging.state = "stopped"

    # ---- time ----------------------------------------------------------------------------------------------------

    def advance(self, now: datetime) -> None:
        """Everything that is due by now."""
        for paging in self.pagings.values():
            self._advance(paging, now)

    def _advance(self, paging: Paging, now: datetime) -> None:
        policy = paging.policy
        while paging.state == "running" and paging.due <= now:
            base = paging.due if now - paging.due <= LATE else now
            if paging.step < len(policy.steps):
                self._fire(paging, base, now)
            elif paging.round < policy.repeat and paging.has_paged:
                paging.round, paging.step, paging.has_paged = paging.round + 1, 0, False
                paging.due = base + timedelta(minutes=policy.steps[0].wait)
            else:
                paging.state = "exhausted"
                self.is_unanswered = self.is_unanswered or self.status == "triggered"
                self.lines.append((now, "exhausted", policy.name, ()))

    def _fire(self, paging: Paging, base: datetime, now: datetime) -> None:
        policy = paging.policy
        step = policy.steps[paging.step]
        people = step.people(now)
        if step.takes_turns:
            first = (paging.turn + paging.round + paging.step) % len(people)
            people = people[first:] + people[:first]
        people = tuple(name for name in people if name not in UNREACHABLE and name not in paging.answers)
        people = people[:1] if step.takes_turns else people
        paging.needed = max(paging.needed, step.needed) if people else paging.needed
        words = f"Step {paging.step + 1} of {policy.name}" + (f", round {paging.round + 1}" if paging.round else "")
        self.lines.append((now, "paged" if people else "nobody_reached", words, tuple(sorted(people))))
        paging.step += 1
        paging.has_paged = paging.has_paged or bool(people)
        if not people:
            paging.due = now
        elif paging.step < len(policy.steps):
            paging.due = base + timedelta(minutes=policy.steps[paging.step].wait)
        else:
            paging.due = base + timedelta(minutes=policy.repeat_after)


def company(schedule: Schedule) -> dict[str, Policy]:
    """The policies of bench.pager_world in these words, by service; and what pages where no service has one."""

    def holder(at: datetime) -> tuple[str, ...]:
        person = schedule.on_call(at)
        return (person,) if person else ()

    platform = Step(0, holder), Step(5, lambda _: ("bob", "dave")), Step(2, lambda _: ("dave",))
    storage = (
        Step(2, lambda _: ("alice", "dave", "carol"), takes_turns=True),
        Step(10, lambda at: tuple({*holder(at), "alice"}), needed=2),
    )
    return {
        "platform": Policy("Platform", platform, repeat=1),
        "storage": Policy("Storage", storage, repeat=1),
        "Every admin": Policy("Every admin", (Step(0, lambda _: ("root",)),)),
    }
