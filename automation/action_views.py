"""Actions: which there are, and what each does. Admins define them."""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, Subquery
from django.http import Http404
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import person, require_role
from accounts.models import Role
from automation import defining
from automation.definition_forms import DefinitionForm, ParameterFormSet, as_typed, initial_rows, offered_by
from automation.fetching import action_for, action_for_admin, runner_for
from automation.models import Action, Execution, Way
from core.forms import take_errors
from core.redirects import see_other

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from automation.parameters import Parameter

TABS = {"": "Current", "archived": "Archived"}
LAST = 20


@login_required
@require_safe
def action_list(request: HttpRequest) -> HttpResponse:
    """Every action, or those in the archive, by name, each with when it was asked for last."""
    user = person(request)
    show = request.GET.get("show", "")
    show = show if show in TABS else ""
    asked = Execution.objects.visible_to(user).filter(action=OuterRef("pk")).order_by("-asked_at")
    rows = Action.objects.visible_to(user).for_list().annotate(last_at=Subquery(asked.values("asked_at")[:1]))
    context = {
        "actions": rows.filter(archived_at__isnull=not show),
        "tabs": TABS,
        "show": show,
        "may_define": user.has_role(Role.ADMIN),
    }
    return render(request, "automation/action_list.html", context)


@login_required
@require_safe
def action_detail(request: HttpRequest, slug: str) -> HttpResponse:
    """What one does, exactly what is sent or run, and when it was asked for where the reader may look."""
    user = person(request)
    action = action_for(user, slug)
    executions = Execution.objects.visible_to(user).for_list().filter(action=action).order_by("-asked_at")
    context = {
        "action": action,
        "executions": executions[:LAST],
        "may_define": user.has_role(Role.ADMIN),
        "takes_back": action.rolls_back.order_by("name"),
    }
    return render(request, "automation/action_detail.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def action_new(request: HttpRequest) -> HttpResponse:
    """Define an action. The answer shows the signing secret of a request, which is why it is no redirect then."""
    require_role(person(request), Role.ADMIN)
    initial, parameters = _beginning(request)
    return _edit(request, None, initial, parameters)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def action_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change an action; its name in runbooks stays."""
    action = action_for_admin(person(request), slug)
    return _edit(request, action, {}, action.takes)


@login_required
@require_POST
def action_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Take it out of use, or back into it."""
    user = person(request)
    action = action_for_admin(user, slug)
    if request.POST.get("to") == "current":
        defining.restore(action, by=user)
        messages.success(request, f"{action} can be asked for again.")
    else:
        defining.archive(action, by=user)
        messages.success(request, f"{action} is archived: nobody can ask for it. What it did stays.")
    return see_other("automation:action_detail", slug=slug)


@login_required
@never_cache
@require_POST
def action_secret(request: HttpRequest, slug: str) -> HttpResponse:
    """Replace the signing secret. The answer shows the new one, once."""
    user = person(request)
    action = action_for_admin(user, slug)
    if action.way != Way.HTTP:
        raise Http404("Only requests are signed.")
    return _with_secret(request, action, defining.rotate_secret(action, by=user), is_new=False)


def _edit(
    request: HttpRequest, action: Action | None, initial: dict[str, Any], parameters: tuple[Parameter, ...]
) -> HttpResponse:
    moved = ParameterFormSet.rearranged(request.POST)
    data, focus = moved or (request.POST or None, "")
    form = DefinitionForm(data, instance=copy(action), initial=initial)
    rows = ParameterFormSet(data, initial=None if data is not None else initial_rows(parameters))
    context: dict[str, Any] = {"action": action, "form": form, "rows": rows, "has_moved": bool(moved and not focus)}
    if moved:
        as_typed(form, rows, focus)
    if request.method != "POST" or moved:
        return render(request, "automation/action_form.html", context)
    if form.is_valid() & rows.is_valid():
        try:
            return _saved(request, action, form, rows)
        except ValidationError as error:
            if hasattr(error, "error_dict"):
                context["wrong_parameters"] = error.error_dict.pop("parameters", [])
            take_errors(form, error)
    return render(request, "automation/action_form.html", context, status=422)


def _saved(request: HttpRequest, action: Action | None, form: DefinitionForm, rows: Any) -> HttpResponse:
    user, given = person(request), form.arguments() | {"parameters": rows.parameters()}
    if action is None:
        given["authorization"] = given["authorization"] or ""
        made, secret = defining.create(slug=form.cleaned_data["slug"], by=user, **given)
        if secret:
            return _with_secret(request, made, secret, is_new=True)
        messages.success(request, f"{made} can be asked for now.")
        return see_other(made)
    saved = defining.change(action, by=user, **given)
    has_changed = saved.revision != action.revision
    messages.success(request, f"Saved as revision {saved.revision}." if has_changed else "Saved.")
    if saved.way == Way.HTTP and action.way != Way.HTTP:
        messages.info(request, "Its requests are signed. Make a new secret to see it.")
    return see_other(saved)


def _with_secret(request: HttpRequest, action: Action, secret: str, *, is_new: bool) -> HttpResponse:
    context = {"action": action, "secret": secret, "is_new": is_new}
    return render(request, "automation/action_secret.html", context, status=201 if is_new else 200)


def _beginning(request: HttpRequest) -> tuple[dict[str, Any], tuple[Parameter, ...]]:
    """A new action as a runner offers it, where the address names one."""
    pk = request.GET.get("runner", "")
    if not pk.isdecimal() or len(pk) > 18:
        return {"seconds": 120}, ()
    return offered_by(runner_for(person(request), int(pk)), request.GET.get("command", "")[:80])
