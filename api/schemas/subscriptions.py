"""What people want to hear of."""

from __future__ import annotations

from pydantic import Field

from api.schemas.base import Id, Input, Output, Reference, Time
from incidents.models import Subscription


class NewSubscription(Input):
    """Exactly one of the four things, and how its updates are to come."""

    service: Reference | None = Field(None, description="A service's slug.")
    team: Reference | None = Field(None, description="A team's slug: every service that it owns.")
    severity: Reference | None = None
    incident: Reference | None = Field(None, examples=["INC-42"])
    contact_method: Id | None = Field(
        None, description="One of your own confirmed contact methods. Null: the e-mail address of your account."
    )


class SubscriptionOut(Output):
    """Something that one hears of."""

    id: int
    service: str | None
    team: str | None
    severity: str | None
    incident: str | None
    contact_method: int | None = Field(description="Null: the e-mail address of your account.")
    created_at: Time

    @classmethod
    def of(cls, row: Subscription) -> SubscriptionOut:
        """Reads the row, its service and its team."""
        return cls(
            id=row.pk,
            service=row.service.slug if row.service else None,
            team=row.team.slug if row.team else None,
            severity=row.severity or None,
            incident=f"INC-{row.incident_id}" if row.incident_id else None,
            contact_method=row.contact_method_id,
            created_at=row.created_at,
        )
