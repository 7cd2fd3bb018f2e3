"""Incidents: declared, listed, read, changed, and worked to their end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Prefetch
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from alerts import linking
from api import lookups, paging
from api.auth import ApiRequest, actor, responder
from api.idempotency import idempotent
from api.paging import Page
from api.problems import mistakes
from api.schemas.base import Name
from api.schemas.incidents import (
    Assignment,
    Escalating,
    GivingBack,
    IncidentChange,
    IncidentOut,
    IncidentQuery,
    NewIncident,
    Nothing,
    Reopening,
    Resolution,
    ServicesChange,
    SeverityChange,
    Snoozing,
    Transition,
)
from incidents import changes, fetching, letting_go, lifecycle, listing, more_help, snoozing
from incidents.filters import IncidentFilter
from incidents.models import AffectedService, Incident, Status
from postmortems import drafting

if TYPE_CHECKING:
    from accounts.models import User
    from incidents.querysets import IncidentQuerySet

router = Router(tags=["incidents"])

EDITABLE = ("title", "description", "started_at", "is_private", "excluded_from_metrics", "excluded_reason")


@router.get("", response=Page[IncidentOut])
def list_incidents(request: ApiRequest, query: Query[IncidentQuery]) -> Page[IncidentOut]:
    """Incidents that you may see, newest first."""
    rows = Incident.objects.visible_to(actor(request))
    found = IncidentFilter(request.GET, queryset=rows, request=request)
    if not found.is_valid():
        raise mistakes([(name, message) for name, messages in found.errors.items() for message in messages])
    rows = listing.rows_of(query.period, found.qs, now=timezone.now())
    sort = listing.order_of(listing.DEFAULT_SORT)
    lanes = [_with_details(lane) for lane in rows.lanes or (rows,)]
    # Served by the indexes incidents_by_created and incidents_open.
    return paging.answer(request, lanes, query, Page[IncidentOut], IncidentOut.of, sort=sort)


@router.post("", auth=responder, response={201: IncidentOut})
@idempotent()
def create_incident(request: ApiRequest, body: NewIncident) -> Answer[IncidentOut]:
    """Declare an incident. Paging begins with the answer."""
    user = actor(request)
    alerts = lookups.alerts(body.related_alerts, user=user)
    draft = lifecycle.Draft(
        title=body.title,
        description=body.description,
        severity=body.severity,
        services=lookups.services(body.affected_services, user=user),
        assignee=lookups.person(body.assignee, user=user, field="assignee"),
        by=user,
    )
    incident = lifecycle.declare(draft)
    if alerts:
        linking.link(incident, alerts=alerts, by=user)
    return Answer(201, shown(incident))


@router.get("/{incident_id}", response=IncidentOut)
def read_incident(request: ApiRequest, incident_id: Name) -> IncidentOut:
    """One incident, by its id."""
    return shown(fetching.incident_for(actor(request), incident_id))


@router.patch("/{incident_id}", auth=responder, response=IncidentOut)
def change_incident(request: ApiRequest, incident_id: Name, body: IncidentChange) -> IncidentOut:
    """Change what it says, what it touches, how bad it is, and who works on it."""
    user, given = actor(request), body.given()
    incident = fetching.incident_for(user, incident_id)
    if edits := {name: given[name] for name in EDITABLE if name in given}:
        changes.edit(incident, by=user, **edits)
    if "affected_services" in given:
        _set_services(incident, body.affected_services, by=user)
    if "severity" in given:
        changes.change_severity(incident, to=body.severity, by=user)
    if "assignee" in given:
        changes.assign(incident, to=lookups.person(body.assignee, user=user, field="assignee"), by=user)
    return shown(incident)


@router.post("/{incident_id}/acknowledge", auth=responder, response=IncidentOut)
def acknowledge_incident(request: ApiRequest, incident_id: Name, body: Nothing | None = None) -> IncidentOut:
    """Take responsibility: escalation and pages not yet sent stop."""
    incident = fetching.incident_for(actor(request), incident_id)
    return shown(lifecycle.acknowledge(incident, by=actor(request)))


@router.post("/{incident_id}/resolve", auth=responder, response=IncidentOut)
def resolve_incident(request: ApiRequest, incident_id: Name, body: Resolution | None = None) -> IncidentOut:
    """End the impact."""
    incident = fetching.incident_for(actor(request), incident_id)
    return shown(lifecycle.resolve(incident, by=actor(request), root_cause=body.root_cause if body else ""))


@router.post("/{incident_id}/escalate", auth=responder, response=IncidentOut)
def escalate_incident(request: ApiRequest, incident_id: Name, body: Escalating | None = None) -> IncidentOut:
    """Page the next step of its policies now, whoever has answered."""
    incident = fetching.incident_for(actor(request), incident_id)
    return shown(more_help.escalate(incident, reason=body.reason if body else "", by=actor(request)))


@router.post("/{incident_id}/unacknowledge", auth=responder, response=IncidentOut)
def unacknowledge_incident(request: ApiRequest, incident_id: Name, body: GivingBack | None = None) -> IncidentOut:
    """Give it back: triggered again, assigned to nobody, and paged from the first step."""
    incident = fetching.incident_for(actor(request), incident_id)
    return shown(letting_go.unacknowledge(incident, reason=body.reason if body else "", by=actor(request)))


@router.post("/{incident_id}/snooze", auth=responder, response=IncidentOut)
def snooze_incident(request: ApiRequest, incident_id: Name, body: Snoozing) -> IncidentOut:
    """Let it wait until a time: acknowledged, and nobody is paged or reminded before."""
    incident = fetching.incident_for(actor(request), incident_id)
    return shown(snoozing.snooze(incident, until=body.until, by=actor(request)))


@router.post("/{incident_id}/wake", auth=responder, response=IncidentOut)
def wake_incident(request: ApiRequest, incident_id: Name, body: Nothing | None = None) -> IncidentOut:
    """End a snooze now; it stays answered, and nobody is paged."""
    incident = fetching.incident_for(actor(request), incident_id)
    return shown(snoozing.wake(incident, by=actor(request)))


@router.post("/{incident_id}/reopen", auth=responder, response=IncidentOut)
def reopen_incident(request: ApiRequest, incident_id: Name, body: Reopening) -> IncidentOut:
    """It is not over."""
    incident = fetching.incident_for(actor(request), incident_id)
    return shown(lifecycle.reopen(incident, reason=body.reason, by=actor(request)))


@router.post("/{incident_id}/transition", auth=responder, response=IncidentOut)
def move_incident(request: ApiRequest, incident_id: Name, body: Transition) -> IncidentOut:
    """Move to another status; skipping ahead answers the incident on the way."""
    user = actor(request)
    incident = fetching.incident_for(user, incident_id)
    if body.status == Status.RESOLVED.value:
        return shown(lifecycle.resolve(incident, by=user))
    if body.status == Status.POSTMORTEM.value:
        drafting.start(incident, by=user)
        return shown(incident)
    return shown(lifecycle.transition(incident, to=body.status, by=user))


@router.post("/{incident_id}/assign", auth=responder, response=IncidentOut)
def assign_incident(request: ApiRequest, incident_id: Name, body: Assignment) -> IncidentOut:
    """Give it to somebody, who is told; it is no acknowledgement."""
    user = actor(request)
    incident = fetching.incident_for(user, incident_id)
    return shown(changes.assign(incident, to=lookups.person(body.assignee, user=user, field="assignee"), by=user))


@router.post("/{incident_id}/severity", auth=responder, response=IncidentOut)
def change_incident_severity(request: ApiRequest, incident_id: Name, body: SeverityChange) -> IncidentOut:
    """Raising applies what the higher severity asks for; lowering takes nothing back."""
    incident = fetching.incident_for(actor(request), incident_id)
    changed = changes.change_severity(incident, to=body.severity, by=actor(request), reason=body.reason)
    return shown(changed)


@router.put("/{incident_id}/services", auth=responder, response=IncidentOut)
def set_incident_services(request: ApiRequest, incident_id: Name, body: ServicesChange) -> IncidentOut:
    """Set the affected services; a new one starts only the paging that is missing."""
    incident = fetching.incident_for(actor(request), incident_id)
    return shown(_set_services(incident, body.affected_services, by=actor(request)))


@router.post("/{incident_id}/postmortem", auth=responder, response=IncidentOut)
def start_incident_postmortem(request: ApiRequest, incident_id: Name, body: Nothing | None = None) -> IncidentOut:
    """Begin to work on the postmortem of a resolved incident; a draft is written where there is none."""
    incident = fetching.incident_for(actor(request), incident_id)
    drafting.start(incident, by=actor(request))
    return shown(incident)


def _set_services(incident: Incident, slugs: list[str], *, by: User) -> Incident:
    return changes.change_services(incident, services=lookups.services(slugs, user=by), by=by)


def _with_details(rows: IncidentQuerySet) -> IncidentQuerySet:
    links = AffectedService.objects.select_related("service").order_by("id")
    return rows.select_related("assignee", "excluded_by").prefetch_related(Prefetch("service_links", links))


def shown(incident: Incident) -> IncidentOut:
    """The incident as it is now, read again: other domain functions work on their own locked copy."""
    return IncidentOut.of(_with_details(Incident.objects.all()).get(pk=incident.pk))
