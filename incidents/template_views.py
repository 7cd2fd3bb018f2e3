"""Templates of status updates: the list, and the editor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.access import person, require_manager
from core.forms import take_errors
from core.redirects import see_other
from incidents import wordings
from incidents.fetching import template_for_manager
from incidents.models import UpdateTemplate
from incidents.template_forms import TemplateForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from accounts.models import User


@login_required
@require_safe
def update_template_list(request: HttpRequest) -> HttpResponse:
    """Every template, by whom it is for and by name."""
    user = person(request)
    rows = UpdateTemplate.objects.visible_to(user).order_by("-visibility", "name")
    context = {"rows": rows, "may_edit": user.manages(None)}
    return render(request, "incidents/update_template_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def update_template_new(request: HttpRequest) -> HttpResponse:
    """Make a template."""
    user = person(request)
    require_manager(user, None)
    return _edit(request, user, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def update_template_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a template."""
    user = person(request)
    return _edit(request, user, template_for_manager(user, pk))


@login_required
@require_POST
def update_template_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Delete a template."""
    user = person(request)
    template = template_for_manager(user, pk)
    wordings.remove(template, by=user)
    messages.success(request, f"“{template.name}” is deleted. What was written with it stays.")
    return see_other("incidents:update_template_list")


def _edit(request: HttpRequest, user: User, template: UpdateTemplate | None) -> HttpResponse:
    form = TemplateForm(request.POST or None, instance=template)
    if request.method == "POST" and form.is_valid():
        try:
            made = (
                wordings.change(template, by=user, **form.own()) if template else wordings.create(by=user, **form.own())
            )
            messages.success(request, f"“{made.name}” is saved.")
            return see_other("incidents:update_template_list")
        except ValidationError as error:
            take_errors(form, error)
    context = {
        "template": template,
        "form": form,
        "for_everybody": wordings.FOR_EVERYBODY,
        "inside": wordings.INSIDE,
    }
    return render(
        request, "incidents/update_template_form.html", context, status=422 if request.method == "POST" else 200
    )
