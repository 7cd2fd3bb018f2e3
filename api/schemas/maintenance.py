"""Maintenance windows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, cast

from django.conf import settings
from pydantic import Field

from api.paging import ListQuery
from api.schemas.base import LEFT_OUT, Boolean, Input, Output, References, Text, Time, TimeIn

if TYPE_CHECKING:
    from datetime import datetime

    from catalog.models import MaintenanceWindow

StateName = Literal["scheduled", "in_progress", "completed", "cancelled"]
Title = Annotated[str, Field(min_length=1, max_length=120)]


class MaintenanceQuery(ListQuery):
    """What narrows the list."""

    service: str | None = Field(None, description="A service's slug.")
    state: StateName | None = None


class NewMaintenance(Input):
    """Work that is announced beforehand."""

    title: Title
    description: Text = Field("", description="Markdown: what readers will notice and need to do.")
    services: References = Field(description="Slugs; one at least.")
    starts_at: TimeIn
    ends_at: TimeIn = Field(description="At most 30 days later.")
    is_public: Boolean = Field(True, description="Whether status pages that show the services announce it.")


class MaintenanceChange(Input):
    """What a PATCH may change; what is left out stays. `/end` and `/cancel` set `ended_at` and `cancelled_at`."""

    title: Title = LEFT_OUT
    description: Text = LEFT_OUT
    services: References = LEFT_OUT
    starts_at: TimeIn = LEFT_OUT
    ends_at: TimeIn = LEFT_OUT
    is_public: Boolean = LEFT_OUT
    based_on: TimeIn = Field(
        default=LEFT_OUT.default, description="The `updated_at` that you read: 409 where it was saved since."
    )


class MaintenanceOut(Output):
    """Work that is announced beforehand, and where it stands."""

    id: str
    title: str
    description: str
    services: list[str]
    state: StateName
    starts_at: Time
    ends_at: Time
    ended_at: Time | None = Field(description="Set where it was over sooner.")
    cancelled_at: Time | None
    is_public: bool
    created_by: str | None
    created_at: Time
    updated_at: Time
    url: str = Field(description="The page of the window.")

    @classmethod
    def of(cls, window: MaintenanceWindow, *, now: datetime) -> MaintenanceOut:
        """Reads ``services`` and ``created_by``, which the caller has fetched."""
        return cls(
            id=window.public_id,
            title=window.title,
            description=window.description,
            services=sorted(service.slug for service in window.services.all()),
            state=cast("StateName", str(window.state_at(now))),
            starts_at=window.starts_at,
            ends_at=window.ends_at,
            ended_at=window.ended_at,
            cancelled_at=window.cancelled_at,
            is_public=window.is_public,
            created_by=window.created_by.username if window.created_by else None,
            created_at=window.created_at,
            updated_at=window.updated_at,
            url=settings.MUSTER.base_url + window.get_absolute_url(),
        )
