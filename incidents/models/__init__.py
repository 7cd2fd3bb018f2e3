"""The incident and what belongs to it."""

from incidents.models.communication import ActionItem
from incidents.models.incident import AffectedService, Incident, Status
from incidents.models.obligations import Escalation, EscalationAnswer, PlannedAction, SlaClock
from incidents.models.policy import Holiday, IncidentSettings, Severity, SeverityPolicy
from incidents.models.saved_view import SavedView
from incidents.models.timeline import Evidence, NoteRevision, TimelineEntry
from incidents.models.updates import StatusUpdate, Subscription, UpdateRevision, UpdateTemplate

__all__ = [
    "ActionItem",
    "AffectedService",
    "Escalation",
    "EscalationAnswer",
    "Evidence",
    "Holiday",
    "Incident",
    "IncidentSettings",
    "NoteRevision",
    "PlannedAction",
    "SavedView",
    "Severity",
    "SeverityPolicy",
    "SlaClock",
    "Status",
    "StatusUpdate",
    "Subscription",
    "TimelineEntry",
    "UpdateRevision",
    "UpdateTemplate",
]
