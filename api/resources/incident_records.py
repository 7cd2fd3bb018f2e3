"""What belongs to an incident: its timeline, evidence, mitigations, plan, alerts, and who was told."""

from __future__ import annotations

from ninja import Query, Router
from ninja.responses import Status as Answer

from alerts import linking
from alerts.models import Alert
from api import lookups, paging
from api.auth import ApiRequest, actor, responder
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.resources.incidents import shown
from api.schemas.alerts import AlertOut
from api.schemas.base import Name, Number
from api.schemas.incidents import (
    ActionOut,
    AlertLinks,
    ClockOut,
    EntryOut,
    EvidenceOut,
    IncidentOut,
    NewEvidence,
    NewMitigation,
    NewNote,
    NoteChange,
    NotificationOut,
    PlanOut,
)
from incidents import fetching, timeline
from incidents.models import Evidence, TimelineEntry
from notifications.models import Notification

router = Router(tags=["incidents"])

CHRONOLOGICAL = ("at", "pk")  # served by the index incidents_timeline


@router.get("/{incident_id}/timeline", response=Page[EntryOut])
def list_timeline(request: ApiRequest, incident_id: Name, query: Query[ListQuery]) -> Page[EntryOut]:
    """What happened, in order."""
    incident = fetching.incident_for(actor(request), incident_id)
    rows = TimelineEntry.objects.filter(incident=incident).select_related("by")
    rows = rows.prefetch_related("revisions__replaced_by")
    return paging.answer(request, rows, query, Page[EntryOut], EntryOut.of, sort=CHRONOLOGICAL)


@router.post("/{incident_id}/timeline", auth=responder, response={201: EntryOut})
@idempotent()
def add_note(request: ApiRequest, incident_id: Name, body: NewNote) -> Answer[EntryOut]:
    """Write a note."""
    incident = fetching.incident_for(actor(request), incident_id)
    return Answer(201, EntryOut.of(timeline.add_note(incident, text=body.text, at=body.at, by=actor(request))))


@router.patch("/{incident_id}/timeline/{entry_id}", auth=responder, response=EntryOut)
def correct_note(request: ApiRequest, incident_id: Name, entry_id: Number, body: NoteChange) -> EntryOut:
    """Correct a note's text or time; what it said before stays readable."""
    incident = fetching.incident_for(actor(request), incident_id)
    note, given = fetching.note_of(incident, entry_id), body.given()
    text, at = given.get("text", note.text), given.get("at", note.at)
    return EntryOut.of(timeline.correct_note(note, text=text, at=at, by=actor(request)))


@router.get("/{incident_id}/evidence", response=Page[EvidenceOut])
def list_evidence(request: ApiRequest, incident_id: Name, query: Query[ListQuery]) -> Page[EvidenceOut]:
    """Links that show something, in the order in which they were added."""
    incident = fetching.incident_for(actor(request), incident_id)
    rows = Evidence.objects.filter(incident=incident).select_related("by")
    return paging.answer(request, rows, query, Page[EvidenceOut], EvidenceOut.of, sort=CHRONOLOGICAL)


@router.post("/{incident_id}/evidence", auth=responder, response={201: EvidenceOut})
@idempotent()
def add_evidence(request: ApiRequest, incident_id: Name, body: NewEvidence) -> Answer[EvidenceOut]:
    """Tie a link to the incident."""
    incident = fetching.incident_for(actor(request), incident_id)
    evidence = timeline.link_evidence(
        incident, url=body.url, kind=body.kind, caption=body.caption, source=body.source, by=actor(request)
    )
    return Answer(201, EvidenceOut.of(evidence))


@router.post("/{incident_id}/mitigations", auth=responder, response={201: EntryOut})
@idempotent()
def add_mitigation(request: ApiRequest, incident_id: Name, body: NewMitigation) -> Answer[EntryOut]:
    """Write down what was done against the impact."""
    incident = fetching.incident_for(actor(request), incident_id)
    entry = timeline.record_mitigation(incident, kind=body.kind, text=body.text, by=actor(request))
    return Answer(201, EntryOut.of(entry))


@router.get("/{incident_id}/notifications", response=Page[NotificationOut])
def list_notifications(request: ApiRequest, incident_id: Name, query: Query[ListQuery]) -> Page[NotificationOut]:
    """Who was told, by which channel, with what result, oldest first."""
    incident = fetching.incident_for(actor(request), incident_id)
    rows = Notification.objects.for_topic(incident.topic)  # by the index notifications_topic
    return paging.answer(request, rows, query, Page[NotificationOut], NotificationOut.of, sort=paging.OLDEST_FIRST)


@router.get("/{incident_id}/alerts", response=Page[AlertOut])
def list_incident_alerts(request: ApiRequest, incident_id: Name, query: Query[ListQuery]) -> Page[AlertOut]:
    """Alerts that opened or joined it, and those linked to it by hand, newest first."""
    user = actor(request)
    incident = fetching.incident_for(user, incident_id)
    own = Alert.objects.visible_to(user).of_incident(incident).order_by().values("pk")
    rows = Alert.objects.filter(pk__in=own).for_list().select_related("integration__service")
    return paging.answer(request, rows, query, Page[AlertOut], AlertOut.of)


@router.post("/{incident_id}/alerts", auth=responder, response=IncidentOut)
def link_incident_alerts(request: ApiRequest, incident_id: Name, body: AlertLinks) -> IncidentOut:
    """Tie alerts to it besides its own."""
    user = actor(request)
    incident = fetching.incident_for(user, incident_id)
    linking.link(incident, alerts=lookups.alerts(body.related_alerts, user=user), by=user)
    return shown(incident)


@router.get("/{incident_id}/plan", response=PlanOut)
def read_plan(request: ApiRequest, incident_id: Name) -> PlanOut:
    """What Muster does by policy, and what it has promised."""
    incident = fetching.incident_for(actor(request), incident_id)
    return PlanOut(
        actions=[ActionOut.of(action) for action in incident.plan.order_by("due_at", "id")],
        clocks=[ClockOut.of(clock) for clock in incident.clocks.order_by("id")],
    )
