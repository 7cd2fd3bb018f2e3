"""What may keep an escalation policy from reaching somebody: said early, and never a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import prefetch_related_objects

from notifications.outbox import methods_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.models import User
    from notifications.models import ContactMethod
    from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget

Methods = dict[int, list["ContactMethod"]]


def warnings(policy: EscalationPolicy) -> list[str]:
    """One sentence for each weak spot, in the order of the steps; empty when everybody can be reached."""
    prefetch_related_objects([policy], "steps__targets__user", "steps__targets__team__members")
    steps = sorted(policy.steps.all(), key=lambda step: step.position)
    people = {user.pk for step in steps for target in step.targets.all() for user in _people(target)}
    methods = methods_of(people)
    return list(dict.fromkeys(warning for step in steps for warning in _of_step(step, methods)))


def _people(target: EscalationTarget) -> list[User]:
    return [target.user] if target.user else list(target.team.members.all()) if target.team else []


def _of_step(step: EscalationStep, methods: Methods) -> Iterator[str]:
    name = f"Step {step.position + 1}"
    reached = False
    for target in sorted(step.targets.all(), key=lambda each: each.pk):
        people = _people(target)
        if target.team and not people:
            yield f"{name}: nobody is in the team {target.team.slug}."
        for user in people:
            weakness = _weakness(user, methods.get(user.pk, []))
            if weakness:
                yield f"{name}: {user.username} {weakness}."
            reached = reached or bool(methods.get(user.pk))
    if not reached:
        yield f"{name} reaches nobody; the next one follows at once."


def _weakness(user: User, methods: list[ContactMethod]) -> str:
    if not user.is_active:
        return "is switched off and is not paged"
    if not methods:
        return "has no contact method"
    return "" if any(method.is_verified for method in methods) else "has not confirmed any contact method"
