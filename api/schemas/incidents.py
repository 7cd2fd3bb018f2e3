"""Incidents, and what belongs to one."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal, cast

from django.conf import settings
from django.utils import timezone
from pydantic import Field

from api.paging import ListQuery
from api.schemas.base import LEFT_OUT, Boolean, Input, Output, Reference, References, Text, Time, TimeIn
from incidents.excluding import REASON_LIMIT
from incidents.lifecycle import TITLE_LIMIT
from incidents.models import Evidence, Incident, PlannedAction, SlaClock, TimelineEntry
from incidents.timeline import NOTE_LIMIT
from notifications.models import Attempt, Notification

SeverityName = Literal["critical", "high", "medium", "low"]
StatusName = Literal["triggered", "acknowledged", "investigating", "mitigating", "resolved", "postmortem"]
Period = Literal["active", "recent", "all"]
Title = Annotated[str, Field(min_length=1, max_length=TITLE_LIMIT)]
Note = Annotated[str, Field(max_length=NOTE_LIMIT)]
Reason = Annotated[str, Field(max_length=2000)]


class IncidentQuery(ListQuery):
    """The filters of the page."""

    period: Period = Field("all", description="`recent` is open, or created in the last 14 days.")
    service: str | None = Field(None, description="A service's slug.")
    status: StatusName | None = None
    severity: SeverityName | None = None
    team: str | None = Field(None, description="The slug of a team that owns an affected service, or `mine`.")
    assignee: str | None = Field(None, description="A username, `me` or `none`.")
    mine: bool = Field(False, description="Those assigned to you, and those that touch a service of your teams.")
    since: date | None = Field(None, description="The first day of creation (UTC), such as 2026-10-14.")
    until: date | None = Field(None, description="The last day of creation (UTC).")
    q: str | None = Field(None, description="Words of the title, the description or the notes, or an incident's id.")


class NewIncident(Input):
    """What declares an incident."""

    title: Title
    description: Text = ""
    severity: SeverityName
    affected_services: References = Field(description="Slugs; may be empty.")
    assignee: Reference | None = Field(None, description="A username.")
    related_alerts: References = Field(default_factory=list, description="Ids such as ALR-7.")


class IncidentChange(Input):
    """What a PATCH may change; what is left out stays."""

    title: Title = LEFT_OUT
    description: Text = LEFT_OUT
    started_at: TimeIn = LEFT_OUT
    is_private: Boolean = LEFT_OUT
    excluded_from_metrics: Boolean = LEFT_OUT
    excluded_reason: Annotated[str, Field(max_length=REASON_LIMIT)] = LEFT_OUT
    affected_services: References = LEFT_OUT
    assignee: Reference | None = None
    severity: SeverityName = LEFT_OUT


class IncidentOut(Output):
    """An incident. `duration_seconds` runs from its creation to its resolution, or until now."""

    id: str = Field(examples=["INC-42"])
    number: int
    title: str
    description: str
    severity: SeverityName
    status: StatusName
    assignee: str | None
    affected_services: list[str]
    created_at: Time
    started_at: Time
    acknowledged_at: Time | None
    resolved_at: Time | None
    snoozed_until: Time | None = Field(description="Nobody is paged or reminded until then; null: not snoozed.")
    duration_seconds: int
    is_private: bool
    merged_into: str | None
    excluded_from_metrics: bool
    excluded_reason: str = Field(description="Empty: not left out, or no reason was given.")
    excluded_by: str | None
    excluded_at: Time | None
    url: str = Field(description="The page of the incident.")

    @classmethod
    def of(cls, incident: Incident) -> IncidentOut:
        """Reads ``assignee``, ``excluded_by`` and ``service_links__service``, which the caller has fetched."""
        return cls(
            id=incident.reference,
            number=incident.number,
            title=incident.title,
            description=incident.description,
            severity=cast("SeverityName", incident.severity),
            status=cast("StatusName", incident.status),
            assignee=incident.assignee.username if incident.assignee else None,
            affected_services=[link.service.slug for link in incident.service_links.all()],
            created_at=incident.created_at,
            started_at=incident.started_at,
            acknowledged_at=incident.acknowledged_at,
            resolved_at=incident.resolved_at,
            snoozed_until=incident.snoozed_until,
            duration_seconds=int(incident.duration(now=timezone.now()).total_seconds()),
            is_private=incident.is_private,
            merged_into=f"INC-{incident.merged_into_id}" if incident.merged_into_id else None,
            excluded_from_metrics=incident.excluded_from_metrics,
            excluded_reason=incident.excluded_reason,
            excluded_by=incident.excluded_by.username if incident.excluded_by else None,
            excluded_at=incident.excluded_at,
            url=settings.MUSTER.base_url + incident.get_absolute_url(),
        )


class Nothing(Input):
    """An action that needs no words takes an empty object, or no body."""


class Resolution(Input):
    """Words to a resolution."""

    root_cause: Text = ""


class Escalating(Input):
    """Who or what is missing."""

    reason: Annotated[str, Field(max_length=2000)] = ""


class GivingBack(Input):
    """What the next person should know."""

    reason: Reason = ""


class Snoozing(Input):
    """Until when it can wait, at most seven days."""

    until: TimeIn


class Reopening(Input):
    """Why it is open again."""

    reason: Reason


class Transition(Input):
    """Where to go; reopening has an action of its own."""

    status: StatusName


class Assignment(Input):
    """Who works on it; null is nobody."""

    assignee: Reference | None


class SeverityChange(Input):
    """How bad it is."""

    severity: SeverityName
    reason: Reason = ""


class ServicesChange(Input):
    """All services that it touches."""

    affected_services: References


class AlertLinks(Input):
    """Alerts to tie to an incident besides its own."""

    related_alerts: Annotated[References, Field(min_length=1)]


class NewMitigation(Input):
    """What was done against the impact."""

    kind: Literal["fix_applied", "scaled", "rolled_back"]
    text: Note = ""


class NewNote(Input):
    """A note in Markdown, about now or an earlier moment."""

    text: Note
    at: TimeIn | None = None


class NoteChange(Input):
    """A correction; what the note said before stays readable."""

    text: Note = LEFT_OUT
    at: TimeIn = LEFT_OUT


class Revision(Output):
    """What a note said before a correction."""

    text: str
    at: Time
    replaced_at: Time
    replaced_by: str | None


class EntryOut(Output):
    """One event of the timeline. `data` holds its facts, by kind."""

    id: int
    kind: str
    at: Time
    created_at: Time
    by: str | None = Field(description="The username of the person who did it.")
    actor: str = Field(description="The name of who did it: a person, a source, or Muster.")
    text: str
    data: dict[str, Any]
    revisions: list[Revision]

    @classmethod
    def of(cls, entry: TimelineEntry) -> EntryOut:
        """Reads ``by`` and ``revisions__replaced_by``, which the caller has fetched."""
        return cls(
            id=entry.pk,
            kind=entry.kind,
            at=entry.at,
            created_at=entry.created_at,
            by=entry.by.username if entry.by else None,
            actor=entry.actor,
            text=entry.text,
            data=entry.data,
            revisions=[
                Revision(
                    text=each.text,
                    at=each.at,
                    replaced_at=each.replaced_at,
                    replaced_by=each.replaced_by.username if each.replaced_by else None,
                )
                for each in entry.revisions.all()
            ],
        )


EvidenceKind = Literal["metric", "log", "trace", "screenshot", "link"]


class NewEvidence(Input):
    """A link that shows something."""

    url: Annotated[str, Field(max_length=1000)]
    kind: EvidenceKind = "link"
    caption: Annotated[str, Field(max_length=200)] = ""
    source: Annotated[str, Field(max_length=100)] = ""


class EvidenceOut(Output):
    """A link that shows something, with who linked it and when."""

    id: int
    kind: EvidenceKind
    url: str
    caption: str
    source: str
    at: Time
    by: str | None

    @classmethod
    def of(cls, evidence: Evidence) -> EvidenceOut:
        """Reads ``by``, which the caller has fetched."""
        return cls(
            id=evidence.pk,
            kind=cast("EvidenceKind", evidence.kind),
            url=evidence.url,
            caption=evidence.caption,
            source=evidence.source,
            at=evidence.at,
            by=evidence.by.username if evidence.by else None,
        )


class AttemptOut(Output):
    """One try to hand a notification to its provider."""

    number: int
    started_at: Time
    finished_at: Time
    outcome: str
    detail: str

    @classmethod
    def of(cls, attempt: Attempt) -> AttemptOut:
        """Reads only the row."""
        return cls(
            number=attempt.number,
            started_at=attempt.started_at,
            finished_at=attempt.finished_at,
            outcome=attempt.outcome,
            detail=attempt.detail,
        )


class NotificationOut(Output):
    """Who was told, by which channel, why, and with what result. Addresses stay private."""

    id: int
    purpose: str
    channel: str
    recipient: str
    user: str | None
    team: str | None
    reason: str
    title: str
    state: str
    created_at: Time
    due_at: Time
    finished_at: Time | None
    error: str
    attempts: list[AttemptOut]

    @classmethod
    def of(cls, row: Notification) -> NotificationOut:
        """Reads ``user``, ``team`` and ``attempts``, which the caller has fetched."""
        return cls(
            id=row.pk,
            purpose=row.purpose,
            channel=row.channel,
            recipient=row.recipient,
            user=row.user.username if row.user else None,
            team=row.team.slug if row.team else None,
            reason=row.reason,
            title=row.title,
            state=row.state,
            created_at=row.created_at,
            due_at=row.due_at,
            finished_at=row.finished_at,
            error=row.error,
            attempts=[AttemptOut.of(attempt) for attempt in row.attempts.all()],
        )


class ActionOut(Output):
    """One line of what the severity policy asked for."""

    kind: str
    target: str
    state: str
    due_at: Time
    finished_at: Time | None
    result: str

    @classmethod
    def of(cls, action: PlannedAction) -> ActionOut:
        """Reads only the row."""
        return cls(
            kind=action.kind,
            target=action.target_label,
            state=action.state,
            due_at=action.due_at,
            finished_at=action.finished_at,
            result=action.result,
        )


class ClockOut(Output):
    """A promise with its due time, and whether it was kept."""

    kind: str
    state: str
    due_at: Time
    met_at: Time | None
    breached_at: Time | None
    cancelled_at: Time | None

    @classmethod
    def of(cls, clock: SlaClock) -> ClockOut:
        """Reads only the row."""
        return cls(
            kind=clock.kind,
            state=clock.state,
            due_at=clock.due_at,
            met_at=clock.met_at,
            breached_at=clock.breached_at,
            cancelled_at=clock.cancelled_at,
        )


class PlanOut(Output):
    """What Muster does and has promised by policy."""

    actions: list[ActionOut]
    clocks: list[ClockOut]
