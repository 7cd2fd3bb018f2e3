"""What responders do with an incident. Each view is one button or one form of its page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.views.decorators.http import require_POST

from accounts.access import person
from core.htmx import HtmxHttpRequest
from core.redirects import see_other
from incidents import changes, forms, lifecycle
from incidents.fetching import incident_for_responder
from incidents.models import Status
from incidents.models.incident import NotAllowedNow
from incidents.views.detail import applied, overtaken

if TYPE_CHECKING:
    from django.http import HttpResponse


@login_required
@require_POST
def acknowledge(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Take responsibility; back to the list for who pressed the button there."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = forms.AcknowledgeForm(request.POST)
    address = form.cleaned_data["next"] if form.is_valid() else ""
    try:
        lifecycle.acknowledge(incident, by=user)
    except NotAllowedNow:
        return overtaken(request, reference)
    if incident.status == Status.TRIGGERED:
        messages.success(request, f"{incident.reference} is yours: acknowledged, and nobody else is paged.")
    else:
        messages.info(
            request, f"{incident.reference} was acknowledged already; {incident.assignee or 'nobody'} has it."
        )
    return see_other(address or incident.get_absolute_url())


@login_required
@require_POST
def move(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """To investigating or mitigating."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(lifecycle.transition, incident, by=user)
    return applied(request, incident, "move", forms.MoveForm(request.POST), act)


@login_required
@require_POST
def assign(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Give it to a person, or to nobody."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(changes.assign, incident, by=user)
    return applied(request, incident, "assign", forms.AssignForm(request.POST), act)


@login_required
@require_POST
def severity(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Say how bad it is now."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(changes.change_severity, incident, by=user)
    return applied(request, incident, "severity", forms.SeverityForm(request.POST), act)


@login_required
@require_POST
def services(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Set what it touches."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(changes.change_services, incident, by=user)
    return applied(request, incident, "services", forms.ServicesForm(request.POST), act)


@login_required
@require_POST
def edit(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Change its title, its description, when it began, its root cause and who may see it."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(changes.edit, incident, by=user)
    return applied(request, incident, "edit", forms.EditForm(request.POST, incident=incident), act)


@login_required
@require_POST
def resolve(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """End it, with its root cause."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(lifecycle.resolve, incident, by=user)
    return applied(request, incident, "resolve", forms.ResolveForm(request.POST), act)


@login_required
@require_POST
def reopen(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """It is not over, for a reason."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(lifecycle.reopen, incident, by=user)
    return applied(request, incident, "reopen", forms.ReopenForm(request.POST), act)


@login_required
@require_POST
def postmortem(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Begin to learn from it."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(lifecycle.start_postmortem, incident, by=user)
    return applied(request, incident, "postmortem", forms.PostmortemForm(request.POST), act)
