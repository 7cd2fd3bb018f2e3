"""Escalation policies: made, listed, read and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.access import require_manager
from accounts.models import Role, Team, User
from api import lookups, paging
from api.auth import ApiRequest, actor, require, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem, mistakes
from api.schemas.base import Number
from api.schemas.policies import NewPolicy, PolicyChange, PolicyOut, PolicyWithWarnings, StepIn
from oncall import changes, findings
from oncall.models import EscalationPolicy, Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oncall.querysets import EscalationPolicyQuerySet

router = Router(tags=["escalation policies"])


@router.get("", response=Page[PolicyOut])
def list_escalation_policies(request: ApiRequest, query: Query[ListQuery]) -> Page[PolicyOut]:
    """Escalation policies, newest first."""
    rows = _with_details(EscalationPolicy.objects.visible_to(actor(request)))
    return paging.answer(request, rows, query, Page[PolicyOut], PolicyOut.of)


@router.post("", auth=writer, response={201: PolicyWithWarnings})
@idempotent()
def create_escalation_policy(request: ApiRequest, body: NewPolicy) -> Answer[PolicyWithWarnings]:
    """Make a policy. `warnings` say what may keep it from reaching somebody; they are no refusal."""
    fields = _fields(request, dict(body))
    require_manager(actor(request), fields["team"])
    policy = changes.save_policy(steps=_steps(body.steps, user=actor(request)), by=actor(request), **fields)
    return Answer(201, _with_warnings(policy))


@router.get("/{policy_id}", response=PolicyOut)
def read_escalation_policy(request: ApiRequest, policy_id: Number) -> PolicyOut:
    """One policy, with its steps."""
    return PolicyOut.of(_policy(request, policy_id))


@router.patch("/{policy_id}", auth=writer, response=PolicyWithWarnings)
def change_escalation_policy(request: ApiRequest, policy_id: Number, body: PolicyChange) -> PolicyWithWarnings:
    """Change a policy. Escalations under way go on with the new steps from the position where they are."""
    policy, given = _policy(request, policy_id), body.given()
    require_manager(actor(request), policy.team)
    fields = _fields(request, given, was_default=policy.is_default)
    if "team" in fields:
        require_manager(actor(request), fields["team"])
    if "steps" in given:
        steps = _steps(body.steps, user=actor(request))
        policy = changes.save_policy(policy, steps=steps, by=actor(request), **fields)
    else:
        policy = changes.update_policy(policy, by=actor(request), **fields)
    return _with_warnings(policy)


def _fields(request: ApiRequest, given: dict[str, Any], *, was_default: bool = False) -> dict[str, Any]:
    """Everything but the steps. Which policy is the site's default is for managers of the site."""
    fields = {name: value for name, value in given.items() if name != "steps"}
    if "team" in fields:
        fields["team"] = lookups.team(fields["team"], user=actor(request))
    if fields.get("is_default", was_default) != was_default:
        require(request, Role.MANAGER)
    return fields


def _steps(steps: Sequence[StepIn], *, user: User) -> list[changes.Step]:
    """Steps with the people and teams that they name. Raises the problem 422 with each target that is none."""
    named = [target for step in steps for target in step.targets]
    found: dict[tuple[str, object], changes.Target] = {}
    usernames = [target.id for target in named if target.type == "user"]
    for each in User.objects.visible_to(user).filter(username__in=usernames):
        found["user", each.username] = each
    slugs = [target.id for target in named if target.type == "team"]
    for team in Team.objects.visible_to(user).filter(slug__in=slugs):
        found["team", team.slug] = team
    ids = [target.id for target in named if target.type == "schedule" and isinstance(target.id, int)]
    for schedule in Schedule.objects.visible_to(user).filter(pk__in=ids):
        found["schedule", schedule.pk] = schedule
    errors = []
    for position, step in enumerate(steps):
        for index, target in enumerate(step.targets):
            place = f"steps.{position}.targets.{index}"
            if (target.type, target.id) not in found:
                errors.append((f"{place}.id", f"There is no {target.type} {target.id!r}."))
    if errors:
        raise mistakes(errors)
    return [
        changes.Step(
            step.delay_minutes,
            tuple(found[target.type, target.id] for target in step.targets),
            step.takes_turns,
            step.acknowledgements,
        )
        for step in steps
    ]


def _policy(request: ApiRequest, pk: int) -> EscalationPolicy:
    rows = _with_details(EscalationPolicy.objects.visible_to(actor(request)))
    found: EscalationPolicy | None = rows.filter(pk=pk).first()
    if found is None:
        raise Problem(404, "There is no such escalation policy.")
    return found


def _with_details(rows: EscalationPolicyQuerySet) -> EscalationPolicyQuerySet:
    return rows.select_related("team").prefetch_related(
        "steps__targets__user", "steps__targets__team", "steps__targets__schedule"
    )


def _with_warnings(policy: EscalationPolicy) -> PolicyWithWarnings:
    policy = _with_details(EscalationPolicy.objects.all()).get(pk=policy.pk)
    return PolicyWithWarnings.saved(policy, [each.text for each in findings.of_policy(policy.pk, now=timezone.now())])
