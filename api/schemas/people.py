"""People, how they are reached, and teams."""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Literal, cast

from pydantic import AfterValidator, Field

from accounts.models import Team, User
from api.paging import ListQuery
from api.schemas.base import LEFT_OUT, Boolean, Input, Output, References, Time
from api.schemas.services import Slug
from notifications.models import ContactMethod

RoleName = Literal["viewer", "responder", "manager", "admin"]
ContactKind = Literal["email", "webhook", "chat"]
Username = Annotated[str, Field(min_length=1, max_length=150)]
PersonName = Annotated[str, Field(max_length=150)]
Email = Annotated[str, Field(max_length=254)]


def _known_zone(name: str) -> str:
    if name not in zoneinfo.available_timezones():
        raise ValueError("There is no such time zone.")
    return name


Zone = Annotated[
    str, Field(max_length=64, description="An IANA name, such as Europe/Berlin."), AfterValidator(_known_zone)
]
Address = Annotated[str, Field(max_length=500)]


class UserQuery(ListQuery):
    """What narrows the list."""

    team: str | None = Field(None, description="A team's slug.")
    role: RoleName | None = None


class NewUser(Input):
    """A person. Passwords are set in the browser."""

    username: Username
    email: Email = ""
    name: PersonName = ""
    role: RoleName = "responder"


class UserChange(Input):
    """What a PATCH may change; what is left out stays. Everybody may change their own name and time zone."""

    email: Email = LEFT_OUT
    name: PersonName = LEFT_OUT
    role: RoleName = LEFT_OUT
    time_zone: Zone = LEFT_OUT
    is_active: Boolean = LEFT_OUT


class UserOut(Output):
    """A person."""

    username: str
    email: str
    name: str
    role: RoleName
    time_zone: str
    is_active: bool
    teams: list[str]
    created_at: Time

    @classmethod
    def of(cls, user: User) -> UserOut:
        """Reads ``teams``, which the caller has fetched."""
        return cls(
            username=user.username,
            email=user.email,
            name=user.name,
            role=cast("RoleName", user.role),
            time_zone=user.time_zone,
            is_active=user.is_active,
            teams=[team.slug for team in user.teams.all()],
            created_at=user.created_at,
        )


class NewContactMethod(Input):
    """A way to reach a person; `verified` is for admins. A `chat` is an incoming webhook as Slack has them."""

    kind: ContactKind
    address: Address
    verified: Boolean = False


class ContactMethodChange(Input):
    """Confirm an address for somebody else; for admins."""

    verified: Literal[True]


class ContactMethodOut(Output):
    """A way to reach a person."""

    id: int
    kind: ContactKind
    address: str
    verified: bool
    verified_at: Time | None
    created_at: Time

    @classmethod
    def of(cls, method: ContactMethod) -> ContactMethodOut:
        """Reads only the row."""
        return cls(
            id=method.pk,
            kind=cast("ContactKind", method.kind),
            address=method.address,
            verified=method.is_verified,
            verified_at=method.verified_at,
            created_at=method.created_at,
        )


class AddedContactMethod(ContactMethodOut):
    """A way to reach a person, and what signs the requests of a new webhook; it is shown once."""

    signing_secret: str | None

    @classmethod
    def added(cls, method: ContactMethod, *, is_new: bool) -> AddedContactMethod:
        """With the secret only where it is new."""
        secret = method.signing_secret if is_new and method.signing_secret else None
        return cls(**dict(ContactMethodOut.of(method)), signing_secret=secret)


TeamName = Annotated[str, Field(min_length=1, max_length=120)]
Description = Annotated[str, Field(max_length=300)]


class NewTeam(Input):
    """People who own services together. Addresses: e-mail, https://… or slack+https://…"""

    slug: Slug
    name: TeamName
    members: References = Field(default_factory=list, description="Usernames.")
    managers: References = Field(default_factory=list, description="Usernames of members who manage the team.")
    description: Description = ""
    ticket_address: Address = ""
    channel_address: Address = ""


class TeamChange(Input):
    """What a PATCH may change; what is left out stays."""

    slug: Slug = LEFT_OUT
    name: TeamName = LEFT_OUT
    members: References = LEFT_OUT
    managers: References = LEFT_OUT
    description: Description = LEFT_OUT
    ticket_address: Address = LEFT_OUT
    channel_address: Address = LEFT_OUT


class TeamOut(Output):
    """A team. Its addresses are shown to those who manage it, because whoever has one can write to it."""

    slug: str
    name: str
    members: list[str]
    managers: list[str]
    description: str
    ticket_address: str | None
    channel_address: str | None

    @classmethod
    def of(cls, team: Team, *, is_managed: bool) -> TeamOut:
        """Reads ``memberships__user``, which the caller has fetched."""
        memberships = sorted(team.memberships.all(), key=lambda row: row.pk)
        return cls(
            slug=team.slug,
            name=team.name,
            members=[row.user.username for row in memberships],
            managers=[row.user.username for row in memberships if row.is_manager],
            description=team.description,
            ticket_address=team.ticket_address if is_managed else None,
            channel_address=team.channel_address if is_managed else None,
        )
