"""Pages of escalation policies."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import manages_anything, person, require_manager
from core.forms import with_one_more
from core.redirects import see_other
from oncall import changes, findings, publishing
from oncall.forms import PolicyForm, Targets, initial_of, step_formset
from oncall.models import EscalationPolicy

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User


@login_required
@require_GET
def policy_list(request: HttpRequest) -> HttpResponse:
    """Every policy; a few dozen, so one page."""
    user = person(request)
    policies = EscalationPolicy.objects.visible_to(user).for_list()
    return render(request, "oncall/policy_list.html", {"policies": policies, "may_add": manages_anything(user)})


@login_required
@require_GET
def policy_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One policy: who is paged, after how long, how often."""
    user = person(request)
    policy = _policy_for(user, pk)
    return render(request, "oncall/policy_detail.html", {"policy": policy, "may_edit": user.manages(policy.team)})


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def policy_new(request: HttpRequest) -> HttpResponse:
    """Add a policy."""
    user = person(request)
    if not manages_anything(user):
        raise PermissionDenied
    return _edit(request, user, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def policy_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a policy and its steps."""
    user = person(request)
    policy = _policy_for(user, pk)
    require_manager(user, policy.team)
    return _edit(request, user, policy)


def _edit(request: HttpRequest, user: User, policy: EscalationPolicy | None) -> HttpResponse:
    adds_step = "add_step" in request.POST
    initial = {} if policy else {"team": request.GET.get("team")}
    form = PolicyForm(request.POST or None, instance=copy(policy), by=user, initial=initial)
    shown = [target for step in policy.steps.all() for target in step.targets.all()] if policy else []
    steps = step_formset(extra=1 if policy else 2)(
        with_one_more(request.POST, "steps", most=changes.MOST_STEPS) if adds_step else request.POST or None,
        initial=initial_of(policy),
        form_kwargs={"targets": Targets(also=shown)},
        prefix="steps",
    )
    unconfirmed = None
    if request.method == "POST" and not adds_step and form.is_valid() & steps.is_valid():
        save = partial(changes.save_policy, policy, steps=steps.steps(), by=user, **form.cleaned_data)
        try:
            saved = publishing.publish(save, findings.of_policy, policy, data=request.POST)
            messages.success(request, f"{saved} was saved.")
            return see_other("oncall:policy_detail", pk=saved.pk)
        except publishing.Unconfirmed as warned:
            unconfirmed = warned
    status = 422 if request.method == "POST" and not adds_step else 200
    context = {"form": form, "steps": steps, "policy": policy, "adds_step": adds_step, "unconfirmed": unconfirmed}
    return render(request, "oncall/policy_form.html", context, status=status)


def _policy_for(user: User, pk: int) -> EscalationPolicy:
    rows = EscalationPolicy.objects.visible_to(user).with_steps().select_related("team").prefetch_related("services")
    policy: EscalationPolicy = get_object_or_404(rows, pk=pk)
    return policy
