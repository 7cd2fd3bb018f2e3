"""What responders write down: notes and their corrections, evidence, mitigations."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.contrib.auth.decorators import login_required

from accounts.access import person
from core.htmx import HtmxHttpRequest
from incidents import forms, timeline
from incidents.fetching import incident_for_responder, note_of
from incidents.views.sheets import Sheet, answer, posted, shown_and_sent

if TYPE_CHECKING:
    from django.http import HttpResponse

NOTE = Sheet("Write a note", "Add note", said="Note added.")
CORRECTION = Sheet("Correct a note", "Save the correction", said="Corrected.")
EVIDENCE = Sheet("Link evidence", "Link evidence", said="Evidence linked.")
MITIGATION = Sheet("Record a mitigation", "Record mitigation", said="Mitigation recorded.")


@login_required
@shown_and_sent
def add_note(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Write a note."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(timeline.add_note, incident, by=user)
    return answer(request, incident, NOTE, forms.NoteForm(posted(request)), act)


@login_required
@shown_and_sent
def correct_note(request: HtmxHttpRequest, reference: str, pk: int) -> HttpResponse:
    """Correct what a note says, or when it happened."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    note = note_of(incident, pk)
    act = partial(timeline.correct_note, note, by=user)
    return answer(request, incident, CORRECTION, forms.CorrectionForm(posted(request), note=note), act)


@login_required
@shown_and_sent
def link_evidence(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Link something that shows what happens."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(timeline.link_evidence, incident, by=user)
    return answer(request, incident, EVIDENCE, forms.EvidenceForm(posted(request)), act)


@login_required
@shown_and_sent
def record_mitigation(request: HtmxHttpRequest, reference: str) -> HttpResponse:
    """Write down what was done against the impact."""
    user = person(request)
    incident = incident_for_responder(user, reference)
    act = partial(timeline.record_mitigation, incident, by=user)
    return answer(request, incident, MITIGATION, forms.MitigationForm(posted(request)), act)
