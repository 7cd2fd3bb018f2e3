"""One execution: what was asked for, what came of it, and what people decide about it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.access import person
from accounts.models import Role
from automation import asking, places
from automation.fetching import execution_for, execution_for_responder
from automation.forms import RefuseForm
from automation.models import Execution, Way
from automation.telling import HAPPENED
from core.forms import take_errors
from core.htmx import HtmxHttpRequest, unseen, wants_fragment
from core.redirects import see_other
from core.versions import version_of
from incidents.models.incident import NotAllowedNow
from incidents.views import sheets
from incidents.views.sheets import Sheet, posted, shown_and_sent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

State = Execution.State


@login_required
@require_safe
def execution(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """The page of an execution."""
    return page(request, execution_for(person(request), pk))


@login_required
@require_GET
def execution_changed(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """The parts whose versions the reader does not have; 204 when there are none."""
    context = _context(request, execution_for(person(request), pk))
    fresh = unseen(request, context["versions"], prefix="execution-")
    if not fresh:
        return HttpResponse(status=204)
    return render(request, "automation/_execution_changed.html", context | {"fresh": fresh})


@login_required
@require_POST
def approve(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """A second person says yes."""
    user = person(request)
    asked = execution_for_responder(user, pk)
    return _act(request, asked, partial(asking.approve, asked, by=user), "Approved.")


@login_required
@require_POST
def stop(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Take it back, or have it stopped."""
    user = person(request)
    asked = execution_for_responder(user, pk)
    said = "It is told to stop." if asked.state == State.RUNNING else "Taken back. Nothing was run."
    return _act(request, asked, partial(asking.stop, asked, by=user), said)


@login_required
@shown_and_sent
def refuse(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """Say no, and why."""
    user = person(request)
    asked, form = execution_for_responder(user, pk), RefuseForm(posted(request))
    try:
        if form.is_valid():
            asking.refuse(asked, by=user, **form.cleaned_data)
            return done(request, asked, said="Refused. Nothing was run.")
    except ValidationError as error:
        take_errors(form, error)
    except NotAllowedNow as error:
        return _overtaken(request, asked, error, unsaved=form.typed())
    sheet = Sheet(f"Refuse {asked.action}", "Refuse it")
    return sheets.shown(request, asked.incident, sheet, form)


def done(request: HtmxHttpRequest, asked: Execution, *, said: str) -> HttpResponse:
    """Back to the page of ours that asked, or to the execution; a page that stays is told to look again."""
    if wants_fragment(request):
        return sheets.done(request, asked.incident, said=said)
    messages.success(request, said)
    return see_other(sheets.asked_from(request) or asked.get_absolute_url())


def page(
    request: HtmxHttpRequest, asked: Execution, *, status: int = 200, more: dict[str, Any] | None = None
) -> HttpResponse:
    """The whole page; ``more`` is for its top."""
    return render(request, "automation/execution.html", _context(request, asked) | (more or {}), status=status)


def _act(request: HtmxHttpRequest, asked: Execution, act: Callable[[], object], said: str) -> HttpResponse:
    """One button: done, or 409 with why not."""
    try:
        act()
    except NotAllowedNow as error:
        return _overtaken(request, asked, error)
    return done(request, asked, said=said)


def _overtaken(
    request: HtmxHttpRequest, asked: Execution, error: NotAllowedNow, *, unsaved: Sequence[str] = ()
) -> HttpResponse:
    """Say why it could not be done, over the present state, and give back what was typed."""
    present = execution_for(person(request), asked.pk)
    return sheets.conflict(request, asked.incident, str(error), partial(page, request, present), unsaved=unsaved)


def _context(request: HtmxHttpRequest, asked: Execution) -> dict[str, Any]:
    may_run, action = person(request).has_role(Role.RESPONDER), asked.action
    is_current = action.archived_at is None
    may_have_happened = asked.state in HAPPENED and not asked.is_dry_run
    return {
        "execution": asked,
        "incident": asked.incident,
        "may_run": may_run,
        "may_stop": asked.state in (State.QUEUED, State.CLAIMED)
        or (asked.state == State.RUNNING and asked.way == Way.RUNNER and asked.stopped_at is None),
        "may_ask_again": asked.finished_at is not None and is_current,
        "may_roll_back": may_have_happened and action.rollback is not None and action.rollback.archived_at is None,
        "approve_until": asked.asked_at + asking.APPROVE_WITHIN,
        "is_changed": asking.is_changed(asked),
        "place": places.step_of(asked.place),
        "rollbacks": asked.rollbacks.select_related("action").defer("output") if may_have_happened else (),
        "versions": _versions(asked, may_run=may_run),
    }


def _versions(asked: Execution, *, may_run: bool) -> dict[str, str]:
    """A short name for how each part of the page looks."""
    stands = (asked.state, asked.stopped_at, asked.decided_at, asked.action.archived_at, asked.action.revision, may_run)
    looks = {
        "head": stands,
        "facts": stands,
        "output": (asked.state in (State.RUNNING, State.CLAIMED), asked.received, asked.left_out, asked.output),
    }
    return {name: version_of(one) for name, one in looks.items()}
