"""The editor of runbooks: a form, its preview, and what happens when somebody else saved first."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from accounts.access import manages_anything, person
from core import diffing
from core.forms import take_errors
from core.redirects import see_other
from runbooks import editing
from runbooks.fetching import runbook_for_manager
from runbooks.forms import RunbookForm, StepFormSet, initial_steps

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, QueryDict

    from accounts.models import User
    from runbooks.editing import Overtaken
    from runbooks.models import Runbook


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def runbook_new(request: HttpRequest) -> HttpResponse:
    """Write a runbook."""
    user = person(request)
    if not manages_anything(user):
        raise PermissionDenied
    return _edit(request, user, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def runbook_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change a runbook."""
    user = person(request)
    return _edit(request, user, runbook_for_manager(user, slug))


def _edit(request: HttpRequest, user: User, runbook: Runbook | None) -> HttpResponse:
    moved = StepFormSet.rearranged(request.POST)
    data, focus = moved or (request.POST or None, "")
    form, steps = _forms(user, runbook, data)
    context: dict[str, Any] = {"runbook": runbook, "form": form, "steps": steps, "focus": focus}
    if request.method != "POST" or moved:
        return render(request, "runbooks/runbook_form.html", context)
    status = 422
    if form.is_valid() & steps.is_valid():
        try:
            if "preview" in request.POST:
                context["preview"], status = editing.checked(form.guide(steps.steps())), 200
            else:
                return _saved(request, user, runbook, form, steps)
        except ValidationError as error:
            take_errors(form, error)
        except editing.Overtaken as overtaken:
            context, status = context | _conflict(user, runbook, request.POST, overtaken), 409
    return render(request, "runbooks/runbook_form.html", context, status=status)


def _forms(user: User, runbook: Runbook | None, data: QueryDict | None) -> tuple[RunbookForm, Any]:
    guide = editing.guide_of(runbook) if runbook else None
    number = runbook.version.number if runbook else 0
    form = RunbookForm(data, instance=copy(runbook), by=user, guide=guide)
    # What was sent counts alone: a step that is as it was must not be taken for one that nobody has filled in.
    initial = initial_steps(guide, number) if data is None else None
    return form, StepFormSet(data, initial=initial)


def _saved(request: HttpRequest, user: User, runbook: Runbook | None, form: RunbookForm, steps: Any) -> HttpResponse:
    guide, data = form.guide(steps.steps()), form.cleaned_data
    if runbook is None:
        saved = editing.create(guide, slug=data["slug"], by=user, **form.own())
        messages.success(request, f"{saved} was added.")
    else:
        what = data["what_changed"]
        saved = editing.change(runbook, guide, by=user, based_on=data["based_on"], what_changed=what, **form.own())
        is_new = saved.version.number != runbook.version.number
        messages.success(request, f"Saved as version {saved.version.number}." if is_new else "Saved.")
    return see_other("runbooks:detail", slug=saved.slug)


def _conflict(user: User, runbook: Runbook | None, data: QueryDict, overtaken: Overtaken) -> dict[str, Any]:
    """Everything as it was typed, now based on the newest version, with what somebody else has changed in it."""
    assert runbook is not None
    typed = data.copy()
    base = runbook.versions.filter(number=overtaken.based_on).first()
    typed["based_on"] = str(overtaken.since.number)
    form, steps = _forms(user, runbook, typed)
    return {
        "form": form,
        "steps": steps,
        "overtaken": overtaken,
        "theirs": diffing.lines(base.text if base else "", overtaken.since.text),
    }
