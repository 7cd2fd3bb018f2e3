"""Actions, the runners that carry them out, and their executions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.conf import settings
from django.utils import timezone
from pydantic import Field, StrictInt, WithJsonSchema

from api.paging import ListQuery
from api.schemas.base import LEFT_OUT, Boolean, Id, Input, Output, Reference, References, Time
from api.schemas.services import Slug
from automation import asking, parameters, places, runners
from automation.models import Action, Execution, Runner
from automation.parameters import Parameter

if TYPE_CHECKING:
    from accounts.models import User

KindName = Literal["diagnostics", "fix", "scale", "rollback"]
WayName = Literal["http", "runner"]
RequestFormat = Literal["generic", "github", "argo", "jenkins", "awx"]
ParameterType = Literal["name", "integer", "choice", "boolean", "text"]
StateName = Literal["waiting", "queued", "claimed", "running", "done", "failed", "unknown", "refused", "cancelled"]

_VALUE_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "boolean"}, {"type": "null"}]}
# What a parameter takes is for automation.parameters to say: it has the words, and one mistake for each value.
Value = Annotated[Any, WithJsonSchema(_VALUE_SCHEMA)]
Values = Annotated[
    dict[str, Any],
    Field(max_length=parameters.MOST_PARAMETERS, examples=[{"group": "search-indexer", "replicas": 6}]),
    WithJsonSchema({"type": "object", "additionalProperties": _VALUE_SCHEMA}),
]
Bound = Annotated[StrictInt, Field(ge=-parameters.BIGGEST, le=parameters.BIGGEST)]
Short = Annotated[str, Field(max_length=parameters.VALUE_LIMIT)]


class ParameterIn(Input):
    """One value that an action takes."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    type: ParameterType = "name"
    label: Annotated[str, Field(max_length=parameters.LABEL_LIMIT)] = ""
    is_required: Boolean = True
    default: Value = None
    minimum: Bound | None = Field(None, description="Of an integer, which needs both.")
    maximum: Bound | None = None
    choices: Annotated[list[Short], Field(max_length=parameters.MOST_CHOICES)] = []
    pattern: Short = Field("", description="RE2; a text must be all of it.")
    fact: str = Field(
        "", max_length=parameters.FACT_LIMIT, description="The label of the incident whose value is offered."
    )

    def declared(self) -> Parameter:
        """The parameter itself, not checked yet."""
        return Parameter(**dict(self) | {"choices": tuple(self.choices)})


class ParameterOut(Output):
    """One value that an action takes."""

    name: str
    type: ParameterType
    label: str
    is_required: bool
    default: Value
    minimum: int | None
    maximum: int | None
    choices: list[str]
    pattern: str
    fact: str


ActionName = Annotated[str, Field(min_length=1, max_length=120)]
Summary = Annotated[str, Field(max_length=2000)]
Command = Annotated[str, Field(max_length=80, description="The name of an action in the runner's own file.")]
Address = Annotated[str, Field(max_length=1000, description="Where the request goes. Nothing is filled into it.")]
Target = Annotated[str, Field(max_length=200, description="GitHub: branch or tag. Argo: the workflow template.")]
Authorization = Annotated[
    str, Field(max_length=2000, description="The Authorization header; it is never shown. Empty: none.")
]
Parameters = Annotated[list[ParameterIn], Field(max_length=parameters.MOST_PARAMETERS)]
Seconds = Annotated[StrictInt, Field(ge=1, le=3600)]


class ActionQuery(ListQuery):
    """What narrows the list."""

    q: str | None = Field(None, description="Words of the name, the slug or the summary.")
    service: str | None = Field(None, description="A service's slug.")
    kind: KindName | None = None
    archived: bool = Field(False, description="Those in the archive instead of the others.")


class NewAction(Input):
    """What may be asked for: a request to `url`, or the `command` of a `runner`."""

    slug: Slug
    name: ActionName
    summary: Summary = ""
    kind: KindName = "diagnostics"
    way: WayName
    runner: Id | None = Field(None, description="The id of the runner that carries it out.")
    command: Command = ""
    format: RequestFormat = "generic"
    url: Address = ""
    target: Target = ""
    authorization: Authorization = ""
    parameters: Parameters = []
    is_read_only: Boolean = Field(False, description="It changes nothing, whatever it is given.")
    is_destructive: Boolean = Field(False, description="Somebody other than who asked has to approve it.")
    has_dry_run: Boolean = Field(False, description="It can say what it would do without doing it.")
    is_automatic: Boolean = Field(False, description="It runs when an incident of its services opens.")
    seconds: Seconds = Field(120, description="How long a runner lets it run.")
    services: References = Field(default_factory=list, description="Slugs.")
    rollback: Reference | None = Field(None, description="The slug of the action that takes it back.")


