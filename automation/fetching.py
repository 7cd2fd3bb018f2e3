"""Finding what an address names, as far as the reader may see and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404

from accounts.access import require_role
from accounts.models import Role
from automation.models import Action, Execution, Runner

if TYPE_CHECKING:
    from accounts.models import User


def action_for(user: User, slug: str) -> Action:
    """The action, with its runner, services and rollback; 404 where there is none."""
    action: Action = get_object_or_404(Action.objects.visible_to(user).for_list(), slug=slug)
    return action


def action_for_admin(user: User, slug: str) -> Action:
    """The action, for whoever may change it; 404 or 403 otherwise."""
    require_role(user, Role.ADMIN)
    return action_for(user, slug)


def runner_for(user: User, pk: int) -> Runner:
    """The runner; 404 where there is none."""
    runner: Runner = get_object_or_404(Runner.objects.visible_to(user), pk=pk)
    return runner


def runner_for_admin(user: User, pk: int) -> Runner:
    """The runner, for whoever may change it; 404 or 403 otherwise."""
    require_role(user, Role.ADMIN)
    return runner_for(user, pk)


def execution_for(user: User, pk: int) -> Execution:
    """The execution with its output, for whoever may see the incident; 404 otherwise."""
    rows = Execution.objects.visible_to(user).for_list().defer(None).select_related("rollback_of__action")
    execution: Execution = get_object_or_404(rows, pk=pk)
    return execution


def execution_for_responder(user: User, pk: int) -> Execution:
    """The execution, for somebody who may work on the incident; 404 or 403 otherwise."""
    execution = execution_for(user, pk)
    require_role(user, Role.RESPONDER)
    return execution
