"""Escalation policies, changed with an entry in the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts import audit
from accounts.models import Team, User
from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget, Schedule
from oncall.models.policy import MOST_ACKNOWLEDGEMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EDITABLE = ("name", "team", "repeat", "repeat_after_minutes", "is_default")
MOST_STEPS = 20
LONGEST_DELAY = 1440  # minutes

Target = User | Team | Schedule


@dataclass(frozen=True, slots=True)
class Step:
    """Page ``targets`` this many minutes after the step before (after the start, for the first); see EscalationStep."""

    delay_minutes: int
    targets: tuple[Target, ...]
    takes_turns: bool = False
    acknowledgements: int = 1


@transaction.atomic
def save_policy(
    policy: EscalationPolicy | None = None, *, steps: Sequence[Step], by: User | None, **fields: Any
) -> EscalationPolicy:
    """Make a policy, or change one, with these steps in place of those it has. Raises ValidationError.

    An escalation under way goes on with the new steps from the position where it is.
    """
    _check(steps)
    saved = update_policy(policy or EscalationPolicy(), by=by, **fields)
    before = lines(saved)
    saved.steps.all().delete()
    for position, step in enumerate(steps):
        row = EscalationStep.objects.create(
            policy=saved,
            position=position,
            delay_minutes=step.delay_minutes,
            takes_turns=step.takes_turns,
            acknowledgements=step.acknowledgements,
        )
        EscalationTarget.objects.bulk_create(_targets(row, step.targets))
    audit.changed_links(saved, by=by, name="steps", before=before, after=lines(saved))
    return saved


@transaction.atomic
def update_policy(policy: EscalationPolicy, *, by: User | None, **fields: Any) -> EscalationPolicy:
    """Change what a policy is called and how it repeats; a new default takes the place of the old one."""
    unknown = fields.keys() - set(EDITABLE)
    if unknown:
        raise ValidationError(dict.fromkeys(sorted(unknown), "A policy has no such field."))
    if policy.pk:
        policy = EscalationPolicy.objects.select_for_update(of=("self",)).get(pk=policy.pk)
    for name, value in fields.items():
        setattr(policy, name, value)
    if policy.is_default:
        for other in EscalationPolicy.objects.select_for_update().filter(is_default=True).exclude(pk=policy.pk):
            other.is_default = False
            audit.save(other, by=by)
    return audit.save(policy, by=by)


def lines(policy: EscalationPolicy) -> list[str]:
    """The steps in words, for the audit log: "after 5 min: user alice, team core; in turn; needs 2"."""
    rows = policy.steps.order_by("position").prefetch_related("targets__user", "targets__team", "targets__schedule")
    return [
        f"after {row.delay_minutes} min: {', '.join(map(_name, row.targets.all())) or 'nobody'}"
        + ("; in turn" if row.takes_turns else "")
        + (f"; needs {row.acknowledgements}" if row.acknowledgements > 1 else "")
        for row in rows
    ]


def _name(target: EscalationTarget) -> str:
    if target.user:
        return f"user {target.user.username}"
    return f"team {target.team.slug}" if target.team else f"schedule {target.schedule}"


def _check(steps: Sequence[Step]) -> None:
    if not steps:
        raise ValidationError({"steps": "A policy needs at least one step, or it pages nobody."})
    if len(steps) > MOST_STEPS:
        raise ValidationError({"steps": f"A policy has at most {MOST_STEPS} steps."})
    for number, step in enumerate(steps, start=1):
        if not 0 <= step.delay_minutes <= LONGEST_DELAY:
            raise ValidationError({"steps": f"Step {number}: the delay is 0 to {LONGEST_DELAY} minutes."})
        if not 1 <= step.acknowledgements <= MOST_ACKNOWLEDGEMENTS:
            text = f"Step {number}: 1 to {MOST_ACKNOWLEDGEMENTS} people can be asked to acknowledge."
            raise ValidationError({"steps": text})
        if not step.targets:
            raise ValidationError({"steps": f"Step {number} pages nobody. Give it a schedule, a person or a team."})


def _targets(step: EscalationStep, targets: Iterable[Target]) -> list[EscalationTarget]:
    kinds: dict[type, str] = {User: "user", Team: "team", Schedule: "schedule"}
    chosen = [(kinds[type(target)], target) for target in dict.fromkeys(targets)]
    return [EscalationTarget(step=step, kind=kind, **{kind: target}) for kind, target in chosen]