class ActionChange(Input):
    """What a PATCH may change; what is left out stays. Whatever changes what it does makes a new revision."""

    name: ActionName = LEFT_OUT
    summary: Summary = LEFT_OUT
    kind: KindName = LEFT_OUT
    way: WayName = LEFT_OUT
    runner: Id | None = None
    command: Command = LEFT_OUT
    format: RequestFormat = LEFT_OUT
    url: Address = LEFT_OUT
    target: Target = LEFT_OUT
    authorization: Authorization = LEFT_OUT
    parameters: Parameters = LEFT_OUT
    is_read_only: Boolean = LEFT_OUT
    is_destructive: Boolean = LEFT_OUT
    has_dry_run: Boolean = LEFT_OUT
    is_automatic: Boolean = LEFT_OUT
    seconds: Seconds = LEFT_OUT
    services: References = LEFT_OUT
    rollback: Reference | None = None
    archived: Boolean = LEFT_OUT


class ActionOut(Output):
    """What may be asked for, without its secrets."""

    slug: str
    name: str
    summary: str
    kind: KindName
    way: WayName
    runner: int | None
    command: str
    format: RequestFormat
    url: str = Field(description="Where the request goes; its host alone for those who may not define actions.")
    target: str
    has_authorization: bool
    parameters: list[ParameterOut]
    is_read_only: bool
    is_destructive: bool
    has_dry_run: bool
    is_automatic: bool
    seconds: int
    services: list[str]
    rollback: str | None
    revision: int
    archived_at: Time | None
    created_at: Time
    page_url: str = Field(description="The page of the action.")

    @classmethod
    def of(cls, action: Action, user: User) -> ActionOut:
        """As ``user`` may see it. Reads what ``for_list`` has fetched."""
        return cls(**_values(action, user))


class ActionWithSecret(ActionOut):
    """An action, with the secret that its requests are signed with, which is shown once; null for a runner's."""

    signing_secret: str | None

    @classmethod
    def with_secret(cls, action: Action, user: User, secret: str) -> ActionWithSecret:
        """The secret is the text that the domain function has just answered."""
        return cls(**_values(action, user), signing_secret=secret or None)


def _values(action: Action, user: User) -> dict[str, Any]:
    same = (
        "slug", "name", "summary", "kind", "way", "command", "format", "target", "is_read_only",
        "is_destructive", "has_dry_run", "is_automatic", "seconds", "revision", "archived_at", "created_at",
    )  # fmt: skip
    return {name: getattr(action, name) for name in same} | {
        "url": action.address_for(user),
        "runner": action.runner_id,
        "has_authorization": bool(action.authorization),
        "parameters": [ParameterOut(**one.stored()) for one in action.takes],
        "services": [service.slug for service in action.services.all()],
        "rollback": action.rollback.slug if action.rollback else None,
        "page_url": settings.MUSTER.base_url + action.get_absolute_url(),
    }


RunnerName = Annotated[str, Field(min_length=1, max_length=80)]


class NewRunner(Input):
    """A program beside your systems that asks for work."""

    name: RunnerName


class RunnerChange(Input):
    """What a PATCH may change; what is left out stays. A runner that is off gets no work."""

    name: RunnerName = LEFT_OUT
    is_enabled: Boolean = LEFT_OUT


class OfferOut(Output):
    """An action of a runner's own file, as the runner told it."""

    name: str
    description: str
    read_only: bool
    has_dry_run: bool
    parameters: list[dict[str, Any]]

    @classmethod
    def of(cls, row: dict[str, Any]) -> OfferOut:
        """Of a file that is too long only the names are kept."""
        return cls(
            name=row["name"],
            description=row.get("description", ""),
            read_only=row.get("read_only", False),
            has_dry_run=row.get("has_dry_run", False),
            parameters=row.get("parameters", []),
        )


class RunnerOut(Output):
    """A program that asks for work; its token is not shown again."""

    id: int
    name: str
    is_enabled: bool
    token_prefix: str
    heard_at: Time | None = Field(description="When it last asked for work, give or take ten seconds.")
    is_heard: bool = Field(description="Whether that was within the last minute.")
    host: str
    version: str
    offers: list[OfferOut]
    created_at: Time

    @classmethod
    def of(cls, runner: Runner) -> RunnerOut:
        """Reads the runner alone."""
        return cls(**_told(runner))


