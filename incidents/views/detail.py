"""The page of one incident, and the ways back to it after something was done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.access import person
from accounts.models import Role
from core.forms import take_errors
from core.htmx import HtmxHttpRequest, render
from core.redirects import see_other
from incidents import detail, forms
from incidents.fetching import incident_for, note_of
from incidents.models import Incident, Status, TimelineEntry
from incidents.models.incident import NotAllowedNow
from incidents.policy import policies

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpResponse

NEXT_STAGE = {
    Status.TRIGGERED: "acknowledge",
    Status.ACKNOWLEDGED: "investigate",
    Status.INVESTIGATING: "mitigate",
    Status.MITIGATING: "resolve",
    Status.RESOLVED: "postmortem",
}


@login_required
@require_safe
def incident_detail(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """The workspace of one incident."""
    incident = incident_for(person(request), reference)
    if (pk := request.GET.get("correct", "")).isdecimal() and len(pk) < 19:
        return page(request, incident, filled={"correction": forms.CorrectionForm(note=note_of(incident, int(pk)))})
    return page(request, incident)


def page(
    request: HtmxHttpRequest,
    incident: Incident,
    *,
    status: int = 200,
    more: dict[str, Any] | None = None,
    filled: dict[str, forms.ActionForm] | None = None,
) -> HttpResponse:
    """The whole page; ``filled`` are forms that were sent and not accepted, ``more`` is for its top."""
    user = person(request)
    workspace = detail.load(incident, now=timezone.now(), everything="all" in request.GET)
    context: dict[str, Any] = {
        "incident": incident,
        "workspace": workspace,
        # What still pages, as after a raise of an answered incident's severity, is answered first.
        "primary": "acknowledge" if workspace.next_page else NEXT_STAGE.get(Status(incident.status), ""),
        "can_respond": user.has_role(Role.RESPONDER),
    } | (more or {})
    if context["can_respond"]:
        context |= {"forms": _forms(incident, workspace) | (filled or {}), "policies": policies()}
    return render(request, "incidents/incident_detail.html", context, status=status)


def _forms(incident: Incident, workspace: detail.Workspace) -> dict[str, forms.ActionForm]:
    """Every form of the page, as it looks before anybody wrote into it."""
    username = incident.assignee.username if incident.assignee else ""
    return {
        "note": forms.NoteForm(),
        "evidence": forms.EvidenceForm(),
        "mitigation": forms.MitigationForm(),
        "assign": forms.AssignForm(initial={"to": username}),
        "severity": forms.SeverityForm(initial={"to": incident.severity}),
        "services": forms.ServicesForm(initial={"services": [service.slug for service in workspace.services]}),
        "resolve": forms.ResolveForm(initial={"root_cause": incident.root_cause}),
        "reopen": forms.ReopenForm(),
        "edit": forms.EditForm(incident=incident),
    }


def applied(
    request: HtmxHttpRequest,
    incident: Incident,
    name: str,
    form: forms.ActionForm,
    act: Callable[..., object],
    *,
    said: str = "",
) -> HttpResponse:
    """Call a domain function with what a form says, and go back to the page: 303, or 422 with the form as it was
    written, or 409 with what is so by now."""
    try:
        if form.is_valid():
            made = act(**form.cleaned_data)
            return _back(request, incident, made, said)
    except ValidationError as error:
        take_errors(form, error)
    except NotAllowedNow:
        return overtaken(request, incident.reference, unsaved=form)
    return page(request, incident_for(person(request), incident.reference), status=422, filled={name: form})


def overtaken(request: HtmxHttpRequest, reference: str, *, unsaved: forms.ActionForm | None = None) -> HttpResponse:
    """409: somebody was faster. Say who, show what is so now, and give back what was typed."""
    incident = incident_for(person(request), reference)
    context = {"conflict": detail.how_it_came(incident), "unsaved": unsaved.typed() if unsaved else []}
    return page(request, incident, status=409, more=context)


def _back(request: HtmxHttpRequest, incident: Incident, made: object, said: str) -> HttpResponse:
    """To what was made on the page, or to its top with a word; to the list for who has just hidden it from himself."""
    if not Incident.objects.visible_to(person(request)).filter(pk=incident.pk).exists():
        messages.success(request, f"{incident.reference} is private now, and you are not one of its people.")
        return see_other("incidents:list")
    if said:
        messages.success(request, said)
    anchor = f"#entry-{made.pk}" if isinstance(made, TimelineEntry) else ""
    return see_other(incident.get_absolute_url() + anchor)
