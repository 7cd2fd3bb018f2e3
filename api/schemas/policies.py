"""Who is paged, in what order, and what each severity promises."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from pydantic import Field, StrictInt

from api.schemas.base import LEFT_OUT, Boolean, Id, Input, LongMinutes, Minutes, Output, Reference
from api.schemas.incidents import SeverityName
from incidents.models import SeverityPolicy
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget
from oncall.models.policy import MOST_ACKNOWLEDGEMENTS

TargetType = Literal["user", "schedule", "team"]
PolicyName = Annotated[str, Field(min_length=1, max_length=120)]
Rounds = Annotated[StrictInt, Field(ge=0, le=20, description="Extra rounds after the first.")]
RepeatAfter = Annotated[StrictInt, Field(ge=1, le=1440)]
Days = Annotated[StrictInt, Field(ge=1, le=3_650)]


class TargetIn(Input):
    """Whom a step pages: a user by username, everybody in a team by its slug, or who is on call by a schedule's id."""

    type: TargetType
    id: Reference | Id


class StepIn(Input):
    """Page these targets, this long after the step before."""

    delay_minutes: Minutes = 0
    targets: Annotated[list[TargetIn], Field(min_length=1, max_length=50)]
    takes_turns: Boolean = Field(False, description="Page one of all its people, the next one with each incident.")
    acknowledgements: Annotated[
        StrictInt, Field(ge=1, le=MOST_ACKNOWLEDGEMENTS, description="Paging goes on until so many people have.")
    ] = 1


Steps = Annotated[list[StepIn], Field(min_length=1, max_length=50)]


class NewPolicy(Input):
    """Who is paged, in what order, how often."""

    name: PolicyName
    repeat: Rounds = 0
    repeat_after_minutes: RepeatAfter = 5
    steps: Steps
    team: Reference | None = Field(None, description="The slug of the team whose managers may change it.")
    is_default: Boolean = Field(False, description="Used where no affected service names a policy.")


class PolicyChange(Input):
    """What a PATCH may change; `steps` replaces all of them."""

    name: PolicyName = LEFT_OUT
    repeat: Rounds = LEFT_OUT
    repeat_after_minutes: RepeatAfter = LEFT_OUT
    steps: Steps = LEFT_OUT
    team: Reference | None = None
    is_default: Boolean = LEFT_OUT


class TargetOut(Output):
    """A user, a team or a schedule."""

    type: TargetType
    id: str | int

    @classmethod
    def of(cls, target: EscalationTarget) -> TargetOut:
        """Reads ``user`` and ``team``, which the caller has fetched."""
        key = target.user.username if target.user else target.team.slug if target.team else target.schedule_id
        return cls(type=cast("TargetType", target.kind), id=key or 0)


class StepOut(Output):
    """One step."""

    delay_minutes: int
    targets: list[TargetOut]
    takes_turns: bool
    acknowledgements: int

    @classmethod
    def of(cls, step: EscalationStep) -> StepOut:
        """Reads ``targets``, which the caller has fetched."""
        targets = sorted(step.targets.all(), key=lambda target: target.pk)
        return cls(
            delay_minutes=step.delay_minutes,
            targets=[TargetOut.of(target) for target in targets],
            takes_turns=step.takes_turns,
            acknowledgements=step.acknowledgements,
        )


class PolicyOut(Output):
    """Who is paged, in what order, how often."""

    id: int
    name: str
    repeat: int
    repeat_after_minutes: int
    steps: list[StepOut]
    team: str | None
    is_default: bool

    @classmethod
    def of(cls, policy: EscalationPolicy) -> PolicyOut:
        """Reads ``team`` and the steps with their targets, which the caller has fetched."""
        steps = sorted(policy.steps.all(), key=lambda step: step.position)
        return cls(
            id=policy.pk,
            name=policy.name,
            repeat=policy.repeat,
            repeat_after_minutes=policy.repeat_after_minutes,
            steps=[StepOut.of(step) for step in steps],
            team=policy.team.slug if policy.team else None,
            is_default=policy.is_default,
        )


class PolicyWithWarnings(PolicyOut):
    """A policy, and what may keep it from reaching somebody."""

    warnings: list[str]

    @classmethod
    def saved(cls, policy: EscalationPolicy, warnings: list[str]) -> PolicyWithWarnings:
        """Reads what ``of`` reads."""
        return cls(**dict(PolicyOut.of(policy)), warnings=warnings)


class SeverityPolicyChange(Input):
    """What a PATCH may change; what is left out stays."""

    impact: Annotated[str, Field(min_length=1, max_length=200)] = LEFT_OUT
    response_label: Annotated[str, Field(max_length=60)] = LEFT_OUT
    respond_within_minutes: LongMinutes | None = None
    resolve_within_minutes: LongMinutes | None = None
    remind_after_minutes: LongMinutes | None = None
    update_every_minutes: LongMinutes | None = None
    page_on_call: Boolean = LEFT_OUT
    notify_leadership: Boolean = LEFT_OUT
    leadership_after_minutes: Annotated[StrictInt, Field(ge=0, le=525_600)] = LEFT_OUT
    notify_channel: Boolean = LEFT_OUT
    open_ticket: Boolean = LEFT_OUT
    needs_postmortem: Boolean = LEFT_OUT
    postmortem_within_days: Days | None = None
    follow_up_within_days: Days | None = None


class SeverityPolicyOut(Output):
    """What one severity means, promises, and whom it tells."""

    severity: SeverityName
    impact: str
    response_label: str
    respond_within_minutes: int | None = Field(description="Null: by the end of the next business day.")
    resolve_within_minutes: int | None = Field(description="Null: no promise.")
    remind_after_minutes: int | None = Field(
        description="Answered and quiet for so long: remind the assignee, then page the next step. Null: never."
    )
    update_every_minutes: int | None = Field(
        description="While it is open, a status update is due at least so often. Null: no promise."
    )
    page_on_call: bool
    notify_leadership: bool
    leadership_after_minutes: int
    notify_channel: bool
    open_ticket: bool
    needs_postmortem: bool = Field(description="A draft is written when the incident is resolved.")
    postmortem_within_days: int | None = Field(description="Null: no promise.")
    follow_up_within_days: int | None = Field(description="Until an action item is due. Null: no day is set.")

    @classmethod
    def of(cls, policy: SeverityPolicy) -> SeverityPolicyOut:
        """Reads only the row."""
        return cls(**{name: getattr(policy, name) for name in cls.model_fields})
