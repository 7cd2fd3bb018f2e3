"""What a search finds."""

from __future__ import annotations

from html import unescape
from typing import Literal, cast

from django.conf import settings
from django.utils.html import strip_tags
from pydantic import BaseModel, ConfigDict, Field

from accounts.models import User
from api.schemas.base import Output, Time
from api.schemas.incidents import SeverityName, StatusName
from catalog.models import Service
from incidents.models import Incident
from postmortems.searching import Found


class SearchQuery(BaseModel):
    """What to look for."""

    model_config = ConfigDict(extra="forbid")

    q: str = Field(
        "", max_length=300, description="Words, and prefixes as in the search box.", examples=["is:open kafka"]
    )


class FoundIncident(Output):
    """An incident in short."""

    id: str = Field(examples=["INC-42"])
    title: str
    severity: SeverityName
    status: StatusName
    created_at: Time
    url: str = Field(description="The page of the incident.")

    @classmethod
    def of(cls, incident: Incident) -> FoundIncident:
        """From the row."""
        return cls(
            id=incident.reference,
            title=incident.title,
            severity=cast("SeverityName", incident.severity),
            status=cast("StatusName", incident.status),
            created_at=incident.created_at,
            url=settings.MUSTER.base_url + incident.get_absolute_url(),
        )


class FoundPostmortem(Output):
    """A postmortem in short."""

    id: int
    incident: str = Field(examples=["INC-42"])
    title: str
    state: Literal["draft", "in_review", "published"]
    section: str = Field(description="Where the words stand, if not in the title alone.")
    extract: str = Field(description="The place, as plain text.")
    url: str = Field(description="The page of the postmortem.")

    @classmethod
    def of(cls, found: Found) -> FoundPostmortem:
        """From what was found."""
        row = found.postmortem
        return cls(
            id=row.pk,
            incident=row.incident.reference,
            title=row.incident.title,
            state=cast('Literal["draft", "in_review", "published"]', row.state),
            section=found.where,
            extract=unescape(strip_tags(found.extract)),
            url=settings.MUSTER.base_url + row.get_absolute_url(),
        )


class FoundService(Output):
    """A service in short."""

    slug: str
    name: str

    @classmethod
    def of(cls, service: Service) -> FoundService:
        """From the row."""
        return cls(slug=service.slug, name=service.name)


class FoundPerson(Output):
    """A person in short."""

    username: str
    name: str

    @classmethod
    def of(cls, user: User) -> FoundPerson:
        """From the row."""
        return cls(username=user.username, name=user.name)


class SearchOut(Output):
    """What was found, and what of the question was not understood."""

    incidents: list[FoundIncident] = Field(description="The newest that fit.")
    postmortems: list[FoundPostmortem] = Field(description="The newest that have the words.")
    services: list[FoundService]
    people: list[FoundPerson]
    mistakes: list[str]
    more: str = Field(description="The list of all incidents that fit, here in the API.")
