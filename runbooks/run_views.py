"""Following a runbook: the panel on the incident's page, the page of a run, and what is done with its steps."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST, require_safe

from accounts.access import person, require_role
from accounts.models import Role
from core.forms import take_errors
from core.htmx import HtmxHttpRequest, unseen, wants_fragment
from core.redirects import see_other
from incidents.fetching import incident_for
from incidents.forms import ActionForm
from incidents.models.incident import NotAllowedNow
from incidents.views import sheets
from incidents.views.sheets import Sheet, posted, shown_and_sent
from runbooks import automating, panel, progress, running, views
from runbooks.fetching import run_for, run_for_responder, runbook_for, step_of
from runbooks.forms import SeenForm, SkipForm, StartForm

if TYPE_CHECKING:
    from collections.abc import Callable

    from runbooks.models import Run
    from runbooks.progress import Progress

SKIP = "Skip step {}"
SEEN = "What you saw at step {}"


@login_required
@require_GET
def incident_panel(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """The runbooks panel of an incident alone, for whoever refreshes it; 204 when it looks as the reader has seen."""
    user = person(request)
    shown = panel.of(incident_for(user, reference), user=user)
    if not unseen(request, {"runbooks-panel": shown.version}):
        return HttpResponse(status=204)
    return render(request, "runbooks/_incident_panel.html", {"panel": shown})


@login_required
@require_POST
def start(request: HtmxHttpRequest, slug: str) -> HttpResponse:
    """Follow it at an incident; where it is followed already, go on there."""
    user = person(request)
    runbook = runbook_for(user, slug)
    require_role(user, Role.RESPONDER)
    form = StartForm(request.POST, by=user)
    if not form.is_valid():
        return views.page(request, runbook, status=422, wrong=" ".join(map(str, form.errors["incident"])))
    try:
        run, is_new = running.start(form.cleaned_data["incident"], runbook, by=user)
    except NotAllowedNow as error:
        return views.page(request, runbook, status=409, wrong=str(error))
    said = f"{runbook} is started." if is_new else f"{runbook} is under way already."
    return _done(request, run, said=said)


@login_required
@require_safe
def run_detail(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """A run as a whole."""
    return _page(request, run_for(person(request), pk))


@login_required
@require_GET
def run_changed(request: HtmxHttpRequest, pk: int) -> HttpResponse:
    """The head and the steps whose versions the reader does not have; 204 when there are none."""
    run = run_for(person(request), pk)
    shown = progress.of(run, run.steps.all(), automating.of_run(run))
    versions = {f"step-{step.position}": step.version for step in shown.steps} | {"run-head": shown.version}
    fresh = unseen(request, versions)
    if not fresh:
        return HttpResponse(status=204)
    steps, has_head = [step for step in shown.steps if f"step-{step.position}" in fresh], "run-head" in fresh
    context = _context(request, run, shown) | {"fresh": steps, "has_head": has_head}
    return render(request, "runbooks/_run_changed.html", context)


@login_required
@require_POST
def tick(request: HtmxHttpRequest, pk: int, position: int) -> HttpResponse:
    """The step is done."""
    user = person(request)
    run = run_for_responder(user, pk)
    step_of(run, position)
    return _act(request, run, position, partial(running.tick, run, position, by=user), f"Step {position} is done.")


@login_required
@require_POST
def untick(request: HtmxHttpRequest, pk: int, position: int) -> HttpResponse:
    """The step is to do again."""
    user = person(request)
    run = run_for_responder(user, pk)
    step_of(run, position)
    act = partial(running.untick, run, position, by=user)
    return _act(request, run, position, act, f"Step {position} is to do again.")


@login_required
@shown_and_sent
def skip(request: HtmxHttpRequest, pk: int, position: int) -> HttpResponse:
    """The step is left out, for a reason."""
    user = person(request)
    run = run_for_responder(user, pk)
    step_of(run, position)
    sheet = Sheet(SKIP.format(position), "Skip it", said=f"Step {position} is skipped.")
    act = partial(running.skip, run, position, by=user)
    return _sheet(request, run, position, sheet, SkipForm(posted(request)), act)


@login_required
@shown_and_sent
def seen(request: HtmxHttpRequest, pk: int, position: int) -> HttpResponse:
    """Write down what was seen."""
    user = person(request)
    run = run_for_responder(user, pk)
    step_of(run, position)
    sheet = Sheet(SEEN.format(position), "Add it", said="Added.")
    act = partial(running.add_text, run, position, by=user)
    return _sheet(request, run, position, sheet, SeenForm(posted(request)), act)


def _act(request: HtmxHttpRequest, run: Run, position: int, act: Callable[..., object], said: str) -> HttpResponse:
    """One button: done, or 409 with who was faster."""
    try:
        act()
    except NotAllowedNow as error:
        return _overtaken(request, run, error)
    return _done(request, run, position, said=said)


def _sheet(
    request: HtmxHttpRequest, run: Run, position: int, sheet: Sheet, form: ActionForm, act: Callable[..., object]
) -> HttpResponse:
    """A small form: shown, done, sent back with what is wrong, or 409 with who was faster."""
    try:
        if form.is_valid():
            act(**form.cleaned_data)
            return _done(request, run, position, said=sheet.said)
    except ValidationError as error:
        take_errors(form, error)
    except NotAllowedNow as error:
        return _overtaken(request, run, error, unsaved=form)
    return sheets.shown(request, run.incident, sheet, form)


def _overtaken(
    request: HtmxHttpRequest, run: Run, error: NotAllowedNow, *, unsaved: ActionForm | None = None
) -> HttpResponse:
    """Say who was faster, over the present state, and give back what was typed."""
    texts = [str(text) for text in unsaved.cleaned_data.values()] if unsaved else []
    present = run_for(person(request), run.pk)
    return sheets.conflict(request, run.incident, str(error), partial(_page, request, present), unsaved=texts)


def _done(request: HtmxHttpRequest, run: Run, position: int | None = None, *, said: str) -> HttpResponse:
    """Back to the page of ours that asked, or to the run; a page that stays is told to look again."""
    if wants_fragment(request):
        return sheets.done(request, run.incident, said=said)
    address = sheets.asked_from(request)
    if not address and position is None:
        messages.success(request, said)
    anchor = f"#step-{position}" if position else ""
    return see_other(address or run.get_absolute_url() + anchor)


def _page(
    request: HtmxHttpRequest, run: Run, *, status: int = 200, more: dict[str, object] | None = None
) -> HttpResponse:
    return render(request, "runbooks/run_detail.html", _context(request, run) | (more or {}), status=status)


def _context(request: HtmxHttpRequest, run: Run, shown: Progress | None = None) -> dict[str, object]:
    return {
        "run": run,
        "progress": shown or progress.of(run, run.steps.all(), automating.of_run(run)),
        "incident": run.incident,
        "can_respond": person(request).has_role(Role.RESPONDER),
    }
