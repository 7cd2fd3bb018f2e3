"""The severity policy in force, site-wide settings, and their defaults."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from incidents.business_time import BusinessCalendar, next_business_day_end
from incidents.models import Holiday, IncidentSettings, Severity, SeverityPolicy

DEFAULTS: dict[str, dict[str, Any]] = {
    Severity.CRITICAL: {
        "impact": "Platform-wide outage",
        "response_label": "Immediate",
        "respond_within_minutes": 5,
        "remind_after_minutes": 30,
        "update_every_minutes": 30,
        "page_on_call": True,
        "notify_leadership": True,
        "needs_postmortem": True,
        "postmortem_within_days": 5,
        "follow_up_within_days": 14,
    },
    Severity.HIGH: {
        "impact": "Major feature unavailable",
        "respond_within_minutes": 15,
        "remind_after_minutes": 60,
        "update_every_minutes": 60,
        "page_on_call": True,
        "needs_postmortem": True,
        "postmortem_within_days": 10,
        "follow_up_within_days": 30,
    },
    Severity.MEDIUM: {
        "impact": "Degraded performance",
        "respond_within_minutes": 60,
        "notify_channel": True,
        "follow_up_within_days": 60,
    },
    Severity.LOW: {
        "impact": "Minor issue, workaround exists",
        "respond_within_minutes": None,
        "open_ticket": True,
        "follow_up_within_days": 90,
    },
}


def ensure_defaults() -> None:
    """Write the rows that are missing; what an admin has changed stays."""
    for severity, values in DEFAULTS.items():
        SeverityPolicy.objects.get_or_create(severity=severity, defaults=values)
    IncidentSettings.objects.get_or_create(pk=1)


def policies() -> dict[str, SeverityPolicy]:
    """Severity to policy, the defaults standing in for a row that is missing."""
    known = {policy.severity: policy for policy in SeverityPolicy.objects.all()}
    return {
        severity: known.get(severity) or SeverityPolicy(severity=severity, **DEFAULTS[severity])
        for severity in Severity.values
    }


def site_settings() -> IncidentSettings:
    """The one row of settings, or its defaults while there is none."""
    settings = IncidentSettings.objects.select_related("leadership", "last_resort").filter(pk=1).first()
    return settings or IncidentSettings(pk=1)


def calendar(settings: IncidentSettings) -> BusinessCalendar:
    """The business calendar of the site."""
    return BusinessCalendar(
        zone=settings.time_zone,
        opens=settings.opens_at,
        closes=settings.closes_at,
        weekdays=frozenset(day - 1 for day in settings.weekdays),  # ours count from 1, like ISO 8601
        holidays=frozenset(Holiday.objects.values_list("date", flat=True)),
    )


def response_due(policy: SeverityPolicy, settings: IncidentSettings, *, start: datetime) -> datetime:
    """When somebody must have answered, in UTC: minutes after ``start``, or the end of the next business day."""
    if policy.respond_within_minutes is None:
        return next_business_day_end(calendar(settings), start)
    return start + timedelta(minutes=policy.respond_within_minutes)
