"""What updates do to components: pure, from what updates say to the stretches of time that uptime is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from incidents.models import StatusUpdate
from incidents.models.policy import Severity
from statuspage.models import Health

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import datetime

Changes = dict[str, tuple[str, str]]  # health before and after, by the public id of a component

ENDINGS = frozenset({StatusUpdate.Status.RESOLVED, StatusUpdate.Status.POSTMORTEM})
SAYABLE = frozenset({Health.OPERATIONAL, Health.DEGRADED, Health.PARTIAL, Health.MAJOR})
BY_SEVERITY: dict[str, str] = {
    Severity.CRITICAL: Health.MAJOR,
    Severity.HIGH: Health.PARTIAL,
    Severity.MEDIUM: Health.DEGRADED,
    Severity.LOW: Health.OPERATIONAL,
}
RANK: dict[str, int] = {
    Health.OPERATIONAL: 0,
    Health.MAINTENANCE: 1,
    Health.DEGRADED: 2,
    Health.PARTIAL: 3,
    Health.MAJOR: 4,
}


@dataclass(frozen=True, slots=True)
class Step:
    """An update: when the public heard it, whether it ends the incident, when what it did came about, and what that
    was."""

    at: datetime
    is_end: bool
    effect_at: datetime
    changes: Changes


@dataclass(frozen=True, slots=True)
class Stretch:
    """A component was like this by one incident; without an end it still is."""

    component: str
    health: str
    start: datetime
    end: datetime | None


@dataclass
class Course:
    """What an incident did to components so far, update by update."""

    started_at: datetime
    now: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    over: list[Stretch] = field(default_factory=list)

    def health_of(self, component: str) -> str:
        """How the component is by this incident."""
        return self.now[component][0] if component in self.now else Health.OPERATIONAL

    def take(self, step: Step, *, is_first: bool) -> None:
        """Go on by one update. The first one tells of what began when the incident did, also where it ends it."""
        for component, (before, after) in step.changes.items():
            if is_first and step.is_end and before != Health.OPERATIONAL:
                self.now[component] = (before, self.started_at)
            if not step.is_end and after != self.health_of(component):
                self._close(component, step.at)
                if after != Health.OPERATIONAL:
                    self.now[component] = (after, self.started_at if is_first else step.at)
        if step.is_end:
            for component in list(self.now):
                self._close(component, step.effect_at)

    def _close(self, component: str, at: datetime) -> None:
        if component in self.now:
            health, start = self.now.pop(component)
            self.over.append(Stretch(component, health, start, max(start, at)))

    def stretches(self) -> list[Stretch]:
        """All of them, in the order of their beginning."""
        still = [Stretch(component, health, start, None) for component, (health, start) in self.now.items()]
        return sorted([*self.over, *still], key=lambda each: (each.start, each.component))


def course_of(steps: Iterable[Step], *, started_at: datetime) -> Course:
    """What these updates did, in the order in which they were published."""
    course = Course(started_at)
    for number, step in enumerate(steps):
        course.take(step, is_first=number == 0)
    return course


def changes_of(
    course: Course,
    *,
    concerned: Collection[str],
    mapped: Collection[str],
    said: Mapping[str, str],
    severity: str,
    is_first: bool,
    is_end: bool,
) -> Changes:
    """What an update does to the components that it concerns. ``said`` is what updates of the incident said so far of
    components; others are as the severity says where they are ``mapped`` to its services, and well otherwise."""
    found: Changes = {}
    for component in concerned:
        by_severity = BY_SEVERITY[severity] if component in mapped else Health.OPERATIONAL
        told = said.get(component, by_severity)
        before = told if is_first and is_end else course.health_of(component)
        found[component] = (str(before), str(Health.OPERATIONAL if is_end else told))
    return found


def changes_when_edited(
    changes: Changes, *, said: Mapping[str, str], was_end: bool, is_end: bool, is_first: bool
) -> Changes:
    """The same of an update that says something else from now on. What it does to components stays, but where it ends
    the incident and did not, or did and does not."""
    if is_end == was_end:
        return changes
    if is_end:
        well = str(Health.OPERATIONAL)
        return {each: (after if is_first else before, well) for each, (before, after) in changes.items()}
    return {each: (before, said.get(each, before)) for each, (before, _) in changes.items()}


def worst(healths: Iterable[str]) -> str:
    """The worst of some; well where there is none."""
    return max(healths, key=RANK.__getitem__, default=Health.OPERATIONAL)
