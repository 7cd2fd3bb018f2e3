"""What responders write down: notes and their corrections, evidence, mitigations."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required
from django.views.decorators.http import require_POST

from accounts.access import person
from core.htmx import HtmxHttpRequest
from incidents import forms, timeline
from incidents.fetching import incident_for_responder, note_of
from incidents.views.detail import applied

if TYPE_CHECKING:
    from django.http import HttpResponse


@login_required
@require_POST
def add_note(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Write a note."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(timeline.add_note, incident, by=user)
    return applied(request, incident, "note", forms.NoteForm(request.POST), act)


@login_required
@require_POST
def correct_note(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Correct what a note says, or when it happened."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    note = note_of(incident, pk)
    act = partial(timeline.correct_note, note, by=user)
    return applied(request, incident, "correction", forms.CorrectionForm(request.POST, note=note), act)


@login_required
@require_POST
def link_evidence(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Link something that shows what happens."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(timeline.link_evidence, incident, by=user)
    return applied(request, incident, "evidence", forms.EvidenceForm(request.POST), act)


@login_required
@require_POST
def record_mitigation(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Write down what was done against the impact."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(timeline.record_mitigation, incident, by=user)
    return applied(request, incident, "mitigation", forms.MitigationForm(request.POST), act)
