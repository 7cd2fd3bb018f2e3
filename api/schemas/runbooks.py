"""Runbooks and their runs."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from django.conf import settings
from django.utils import timezone
from pydantic import Field, StrictInt

from api.paging import ListQuery
from api.schemas.base import LEFT_OUT, Boolean, Input, Output, Reference, Time
from api.schemas.incidents import SeverityName
from api.schemas.services import Slug
from runbooks import guides, progress, running
from runbooks.models import Run, Runbook

StepState = Literal["todo", "done", "skipped"]
GuideTitle = Annotated[str, Field(min_length=1, max_length=guides.TITLE_LIMIT)]
GuideText = Annotated[str, Field(max_length=guides.TEXT_LIMIT, description="Markdown.")]
Days = Annotated[StrictInt, Field(ge=1, le=3650)]


class StepIn(Input):
    """One instruction."""

    title: GuideTitle
    body: GuideText = ""
    action: Slug | None = Field(None, description="The slug of the action that can be asked for at this step.")


class FactIn(Input):
    """One label of an incident's facts, and what it must look like."""

    name: Annotated[str, Field(min_length=1, max_length=guides.PATTERN_LIMIT, examples=["alertname"])]
    pattern: Annotated[str, Field(min_length=1, max_length=guides.PATTERN_LIMIT, examples=["Kafka*Lag*"])]


Steps = Annotated[list[StepIn], Field(min_length=1, max_length=guides.MOST_STEPS)]
Facts = Annotated[list[FactIn], Field(max_length=guides.MOST_LINKS)]
Services = Annotated[list[Reference], Field(max_length=guides.MOST_LINKS, description="Slugs.")]
Severities = Annotated[list[SeverityName], Field(max_length=len(guides.SEVERITIES), description="None means any.")]


class RunbookQuery(ListQuery):
    """What narrows the list."""

    q: str | None = Field(None, description="Words of the title, the summary or the steps.")
    service: str | None = Field(None, description="A service's slug.")
    severity: SeverityName | None = None
    team: str | None = Field(None, description="The slug of the team that owns it.")
    stale: bool = Field(False, description="Only those whose last review is too long ago.")
    archived: bool = Field(False, description="Those in the archive instead of the others.")


class NewRunbook(Input):
    """A guide."""

    slug: Slug
    title: GuideTitle
    summary: GuideText = ""
    services: Services = []
    severities: Severities = []
    facts: Facts = []
    steps: Steps
    team: Reference | None = Field(None, description="The slug of the team that owns it.")
    review_every_days: Days = 180


class RunbookChange(Input):
    """What a PATCH may change; what is left out stays. A change of what it says or is for makes a new version."""

    title: GuideTitle = LEFT_OUT
    summary: GuideText = LEFT_OUT
    services: Services = LEFT_OUT
    severities: Severities = LEFT_OUT
    facts: Facts = LEFT_OUT
    steps: Steps = LEFT_OUT
    team: Reference | None = None
    review_every_days: Days = LEFT_OUT
    based_on: Annotated[StrictInt, Field(ge=1)] = Field(
        default=LEFT_OUT.default, description="The version that you read; 409 if there is a newer one."
    )
    what_changed: Annotated[str, Field(max_length=200)] = LEFT_OUT
    reviewed: Literal[True] = Field(default=LEFT_OUT.default, description="It was read, and is right.")
    archived: Boolean = LEFT_OUT


class StepOut(Output):
    """One instruction."""

    title: str
    body: str
    action: str | None = Field(description="A slug, also of an action that does not exist yet.")


class FactOut(Output):
    """One label of an incident's facts, and what it must look like."""

    name: str
    pattern: str


class RunbookOut(Output):
    """A guide as it is now."""

    slug: str
    title: str
    summary: str
    services: list[str] = Field(description="Slugs, also of services that do not exist yet.")
    severities: list[SeverityName]
    facts: list[FactOut]
    steps: list[StepOut]
    team: str | None
    version: int
    review_every_days: int
    reviewed_at: Time | None
    is_stale: bool
    is_starter: bool
    archived_at: Time | None
    created_at: Time
    url: str = Field(description="The page of the runbook.")

    @classmethod
    def of(cls, runbook: Runbook) -> RunbookOut:
        """Reads ``team``, ``current_version`` and ``services``, which the caller has fetched."""
        version = runbook.version
        return cls(
            slug=runbook.slug,
            title=runbook.title,
            summary=version.summary,
            services=runbook.all_slugs,
            severities=cast("list[SeverityName]", runbook.severities),
            facts=[FactOut(name=name, pattern=pattern) for name, pattern in runbook.facts],
            steps=[
                StepOut(title=step["title"], body=step["body"], action=step["action"] or None) for step in version.steps
            ],
            team=runbook.team.slug if runbook.team else None,
            version=version.number,
            review_every_days=runbook.review_every_days,
            reviewed_at=runbook.reviewed_at,
            is_stale=runbook.is_stale(now=timezone.now()),
            is_starter=runbook.is_starter,
            archived_at=runbook.archived_at,
            created_at=runbook.created_at,
            url=settings.MUSTER.base_url + runbook.get_absolute_url(),
        )


class RunQuery(ListQuery):
    """What narrows the list."""

    incident: str | None = Field(None, description="Such as INC-42.")
    runbook: str | None = Field(None, description="A runbook's slug.")
    state: Literal["unfinished", "finished"] | None = None


class NewRun(Input):
    """Which guide is followed where."""

    runbook: Reference = Field(description="A runbook's slug.")
    incident: Reference = Field(description="Such as INC-42.")


class StepChange(Input):
    """What became of a step: `done`, `skipped` (with a `text` that says why), `todo` to take either back; without a
    `state`, `text` is what was seen."""

    state: StepState | None = None
    text: Annotated[str, Field(max_length=running.TEXT_LIMIT)] = ""


class RunStepOut(StepOut):
    """One instruction and what became of it."""

    position: int = Field(description="Counted from 1.")
    state: StepState
    by: str | None = Field(description="The username of the person who did or skipped it.")
    at: Time | None
    text: str = Field(description="What was seen, or why it was skipped.")


class RunOut(Output):
    """A guide that is followed at an incident, as it said when it was started."""

    id: int
    incident: str = Field(examples=["INC-42"])
    runbook: str
    version: int
    title: str
    started_at: Time
    started_by: str | None
    finished_at: Time | None
    steps: list[RunStepOut]
    url: str = Field(description="The page of the run.")

    @classmethod
    def of(cls, run: Run) -> RunOut:
        """Reads what ``with_steps`` has fetched."""
        shown = progress.of(run, run.steps.all())
        return cls(
            id=run.pk,
            incident=run.incident.reference,
            runbook=run.runbook.slug,
            version=run.version.number,
            title=shown.title,
            started_at=run.started_at,
            started_by=run.started_by.username if run.started_by else None,
            finished_at=run.finished_at,
            steps=[
                RunStepOut(
                    position=step.position,
                    title=step.title,
                    body=step.body,
                    action=step.action or None,
                    state=cast("StepState", step.state),
                    by=step.by.username if step.by else None,
                    at=step.at,
                    text=step.text,
                )
                for step in shown.steps
            ],
            url=settings.MUSTER.base_url + run.get_absolute_url(),
        )
