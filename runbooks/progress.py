"""A run as it is shown: each step with what it says and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.versions import version_of
from runbooks.automating import NOTHING, Automation
from runbooks.models import Run, RunStep

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from automation.models import Action, Execution

State = RunStep.State


@dataclass(frozen=True, slots=True)
class ShownStep:
    """One step; ``version`` names its state, so that one with the same version looks the same.

    ``action`` is the slug that the guide gives; ``doable`` is what it names here, if anything, and ``execution`` the
    newest time that it was asked for at this step.
    """

    position: int
    title: str
    body: str
    action: str
    state: str
    by: User | None
    at: datetime | None
    text: str
    is_next: bool
    doable: Action | None = None
    execution: Execution | None = None

    @property
    def version(self) -> str:
        """A short name for how it looks."""
        action, asked = self.doable, self.execution
        does = (action.pk, action.name, action.archived_at) if action else ()
        stands = (asked.pk, asked.state, asked.stopped_at) if asked else ()
        looks = (self.state, self.by.pk if self.by else 0, self.at, self.text, self.is_next, does, stands)
        return version_of(looks)


@dataclass(frozen=True, slots=True)
class Progress:
    """A run with its steps in order."""

    run: Run
    title: str
    summary: str
    steps: list[ShownStep]

    @property
    def next(self) -> ShownStep | None:
        """The first step that is to do."""
        return next((step for step in self.steps if step.is_next), None)

    @property
    def last(self) -> ShownStep | None:
        """What was done or skipped last."""
        over = [step for step in self.steps if step.at]
        return max(over, key=lambda step: (step.at, step.position), default=None)

    @property
    def done(self) -> int:
        """How many steps are done."""
        return sum(step.state == State.DONE for step in self.steps)

    @property
    def skipped(self) -> int:
        """How many steps were left out."""
        return sum(step.state == State.SKIPPED for step in self.steps)

    @property
    def over(self) -> int:
        """How many steps are done or skipped."""
        return self.done + self.skipped

    @property
    def version(self) -> str:
        """A short name for what stands above the steps."""
        looks = (self.done, self.skipped, self.run.finished_at)
        return version_of(looks)


def of(run: Run, steps: Iterable[RunStep], automation: Automation = NOTHING) -> Progress:
    """The run as it stands; reads ``version`` of the run and ``by`` of each step, which the caller has fetched."""
    rows = sorted(steps, key=lambda step: step.position)
    following = next((step.position for step in rows if step.state == State.TODO), None)
    shown = [
        ShownStep(
            position=row.position,
            title=said["title"],
            body=said["body"],
            action=said["action"],
            state=row.state,
            by=row.by,
            at=row.at,
            text=row.text,
            is_next=row.position == following,
            doable=automation.actions.get(said["action"]),
            execution=automation.at(run, row.position),
        )
        for row, said in zip(rows, run.version.steps, strict=True)
    ]
    return Progress(run=run, title=run.version.title, summary=run.version.summary, steps=shown)