class RunnerWithToken(RunnerOut):
    """A runner, with the token that it needs, which is shown once."""

    token: str | None

    @classmethod
    def with_token(cls, runner: Runner, token: str) -> RunnerWithToken:
        """The token is the text that the domain function has just answered."""
        return cls(**_told(runner), token=token)


def _told(runner: Runner) -> dict[str, Any]:
    same = ("name", "is_enabled", "heard_at", "host", "version", "created_at")
    return {name: getattr(runner, name) for name in same} | {
        "id": runner.pk,
        "token_prefix": runner.prefix,
        "is_heard": runner.is_heard(now=timezone.now(), within=runners.SILENT_AFTER),
        "offers": [OfferOut.of(row) for row in runner.offers],
    }


class ExecutionQuery(ListQuery):
    """What narrows the list."""

    incident: str | None = Field(None, description="Such as INC-42.")
    action: str | None = Field(None, description="An action's slug.")
    run: int | None = Field(None, ge=1, le=2**63 - 1, description="The id of a run of a runbook.")
    state: StateName | None = None
    unfinished: bool = Field(False, description="Only those whose end is not known yet.")


class NewExecution(Input):
    """What is asked for, and where."""

    action: Reference = Field(description="An action's slug.")
    incident: Reference = Field(description="Such as INC-42.")
    parameters: Values = {}
    dry_run: Boolean = Field(False, description="Only say what would be done.")
    run: Id | None = Field(None, description="The id of the run that it belongs to, with `step`.")
    step: Annotated[StrictInt, Field(ge=1, le=2**31 - 1)] | None = Field(None, description="Counted from 1.")
    rollback_of: Id | None = Field(None, description="The id of the execution that it takes back.")


class Refusal(Input):
    """Why not."""

    reason: Annotated[str, Field(min_length=1, max_length=asking.REASON_LIMIT)]


class ExecutionOut(Output):
    """One time that an action was asked for. It happens once or not at all; `unknown`: it may have, look."""

    id: int
    action: str
    revision: int = Field(description="The action's, when it was asked for.")
    incident: str = Field(examples=["INC-42"])
    way: WayName
    runner: int | None
    parameters: Values
    dry_run: bool
    is_automatic: bool
    run: int | None
    step: int | None
    rollback_of: int | None
    state: StateName
    detail: str = Field(description="How it ended, in words.")
    asked_at: Time
    asked_by: str | None
    decided_at: Time | None
    decided_by: str | None = Field(description="Who approved or refused it.")
    stopped_at: Time | None
    stopped_by: str | None
    started_at: Time | None
    finished_at: Time | None
    exit_code: int | None
    http_status: int | None
    rollback: str | None = Field(description="The slug of the action that takes it back.")
    url: str = Field(description="The page of the execution.")

    @classmethod
    def of(cls, execution: Execution) -> ExecutionOut:
        """Reads what ``for_list`` has fetched."""
        return cls(**_happened(execution))


class ExecutionWithOutput(ExecutionOut):
    """An execution and what it printed or answered; what looks like a secret is masked."""

    output: str
    left_out: int = Field(description="How many bytes were printed and not kept.")

    @classmethod
    def of(cls, execution: Execution) -> ExecutionWithOutput:
        """Reads what ``for_list`` has fetched, and the output."""
        return cls(**_happened(execution), output=execution.output, left_out=execution.left_out)


def _happened(execution: Execution) -> dict[str, Any]:
    same = (
        "revision", "way", "is_automatic", "state", "detail", "asked_at", "decided_at", "stopped_at", "started_at",
        "finished_at", "exit_code", "http_status",
    )  # fmt: skip
    run, step = places.step_of(execution.place) or (None, None)
    people = {name: getattr(execution, name) for name in ("asked_by", "decided_by", "stopped_by")}
    rollback = execution.action.rollback
    return {name: getattr(execution, name) for name in same} | {
        "id": execution.pk,
        "action": execution.action.slug,
        "incident": execution.incident.reference,
        "runner": execution.runner_id,
        "parameters": execution.values,
        "dry_run": execution.is_dry_run,
        "run": run,
        "step": step,
        "rollback_of": execution.rollback_of_id,
        "rollback": rollback.slug if rollback else None,
        "url": settings.MUSTER.base_url + execution.get_absolute_url(),
        **{name: who.username if who else None for name, who in people.items()},
    }
