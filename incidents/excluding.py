"""Leaving an incident out of the metrics: always by somebody, and for a reason that whoever reads the figures sees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction

from core.text import single_line
from core.work import db_now
from incidents.consequences import Consequences, Kind
from incidents.models import Incident

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from accounts.models import User

REASON_LIMIT = 300
NO_REASON = "Say why: everybody who reads the figures sees that it is left out."
FIELDS = ("excluded_from_metrics", "excluded_reason", "excluded_by", "excluded_at")


@transaction.atomic
def exclude(incident: Incident, *, reason: str, by: User | None, now: datetime | None = None) -> Incident:
    """Leave it out of the metrics, or give another reason for that. Raises ValidationError without a reason."""
    reason = tidied(reason)
    if not reason:
        raise ValidationError({"reason": NO_REASON})
    incident = Incident.objects.locked(incident.pk)
    if incident.excluded_from_metrics and incident.excluded_reason == reason:
        return incident
    return _marked(incident, reason, is_excluded=True, by=by, now=now)


@transaction.atomic
def include(incident: Incident, *, by: User | None, now: datetime | None = None) -> Incident:
    """Count it again."""
    incident = Incident.objects.locked(incident.pk)
    if not incident.excluded_from_metrics:
        return incident
    return _marked(incident, "", is_excluded=False, by=by, now=now)


def settle(
    incident: Incident, changed: Mapping[str, Any], *, given: Mapping[str, Any], by: User | None, at: datetime
) -> dict[str, Any]:
    """After an edit in memory: set who left it out and when, and give what the timeline keeps of it; nothing where the
    edit is about other fields, no word of its own where it is about others too. Raises ValidationError for a reason
    that does not fit."""
    if not changed.keys() & set(FIELDS):
        return {}
    is_excluded, reason = incident.excluded_from_metrics, incident.excluded_reason
    if is_excluded and not reason and "excluded_reason" in given:
        raise ValidationError({"excluded_reason": NO_REASON})
    if not is_excluded and changed.get("excluded_reason"):
        raise ValidationError({"excluded_reason": "It is not left out of the metrics, so there is no reason for it."})
    _mark(incident, reason, is_excluded=is_excluded, by=by, at=at)
    return {"excluded": is_excluded if changed.keys() <= set(FIELDS) else None}


def tidied(reason: str) -> str:
    """One line of at most ``REASON_LIMIT`` characters."""
    return single_line(reason, limit=REASON_LIMIT)


def _marked(incident: Incident, reason: str, *, is_excluded: bool, by: User | None, now: datetime | None) -> Incident:
    out = Consequences(now or db_now())
    _mark(incident, reason, is_excluded=is_excluded, by=by, at=out.now)
    incident.save(update_fields=[*FIELDS, "updated_at"])
    data: dict[str, Any] = {"fields": ["excluded_from_metrics"], "excluded": is_excluded}
    out.record(incident, Kind.DETAILS_CHANGED, by=by, text=reason, **data)
    out.write()
    return incident


def _mark(incident: Incident, reason: str, *, is_excluded: bool, by: User | None, at: datetime) -> None:
    """Set the fields in memory; they are empty where nothing is left out."""
    incident.excluded_from_metrics = is_excluded
    incident.excluded_reason = reason if is_excluded else ""
    incident.excluded_by = by if is_excluded else None
    incident.excluded_at = at if is_excluded else None
