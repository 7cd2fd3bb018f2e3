"""Services."""

from __future__ import annotations

from typing import Annotated, Literal, cast

from django.conf import settings
from django.urls import reverse
from pydantic import Field

from api.paging import ListQuery
from api.schemas.base import LEFT_OUT, Id, Input, Output, Reference, References, Text
from catalog.models import Service

HealthName = Literal["operational", "degraded", "partial_outage", "major_outage", "maintenance"]
Tier = Literal[1, 2, 3, 4]
Slug = Annotated[str, Field(min_length=1, max_length=80, description="Letters, digits, hyphens and underscores.")]
ServiceName = Annotated[str, Field(min_length=1, max_length=120)]
Link = Annotated[str, Field(max_length=500)]


class ServiceQuery(ListQuery):
    """What narrows the list."""

    team: str | None = Field(None, description="A team's slug.")
    health: HealthName | None = None


class NewService(Input):
    """Something people depend on."""

    slug: Slug
    name: ServiceName
    team: Reference | None = Field(None, description="The slug of the team that owns it.")
    tier: Tier = Field(3, description="How much depends on it; 1 is the most.")
    escalation_policy: Id | None = Field(None, description="The id of the policy that says who is paged.")
    depends_on: References = Field(default_factory=list, description="Slugs of services.")
    description: Text = ""
    health: HealthName = "operational"
    dashboard_url: Link = ""
    logs_url: Link = ""
    repo_url: Link = ""


class ServiceChange(Input):
    """What a PATCH may change; what is left out stays. Responders may change the health, and managers everything."""

    slug: Slug = LEFT_OUT
    name: ServiceName = LEFT_OUT
    team: Reference | None = None
    tier: Tier = LEFT_OUT
    escalation_policy: Id | None = None
    depends_on: References = LEFT_OUT
    description: Text = LEFT_OUT
    health: HealthName = LEFT_OUT
    dashboard_url: Link = LEFT_OUT
    logs_url: Link = LEFT_OUT
    repo_url: Link = LEFT_OUT


class ServiceOut(Output):
    """Something people depend on, who owns it, and how it is."""

    slug: str
    name: str
    team: str | None
    tier: Tier
    escalation_policy: int | None
    depends_on: list[str]
    description: str
    health: HealthName
    dashboard_url: str
    logs_url: str
    repo_url: str
    url: str = Field(description="The page of the service.")

    @classmethod
    def of(cls, service: Service) -> ServiceOut:
        """Reads ``team``, ``dependencies__depends_on`` and ``is_in_maintenance``, which the caller has fetched."""
        return cls(
            slug=service.slug,
            name=service.name,
            team=service.team.slug if service.team else None,
            tier=cast("Tier", service.tier),
            escalation_policy=service.escalation_policy_id,
            depends_on=[link.depends_on.slug for link in service.dependencies.all()],
            description=service.description,
            health=cast("HealthName", str(service.health_now)),
            dashboard_url=service.dashboard_url,
            logs_url=service.logs_url,
            repo_url=service.repo_url,
            url=settings.MUSTER.base_url + reverse("catalog:service_detail", args=[service.slug]),
        )


class ServiceWithWarnings(ServiceOut):
    """A service, and what may keep somebody from being paged for it."""

    warnings: list[str]

    @classmethod
    def saved(cls, service: Service, warnings: list[str]) -> ServiceWithWarnings:
        """Reads what ``of`` reads."""
        return cls(**dict(ServiceOut.of(service)), warnings=warnings)
