"""Templates of postmortems: the list, and the editor."""

from __future__ import annotations

from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import manages_anything, person
from accounts.models import Team
from core.forms import take_errors
from core.redirects import see_other
from incidents.models.incident import NotAllowedNow
from postmortems import outline, templating
from postmortems.fetching import template_for_manager
from postmortems.models import Template
from postmortems.template_forms import SectionFormSet, TemplateForm, initial_sections

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse, QueryDict

    from accounts.models import User


@login_required
@require_GET
def template_list(request: HttpRequest) -> HttpResponse:
    """Every template, and whether one may change it."""
    user = person(request)
    own = set(Team.objects.managed_by(user).values_list("pk", flat=True))
    rows = [
        (row, (row.team_id in own) if row.team_id else user.manages(None), len(row.sections) or len(outline.STANDARD))
        for row in Template.objects.visible_to(user).select_related("team")
    ]
    context = {"rows": rows, "may_add": manages_anything(user), "standard": outline.STANDARD}
    return render(request, "postmortems/template_list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def template_new(request: HttpRequest) -> HttpResponse:
    """Make a template."""
    user = person(request)
    if not manages_anything(user):
        raise PermissionDenied
    return _edit(request, user, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def template_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a template."""
    user = person(request)
    return _edit(request, user, template_for_manager(user, pk))


def _edit(request: HttpRequest, user: User, template: Template | None) -> HttpResponse:
    moved = SectionFormSet.rearranged(request.POST)
    data, focus = moved or (request.POST or None, "")
    form, sections = _forms(user, template, data)
    context: dict[str, Any] = {"template": template, "form": form, "sections": sections, "focus": focus}
    if request.method != "POST" or moved:
        return render(request, "postmortems/template_form.html", context)
    status = 422
    if form.is_valid() & sections.is_valid():
        try:
            return _saved(request, user, template, {**form.own(), "sections": sections.sections()}, form)
        except ValidationError as error:
            take_errors(form, error)
        except NotAllowedNow as error:
            context, status = context | _overtaken(user, template, request.POST, str(error)), 409
    return render(request, "postmortems/template_form.html", context, status=status)


def _forms(user: User, template: Template | None, data: QueryDict | None) -> tuple[TemplateForm, Any]:
    form = TemplateForm(data, instance=copy(template), by=user, initial={} if template else {"is_active": True})
    asked = (template.sections if template else ()) or templating.standard()
    return form, SectionFormSet(data, initial=initial_sections(asked) if data is None else None)


def _saved(
    request: HttpRequest, user: User, template: Template | None, said: dict[str, Any], form: TemplateForm
) -> HttpResponse:
    if template is None:
        made = templating.create(by=user, **said)
        messages.success(request, f"{made} was added.")
    else:
        made = templating.change(template, by=user, based_on=_moment(form.cleaned_data["seen"]), **said)
        messages.success(request, f"{made} is saved. Drafts that there are stay as they are.")
    return see_other("postmortems:template_list")


def _overtaken(user: User, template: Template | None, data: QueryDict, said: str) -> dict[str, Any]:
    """Everything as it was typed, now based on what somebody else has saved."""
    assert template is not None
    typed = data.copy()
    typed["seen"] = Template.objects.get(pk=template.pk).updated_at.isoformat()
    form, sections = _forms(user, template, typed)
    return {"form": form, "sections": sections, "overtaken": said}


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
