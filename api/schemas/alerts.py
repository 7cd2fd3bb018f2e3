"""Alerts and the integrations that they come through."""

from __future__ import annotations

from typing import Annotated, Any, Literal, cast

from django.conf import settings
from pydantic import Field

from alerts.models import Alert, Integration
from api.paging import ListQuery
from api.schemas.base import LEFT_OUT, Boolean, Input, Output, Reference, Time
from api.schemas.incidents import SeverityName

AlertStatus = Literal["firing", "resolved"]
FormatName = Literal["alertmanager", "generic"]
IntegrationName = Annotated[str, Field(min_length=1, max_length=120)]


class AlertQuery(ListQuery):
    """What narrows the list."""

    period: Literal["active", "recent", "all"] = Field("all", description="`active` is firing.")
    status: AlertStatus | None = None
    severity: SeverityName | None = None
    service: str | None = Field(None, description="The slug of its integration's service.")
    team: str | None = Field(None, description="The slug of the team that owns that service.")
    integration: int | None = Field(None, ge=1, le=2**63 - 1)
    incident: str | None = Field(None, description="Such as INC-42: its own alerts and those linked to it.")


class AlertOut(Output):
    """One thing that fires or fired."""

    id: str = Field(examples=["ALR-7"])
    number: int
    title: str
    severity: SeverityName
    status: AlertStatus
    integration: int
    service: str | None
    incident: str | None
    labels: dict[str, Any]
    annotations: dict[str, Any]
    link: str
    started_at: Time
    received_at: Time
    last_received_at: Time
    resolved_at: Time | None
    times_received: int

    @classmethod
    def of(cls, alert: Alert) -> AlertOut:
        """Reads ``integration__service`` and ``group``, which the caller has fetched."""
        service = alert.integration.service
        return cls(
            id=alert.reference,
            number=alert.pk,
            title=alert.title,
            severity=cast("SeverityName", alert.severity),
            status=cast("AlertStatus", alert.status),
            integration=alert.integration_id,
            service=service.slug if service else None,
            incident=f"INC-{alert.group.incident_id}" if alert.group else None,
            labels=alert.labels,
            annotations=alert.annotations,
            link=alert.link,
            started_at=alert.started_at,
            received_at=alert.received_at,
            last_received_at=alert.last_received_at,
            resolved_at=alert.resolved_at,
            times_received=alert.times_received,
        )


class NewIntegration(Input):
    """A door for one monitor."""

    name: IntegrationName
    format: FormatName
    service: Reference | None = Field(None, description="A service's slug.")
    default_severity: SeverityName = "medium"


class IntegrationChange(Input):
    """What a PATCH may change; the format stays, because the sender's address says it."""

    name: IntegrationName = LEFT_OUT
    service: Reference | None = None
    default_severity: SeverityName = LEFT_OUT
    is_enabled: Boolean = LEFT_OUT


class IntegrationOut(Output):
    """A door for one monitor; its key is not shown again."""

    id: int
    name: str
    format: FormatName
    service: str | None
    default_severity: SeverityName
    is_enabled: bool
    key_prefix: str
    created_at: Time

    @classmethod
    def of(cls, integration: Integration) -> IntegrationOut:
        """Reads ``service``, which the caller has fetched."""
        return cls(**_values(integration))


class IntegrationWithKey(IntegrationOut):
    """A new door, with the key that opens it and the address to send to; both are shown once."""

    routing_key: str | None
    url: str | None

    @classmethod
    def with_key(cls, integration: Integration, key: str) -> IntegrationWithKey:
        """The key is the text that the domain function has just answered."""
        url = f"{settings.MUSTER.base_url}/integrations/{key}/{integration.format}"
        return cls(**_values(integration), routing_key=key, url=url)


def _values(integration: Integration) -> dict[str, Any]:
    return {
        "id": integration.pk,
        "name": integration.name,
        "format": integration.format,
        "service": integration.service.slug if integration.service else None,
        "default_severity": integration.default_severity,
        "is_enabled": integration.is_enabled,
        "key_prefix": integration.key_prefix,
        "created_at": integration.created_at,
    }
