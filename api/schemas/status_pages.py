"""Status pages, their groups and components, and the incidents as they tell them."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Literal, cast

from django.conf import settings
from django.urls import reverse
from pydantic import Field

from api.problems import invalid
from api.schemas.base import LEFT_OUT, Boolean, Input, Output, Reference, References, Time, TimeIn
from api.schemas.communication import Day, DayIn, UpdateStatus
from statuspage import addresses

if TYPE_CHECKING:
    from statuspage.models import Component, ComponentGroup, Report, StatusPage

HealthWord = Literal["operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"]
Locale = Literal["en", "de", "fr", "es"]
PageSlug = Annotated[str, Field(min_length=1, max_length=60, description="Letters, digits, hyphens and underscores.")]
PartName = Annotated[str, Field(min_length=1, max_length=80)]
Sentence = Annotated[str, Field(max_length=300)]
Domain = Annotated[str, Field(max_length=253, examples=["status.example.com"])]
Colour = Annotated[str, Field(max_length=7, examples=["#1d4ed8"])]
Zone = Annotated[str, Field(max_length=64, examples=["Europe/Berlin"])]
Address = Annotated[str, Field(max_length=500)]
Logo = Annotated[
    str, Field(max_length=280_000, description="A PNG, JPEG or WebP of 200 KB at most, in base64. It is drawn anew.")
]
BASED_ON = "The `updated_at` that you read: 409 where it was saved since."
Position = Annotated[int, Field(ge=0, le=1000, strict=True)]


class NewStatusPage(Input):
    """What the public reads. It is public as soon as it is made."""

    slug: PageSlug
    name: PartName
    about: Sentence = ""
    domain: Domain = Field("", description="A domain of its own; empty: it is read below Muster's address.")
    colour: Colour = ""
    locale: Locale = "en"
    time_zone: Zone = Field("UTC", description="Its days begin and end there.")
    home_url: Address = ""
    support_url: Address = ""
    is_default: Boolean = Field(default=False, description="Shown at `/status/`; the first page is, in any case.")
    logo: Logo | None = None


class StatusPageChange(Input):
    """What a PATCH may change; what is left out stays."""

    slug: PageSlug = LEFT_OUT
    name: PartName = LEFT_OUT
    about: Sentence = LEFT_OUT
    domain: Domain = LEFT_OUT
    colour: Colour = LEFT_OUT
    locale: Locale = LEFT_OUT
    time_zone: Zone = LEFT_OUT
    home_url: Address = LEFT_OUT
    support_url: Address = LEFT_OUT
    is_default: Boolean = LEFT_OUT
    logo: Logo | None = Field(None, description="Null takes it away.")
    based_on: TimeIn = Field(default=LEFT_OUT.default, description=BASED_ON)


class StatusPageOut(Output):
    """A status page, and how far what readers see is up to date."""

    slug: str
    name: str
    about: str
    domain: str
    colour: str
    locale: Locale
    time_zone: str
    home_url: str
    support_url: str
    is_default: bool
    has_logo: bool
    subscribers: int = Field(description="Those who have confirmed.")
    changed_at: Time = Field(description="When what readers see was changed last.")
    rendered_at: Time | None = Field(description="The `changed_at` that readers see.")
    exported_at: Time | None
    updated_at: Time = Field(description="When somebody saved it last.")
    public_url: str
    url: str

    @classmethod
    def of(cls, page: StatusPage) -> StatusPageOut:
        """Reads ``subscriber_count`` (api.resources.status_pages)."""
        return cls(
            slug=page.slug,
            name=page.name,
            about=page.about,
            domain=page.domain,
            colour=page.colour,
            locale=cast("Locale", page.locale),
            time_zone=page.time_zone,
            home_url=page.home_url,
            support_url=page.support_url,
            is_default=page.is_default,
            has_logo=bool(page.logo_type),
            subscribers=page.subscriber_count,  # type: ignore[attr-defined]
            changed_at=page.changed_at,
            rendered_at=page.rendered_at,
            exported_at=page.exported_at,
            updated_at=page.updated_at,
            public_url=addresses.home_of(page),
            url=settings.MUSTER.base_url + reverse("statuspage:page_detail", args=[page.slug]),
        )


class NewGroup(Input):
    """Components that stand together."""

    name: PartName


class GroupChange(Input):
    """What a PATCH may change; what is left out stays."""

    name: PartName = LEFT_OUT
    position: Position = Field(default=LEFT_OUT.default, description="Its place among the groups, from 0 on.")


class GroupOut(Output):
    """Components that stand together."""

    id: str
    name: str
    position: int

    @classmethod
    def of(cls, group: ComponentGroup) -> GroupOut:
        """Reads nothing else."""
        return cls(id=group.public_id, name=group.name, position=group.position)


class NewComponent(Input):
    """A part of what readers use, and the services that it stands for."""

    name: PartName
    description: Sentence = ""
    group: Reference | None = Field(None, description="The id of a group of the page.")
    services: References = Field(default_factory=list, description="Slugs; their incidents and maintenance affect it.")
    since: DayIn | None = Field(None, description="The first day of its history. Null: today.")


class ComponentChange(Input):
    """What a PATCH may change; what is left out stays."""

    name: PartName = LEFT_OUT
    description: Sentence = LEFT_OUT
    group: Reference | None = None
    services: References = LEFT_OUT
    since: DayIn = LEFT_OUT
    position: Position = Field(default=LEFT_OUT.default, description="Its place among those of its group, from 0 on.")
    based_on: TimeIn = Field(default=LEFT_OUT.default, description=BASED_ON)


class ComponentOut(Output):
    """A part of what readers use, and how it is by what was told."""

    id: str
    name: str
    description: str
    group: str | None
    services: list[str]
    since: Day
    position: int
    health: HealthWord
    updated_at: Time = Field(description="When somebody saved or moved it last.")

    @classmethod
    def of(cls, component: Component, *, health: str) -> ComponentOut:
        """Reads ``group`` and ``services``, which the caller has fetched."""
        return cls(
            id=component.public_id,
            name=component.name,
            description=component.description,
            group=component.group.public_id if component.group else None,
            services=[service.slug for service in component.services.all()],
            since=component.since,
            position=component.position,
            health=cast("HealthWord", health),
            updated_at=component.updated_at,
        )


class Affected(Output):
    """How a component is by an incident."""

    id: str
    health: HealthWord


class ReportOut(Output):
    """An incident as a page tells it."""

    id: str = Field(description="Its public id, as in its permanent address.")
    name: str
    status: UpdateStatus
    incident: str = Field(description="The incident inside, which the public is not told.")
    components: list[Affected] = Field(description="Those that are not well by it.")
    started_at: Time
    created_at: Time
    updated_at: Time
    resolved_at: Time | None
    public_url: str

    @classmethod
    def of(cls, report: Report) -> ReportOut:
        """Reads ``page``, ``incident`` and ``open_impacts``, with their components, which the caller has fetched."""
        return cls(
            id=report.public_id,
            name=report.name,
            status=cast("UpdateStatus", report.status),
            incident=report.incident.reference,
            components=[
                Affected(id=impact.component.public_id, health=impact.health)
                for impact in report.open_impacts  # type: ignore[attr-defined]
            ],
            started_at=report.started_at,
            created_at=report.created_at,
            updated_at=report.updated_at,
            resolved_at=report.resolved_at,
            public_url=addresses.incident_of(report.page, report.public_id),
        )


def logo_of(text: str) -> bytes:
    """The picture in a body. Raises the problem 422 for what is no base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise invalid("logo", "Send the picture in base64.") from None
