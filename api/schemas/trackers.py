"""Trackers, and the tickets that action items become there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import Field

from api.schemas.base import LEFT_OUT, Boolean, Id, Input, Output, Reference, Time
from followups.defining import SECRET_LIMIT
from followups.models import Ticket, Tracker

if TYPE_CHECKING:
    from accounts.models import User

TrackerKind = Literal["github", "gitlab", "jira", "webhook"]
TicketState = Literal["queued", "sending", "failed", "open", "closed"]
TrackerName = Annotated[str, Field(min_length=1, max_length=80)]
BaseUrl = Annotated[str, Field(min_length=1, max_length=500)]
Word = Annotated[str, Field(max_length=200)]
IssueType = Annotated[str, Field(max_length=80)]
Secret = Annotated[str, Field(max_length=SECRET_LIMIT, description="A token, or a signing secret. It is never shown.")]


class NewTracker(Input):
    """Where tickets are kept. A webhook without a secret gets one, which the answer shows once."""

    kind: TrackerKind
    name: TrackerName
    base_url: BaseUrl = Field(examples=["https://api.github.com"])
    project: Word = Field("", description="owner/repository, group/project, or Jira's key.")
    username: Word = Field("", description="Jira: the account's e-mail address.")
    issue_type: IssueType = Field("", description="Jira. Empty: Task.")
    secret: Secret = ""
    team: Reference | None = Field(None, description="The slug of the team that it is for. Null: every team.")
    is_active: Boolean = True


class TrackerChange(Input):
    """What a PATCH may change; what is left out stays, and so does the secret."""

    name: TrackerName = LEFT_OUT
    base_url: BaseUrl = LEFT_OUT
    project: Word = LEFT_OUT
    username: Word = LEFT_OUT
    issue_type: IssueType = LEFT_OUT
    secret: Secret = LEFT_OUT
    team: Reference | None = None
    is_active: Boolean = LEFT_OUT


class TrackerOut(Output):
    """Where tickets are kept; its secret is not shown."""

    id: int
    kind: TrackerKind
    name: str
    base_url: str = Field(description="Of a webhook, all but admins read the host alone.")
    project: str
    username: str
    issue_type: str
    team: str | None = Field(description="A slug. Null: every team.")
    is_active: bool

    @classmethod
    def of(cls, tracker: Tracker, user: User) -> TrackerOut:
        """Reads ``team``, which the caller has fetched."""
        return cls(
            id=tracker.pk,
            kind=cast("TrackerKind", tracker.kind),
            name=tracker.name,
            base_url=tracker.address_for(user),
            project=tracker.project,
            username=tracker.username,
            issue_type=tracker.issue_type,
            team=tracker.team.slug if tracker.team else None,
            is_active=tracker.is_active,
        )


class TrackerWithSecret(TrackerOut):
    """A tracker, and the signing secret that was made for it."""

    secret: str | None = Field(description="Shown in this answer only; null where none was made.")

    @classmethod
    def with_secret(cls, tracker: Tracker, user: User, secret: str) -> TrackerWithSecret:
        """Reads what ``of`` reads."""
        return cls(**dict(TrackerOut.of(tracker, user)), secret=secret or None)


class NewTicket(Input):
    """To which tracker an item goes; to the same one again where it could not be exported."""

    tracker: Id


class TicketOut(Output):
    """What an item became elsewhere."""

    action_item: int
    tracker: int
    state: TicketState
    key: str | None = Field(description="As the tracker writes it.", examples=["octo/repo#12"])
    url: str | None
    error: str | None = Field(description="Why it is not there, or why nobody knows how it stands.")
    asked_at: Time
    asked_by: str | None
    exported_at: Time | None
    checked_at: Time | None
    closed_at: Time | None

    @classmethod
    def of(cls, ticket: Ticket) -> TicketOut:
        """Reads ``asked_by``, which the caller has fetched."""
        return cls(
            action_item=ticket.action_item_id,
            tracker=ticket.tracker_id,
            state=cast("TicketState", ticket.state),
            key=ticket.key or None,
            url=ticket.url or None,
            error=ticket.error or None,
            asked_at=ticket.asked_at,
            asked_by=ticket.asked_by.username if ticket.asked_by else None,
            exported_at=ticket.exported_at,
            checked_at=ticket.checked_at,
            closed_at=ticket.closed_at,
        )
