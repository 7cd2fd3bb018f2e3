"""What responders do with an incident. Each view is one button or one form of its page."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.access import person
from core.htmx import HtmxHttpRequest, wants_fragment
from core.redirects import see_other
from incidents import acknowledging, changes, escalation, excluding, forms, letting_go, lifecycle, more_help, snoozing
from incidents.fetching import incident_for_responder
from incidents.models import Status
from incidents.models.incident import NotAllowedNow
from incidents.policy import policies
from incidents.views.sheets import Sheet, answer, asked_from, done, overtaken, posted, shown_and_sent

if TYPE_CHECKING:
    from django.http import HttpResponse

    from incidents.models import Incident

MOVE = Sheet("Move to another stage", "Move", said="Moved.")
ASSIGN = Sheet("Assign", "Assign", "incidents/_sheet_assign.html", said="Assigned.")
SEVERITY = Sheet("Change the severity", "Change severity", "incidents/_sheet_severity.html", said="Severity changed.")
SERVICES = Sheet("Affected services", "Save services")
EDIT = Sheet("Edit", "Save")
RESOLVE = Sheet("Resolve", "Resolve", said="Resolved.")
REOPEN = Sheet("Reopen", "Reopen", said="Reopened.")
ESCALATE = Sheet("Page the next step now", "Page now", said="Paged.")
GIVE_BACK = Sheet("Give it back", "Give back", "incidents/_sheet_give_back.html", said="Given back.")
EXCLUDE = Sheet("Leave out of the metrics", "Leave out", "incidents/_sheet_exclude.html", said="Left out.")
SNOOZE = Sheet("Snooze", "Snooze", "incidents/_sheet_snooze.html", said="Snoozed.")


@login_required
@require_POST
def acknowledge(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Take responsibility; back to the list for who pressed the button there."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    address = asked_from(request)
    counts = incident.is_answered and acknowledging.is_asked(incident, user)
    try:
        lifecycle.acknowledge(incident, by=user)
    except NotAllowedNow:
        return overtaken(request, reference)
    said = _acknowledged(incident, counts=counts)
    if address and not wants_fragment(request):
        messages.success(request, said)
        return see_other(address)
    return done(request, incident, said=said)


def _acknowledged(incident: Incident, *, counts: bool) -> str:
    """What an acknowledgement did to the incident as it was before; ``counts``: it was one more of several."""
    is_paging = escalation.is_running(incident)
    then = "paging goes on until more people have answered" if is_paging else "nobody else is paged"
    if incident.status == Status.TRIGGERED:
        return f"{incident.reference} is yours: acknowledged, and {then}."
    if counts:
        return f"{incident.reference}: acknowledged by you too, and {then}."
    if incident.reminded_at:
        return f"{incident.reference}: noted, you are still on it."
    return f"{incident.reference} was acknowledged already; {incident.assignee or 'nobody'} has it."


@login_required
@shown_and_sent
def move(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """To investigating or mitigating."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(lifecycle.transition, incident, by=user)
    return answer(request, incident, MOVE, forms.MoveForm(posted(request)), act)


@login_required
@shown_and_sent
def assign(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Give it to a person, or to nobody."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = forms.AssignForm(posted(request), initial={"to": incident.assignee and incident.assignee.username})
    act = partial(changes.assign, incident, by=user)
    return answer(request, incident, ASSIGN, form, act)


@login_required
@shown_and_sent
def severity(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Say how bad it is now."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = forms.SeverityForm(posted(request), initial={"to": incident.severity})
    act = partial(changes.change_severity, incident, by=user)
    return answer(request, incident, SEVERITY, form, act, more={"policies": policies()})


@login_required
@shown_and_sent
def services(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Set what it touches."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    have = incident.service_links.values_list("service__slug", flat=True)
    form = forms.ServicesForm(posted(request), initial={"services": list(have)})
    act = partial(changes.change_services, incident, by=user)
    return answer(request, incident, SERVICES, form, act)


@login_required
@shown_and_sent
def edit(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Change its title, its description, when it began, its root cause and who may see it."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(changes.edit, incident, by=user)
    return answer(request, incident, EDIT, forms.EditForm(posted(request), incident=incident), act)


@login_required
@shown_and_sent
def resolve(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """End it, with its root cause."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = forms.ResolveForm(posted(request), initial={"root_cause": incident.root_cause})
    act = partial(lifecycle.resolve, incident, by=user)
    return answer(request, incident, RESOLVE, form, act)


@login_required
@shown_and_sent
def escalate(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Page the next step of its policies, whoever has answered."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(more_help.escalate, incident, by=user)
    return answer(request, incident, ESCALATE, forms.EscalateForm(posted(request)), act)


@login_required
@shown_and_sent
def unacknowledge(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Give it back to whoever is on call."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(letting_go.unacknowledge, incident, by=user)
    more = {"pages": policies()[incident.severity].page_on_call}
    return answer(request, incident, GIVE_BACK, forms.GiveBackForm(posted(request)), act, more=more)


@login_required
@shown_and_sent
def snooze(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Let it wait until a time."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = forms.SnoozeForm(posted(request), initial={"until": incident.snoozed_until})
    act = partial(snoozing.snooze, incident, by=user)
    more = {"pages": policies()[incident.severity].page_on_call, "morning": forms.morning(timezone.now())}
    return answer(request, incident, SNOOZE, form, act, more=more)


@login_required
@require_POST
def wake(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """End a snooze now."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    try:
        snoozing.wake(incident, by=user)
    except NotAllowedNow:
        return overtaken(request, reference)
    return done(request, incident, said="The snooze has ended.")


@login_required
@shown_and_sent
def reopen(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """It is not over, for a reason."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(lifecycle.reopen, incident, by=user)
    return answer(request, incident, REOPEN, forms.ReopenForm(posted(request)), act)


@login_required
@shown_and_sent
def exclude(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Leave it out of the metrics, for a reason."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    form = forms.ExcludeForm(posted(request), initial={"reason": incident.excluded_reason})
    act = partial(excluding.exclude, incident, by=user)
    said = f"{incident.reference} is left out of the metrics."
    return answer(request, incident, EXCLUDE, form, act, said=said)


@login_required
@require_POST
def include(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Let the metrics count it again."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    excluding.include(incident, by=user)
    return done(request, incident, said=f"The metrics count {incident.reference} again.")
