"""Finding what an address names, as far as the reader may see and change it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.access import require_manager, require_role
from accounts.models import Role
from runbooks.models import Run, Runbook, RunStep

if TYPE_CHECKING:
    from accounts.models import User


def runbook_for(user: User, slug: str) -> Runbook:
    """The runbook with what it says now; 404 where there is none."""
    rows = Runbook.objects.visible_to(user).for_list().select_related("current_version__created_by")
    runbook: Runbook = get_object_or_404(rows, slug=slug)
    return runbook


def runbook_for_manager(user: User, slug: str) -> Runbook:
    """The runbook, for a manager of the site or of its team; 404 or 403 otherwise."""
    runbook = runbook_for(user, slug)
    require_manager(user, runbook.team)
    return runbook


def run_for(user: User, pk: int) -> Run:
    """The run with its steps, for whoever may see the incident; 404 otherwise."""
    run: Run = get_object_or_404(Run.objects.visible_to(user).with_steps(), pk=pk)
    return run


def run_for_responder(user: User, pk: int) -> Run:
    """The run, for somebody who may work on the incident; 404 or 403 otherwise."""
    run = run_for(user, pk)
    require_role(user, Role.RESPONDER)
    return run


def step_of(run: Run, position: int) -> RunStep:
    """One step of a run that was read with its steps. Raises Http404."""
    step = next((step for step in run.steps.all() if step.position == position), None)
    if step is None:
        raise Http404("This run has no such step.")
    return step
