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
START = datetime(2026, 1, 1, tzinfo=UTC)

Line = tuple[datetime, str, str, tuple[str, ...]]


class Refused(Exception):
    """What is not allowed now."""


@dataclass(frozen=True)
class Policy:
    """Minutes and people of each step; the people are those who can be reached at an instant."""

    name: str
    steps: tuple[tuple[int, Callable[[datetime], tuple[str, ...]]], ...]
    repeat: int = 0
    repeat_after: int = 5


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
        self.pagings[policy.name] = Paging(policy, now + timedelta(minutes=policy.steps[0][0]))
        self._advance(self.pagings[policy.name], now)

    def acknowledge(self, by: str | None, now: datetime) -> None:
        """A person, or a monitor for one of its people; a monitor only where nobody has answered."""
        if not self.is_open:
            raise Refused
        if self.status == "triggered":
            self.status, self.was_answered, self.is_unanswered = "acknowledged", True, False
            self.assignee = self.assignee or by
        elif by is None:
            return
        self._stop(now)

    def move(self, to: str, by: str, now: datetime) -> None:
        """To investigating or mitigating."""
        if not self.is_open or (self.status, to) == ("mitigating", "acknowledged"):
            raise Refused
        if self.status == to:
            return
        self.status, self.was_answered, self.is_unanswered = to, True, False
        self.assignee = self.assignee or by
        self._stop(now)

    def resolve(self, by: str | None, now: datetime) -> None:
        """By a person, which also answers it, or by its monitor."""
        if not self.is_open:
            raise Refused
        self.status, self.is_unanswered = "resolved", False
        self.was_answered = self.was_answered or by is not None
        self.assignee = self.assignee or by
        self._stop(now)

    def reopen(self, now: datetime) -> None:
        """To whoever answered it, or to everybody from the first step."""
        if self.is_open:
            raise Refused
        self.status = "investigating" if self.was_answered else "triggered"
        if self.status == "triggered":
            self.openings += 1
            for policy in self.policies:
                if policy.name in self.pagings and self.severity in PAGING:
                    self._begin(policy, now)
            self.begin_missing(now)

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
                paging.round, paging.step, paging.has_paged = 0, 0, False
            paging.state, paging.due = "running", now
            self._advance(paging, now)
        for policy in self.policies:
            if not running and policy.name not in self.pagings:
                self.pagings[policy.name] = Paging(policy, now)
                self._advance(self.pagings[policy.name], now)

    def _stop(self, now: datetime) -> None:
        self.stopped_at = now
        for paging in self.pagings.values():
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
                paging.due = base + timedelta(minutes=policy.steps[0][0])
            else:
                paging.state = "exhausted"
                self.is_unanswered = self.is_unanswered or self.status == "triggered"
                self.lines.append((now, "exhausted", policy.name, ()))

    def _fire(self, paging: Paging, base: datetime, now: datetime) -> None:
        policy = paging.policy
        people = policy.steps[paging.step][1](now)
        words = f"Step {paging.step + 1} of {policy.name}" + (f", round {paging.round + 1}" if paging.round else "")
        self.lines.append((now, "paged" if people else "nobody_reached", words, tuple(sorted(people))))
        paging.step += 1
        paging.has_paged = paging.has_paged or bool(people)
        if not people:
            paging.due = now
        elif paging.step < len(policy.steps):
            paging.due = base + timedelta(minutes=policy.steps[paging.step][0])
        else:
            paging.due = base + timedelta(minutes=policy.repeat_after)


def company(schedule: Schedule) -> dict[str, Policy]:
    """The policies of bench.pager_world in these words, by service; and what pages where no service has one."""

    def holder(at: datetime) -> tuple[str, ...]:
        person = schedule.on_call(at)
        return (person,) if person not in (None, "dave") else ()

    return {
        "platform": Policy("Platform", ((0, holder), (5, lambda _: ("bob",)), (2, lambda _: ())), repeat=1),
        "storage": Policy("Storage", ((2, lambda _: ("alice",)), (10, lambda at: tuple({*holder(at), "alice"})))),
        "Every admin": Policy("Every admin", ((0, lambda _: ("root",)),)),
    }
