"""What may keep an escalation policy from reaching somebody: said early, and never a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import prefetch_related_objects
from django.utils import timezone

from notifications.outbox import methods_of
from oncall import rotas, shifts
from oncall.models import Schedule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from accounts.models import User
    from notifications.models import ContactMethod
    from oncall.models import EscalationPolicy, EscalationStep, EscalationTarget

Methods = dict[int, list["ContactMethod"]]


def warnings(policy: EscalationPolicy, *, now: datetime | None = None) -> list[str]:
    """One sentence for each weak spot, in the order of the steps; empty when everybody can be reached."""
    prefetch_related_objects(
        [policy], "steps__targets__user", "steps__targets__team__members", "steps__targets__schedule"
    )
    steps = sorted(policy.steps.all(), key=lambda step: step.position)
    scheduled = _scheduled(steps, now=now or timezone.now())
    people = {user.pk for step in steps for target in step.targets.all() for user in _people(target, scheduled)}
    methods = methods_of(people)
    return list(dict.fromkeys(warning for step in steps for warning in _of_step(step, methods, scheduled)))


def _scheduled(steps: Iterable[EscalationStep], *, now: datetime) -> dict[int, list[User]]:
    """Everybody in the schedules of some steps, by schedule."""
    keys = {target.schedule_id for step in steps for target in step.targets.all() if target.schedule_id}
    if not keys:
        return {}
    known, users = rotas.read(Schedule.objects.filter(pk__in=keys), start=now)
    return {pk: [users[person] for person in sorted(shifts.people_of(rota))] for pk, rota in known.items()}


def _people(target: EscalationTarget, scheduled: Mapping[int, list[User]]) -> list[User]:
    if target.schedule_id:
        return scheduled[target.schedule_id]
    return [target.user] if target.user else list(target.team.members.all()) if target.team else []


def _of_step(step: EscalationStep, methods: Methods, scheduled: Mapping[int, list[User]]) -> Iterator[str]:
    name = f"Step {step.position + 1}"
    reached = False
    for target in sorted(step.targets.all(), key=lambda each: each.pk):
        people = _people(target, scheduled)
        if target.team and not people:
            yield f"{name}: nobody is in the team {target.team.slug}."
        if target.schedule and not people:
            yield f"{name}: nobody is in the schedule {target.schedule}."
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
