"""Runners: which there are, and what the file of each allows. Admins make them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import person, require_role
from accounts.models import Role
from automation import runners
from automation.definition_forms import RunnerForm
from automation.fetching import runner_for, runner_for_admin
from automation.models import Runner
from core.forms import take_errors
from core.redirects import see_other

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_required
@require_safe
def runner_list(request: HttpRequest) -> HttpResponse:
    """Every runner, and whether it is heard of."""
    user, now = person(request), timezone.now()
    rows = [(one, one.is_heard(now=now, within=runners.SILENT_AFTER)) for one in Runner.objects.visible_to(user)]
    context = {"rows": rows, "may_define": user.has_role(Role.ADMIN)}
    return render(request, "automation/runner_list.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def runner_new(request: HttpRequest) -> HttpResponse:
    """Make a runner. The answer shows its token, which is why it is no redirect: the token is stored nowhere."""
    user = person(request)
    require_role(user, Role.ADMIN)
    form = RunnerForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            runner, token = runners.create(name=form.cleaned_data["name"], by=user)
            return _with_token(request, runner, token, is_new=True)
        except ValidationError as error:
            take_errors(form, error)
    status = 422 if request.method == "POST" else 200
    return render(request, "automation/runner_form.html", {"form": form}, status=status)


@login_required
@require_safe
def runner_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One runner: how it is, and what its own file allows."""
    user = person(request)
    runner = runner_for(user, pk)
    made = {one.command: one for one in runner.actions.filter(archived_at=None)}
    context = {
        "runner": runner,
        "is_heard": runner.is_heard(now=timezone.now(), within=runners.SILENT_AFTER),
        "offers": [(offer, made.get(offer["name"])) for offer in runner.offers],
        "missing": [one for name, one in made.items() if runner.heard_at and not runner.offer(name)],
        "may_define": user.has_role(Role.ADMIN),
    }
    return render(request, "automation/runner_detail.html", context)


@login_required
@require_POST
def runner_switch(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch it on or off; the form says which, so that pressing twice does the same."""
    user = person(request)
    is_enabled = request.POST.get("to") == "on"
    runners.update(runner_for_admin(user, pk), by=user, is_enabled=is_enabled)
    messages.success(request, "It gets work again." if is_enabled else "It is off: it gets no work.")
    return see_other("automation:runner_detail", pk=pk)


@login_required
@never_cache
@require_POST
def runner_rotate(request: HttpRequest, pk: int) -> HttpResponse:
    """Replace the token. The answer shows the new one, once."""
    user = person(request)
    runner, token = runners.rotate_token(runner_for_admin(user, pk), by=user)
    return _with_token(request, runner, token, is_new=False)


def _with_token(request: HttpRequest, runner: Runner, token: str, *, is_new: bool) -> HttpResponse:
    context = {"runner": runner, "token": token, "is_new": is_new, "base_url": settings.MUSTER.base_url}
    return render(request, "automation/runner_token.html", context, status=201 if is_new else 200)
