"""Postmortems, their events, comments and revisions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, cast

from django.conf import settings
from pydantic import Field, StrictInt

from api.paging import LARGEST_LIMIT, ListQuery
from api.schemas.base import LEFT_OUT, Boolean, Id, Input, Output, Reference, References, Time, TimeIn
from api.schemas.incidents import SeverityName
from incidents.communication import PUBLIC_LIMIT
from postmortems import comments, editing, factors, meeting, outline, reading
from postmortems.models import EVENT_LIMIT, Comment, KeyEvent, Postmortem, Reviewer, Revision, due_at

if TYPE_CHECKING:
    from collections.abc import Mapping

    from incidents.models import SeverityPolicy

StateName = Literal["draft", "in_review", "published"]
SectionKey = Annotated[str, Field(max_length=outline.KEY_LIMIT, examples=["root_cause"])]
SectionText = Annotated[str, Field(max_length=editing.BODY_LIMIT, description="Markdown.")]
FactorName = Annotated[str, Field(min_length=1, max_length=factors.NAME_LIMIT, examples=["Capacity"])]
FactorNames = Annotated[list[FactorName], Field(max_length=factors.MOST_FACTORS)]
EventText = Annotated[str, Field(min_length=1, max_length=EVENT_LIMIT)]


class PostmortemQuery(ListQuery):
    """What narrows the list. Rows are whole, and one may have a megabyte: pages are shorter than elsewhere."""

    limit: int = Field(20, ge=1, le=LARGEST_LIMIT, description="How many items a page has at most; never over 50.")
    incident: str | None = Field(None, description="Such as INC-42.")
    state: StateName | None = None
    severity: SeverityName | None = None
    service: str | None = Field(None, description="A service's slug.")
    team: str | None = Field(None, description="The slug of the team of an affected service.")
    factor: str | None = Field(None, description="A contributing factor's name, in any case.")
    owner: str | None = Field(None, description="A username, `me` or `none`.")
    q: str | None = Field(None, max_length=200, description="Words of the title and of all sections.")


class NewPostmortem(Input):
    """Which incident is learned from."""

    incident: Reference = Field(description="Such as INC-42.")


class SectionIn(Input):
    """What a section is to say. `title` and `is_required` may come along as they were read."""

    key: SectionKey
    body: SectionText
    base: SectionText = Field(
        default=LEFT_OUT.default,
        description="The text that you began with: what somebody else has saved since is kept, merged with yours; 409 "
        "where both changed the same words. Without it your text replaces whatever is there.",
    )
    title: str = LEFT_OUT
    is_required: Boolean = LEFT_OUT


class MeetingIn(Input):
    """When and where it is talked about."""

    at: TimeIn
    minutes: Annotated[StrictInt, Field(ge=meeting.SHORTEST, le=meeting.LONGEST)] = 60
    place: Annotated[str, Field(max_length=meeting.PLACE_LIMIT)] = ""


class PostmortemChange(Input):
    """What a PATCH may change; what is left out stays."""

    sections: Annotated[list[SectionIn], Field(max_length=outline.MOST_SECTIONS)] = LEFT_OUT
    owner: Reference | None = Field(None, description="A username; null for nobody.")
    factors: FactorNames = LEFT_OUT
    meeting: MeetingIn | None = Field(None, description="Null cancels it.")
    public_text: Annotated[str, Field(max_length=PUBLIC_LIMIT)] = LEFT_OUT


class ReviewIn(Input):
    """Who is asked to read it."""

    reviewers: References = Field(description="Usernames.")


class ApprovalIn(Input):
    """What the reviewer whose token it is says."""

    approved: Boolean = True


class Publication(Input):
    """How it is published."""

    with_public: Boolean = Field(default=False, description="Also publish `public_text` as a public status update.")


class SectionOut(Output):
    """One section. Live lists stand in its text as they are now."""

    key: str
    title: str
    body: str = Field(description="Markdown.")
    is_required: bool


class MeetingOut(Output):
    """When and where it is talked about."""

    at: Time
    minutes: int
    place: str


class ReviewerOut(Output):
    """Somebody who was asked to read it."""

    user: str
    asked_at: Time
    approved_at: Time | None

    @classmethod
    def of(cls, row: Reviewer) -> ReviewerOut:
        """Reads ``user``, which the caller has fetched."""
        return cls(user=row.user.username, asked_at=row.asked_at, approved_at=row.approved_at)


class PostmortemOut(Output):
    """A postmortem as it is now."""

    id: int
    incident: str = Field(examples=["INC-42"])
    title: str = Field(description="The incident's.")
    severity: SeverityName
    state: StateName
    owner: str | None = Field(description="A username.")
    sections: list[SectionOut]
    unwritten: list[str] = Field(description="Keys of required sections that a person still has to write.")
    factors: list[str]
    due_at: Time | None = Field(description="By when it is to be published.")
    started_at: Time | None
    in_review_at: Time | None
    published_at: Time | None
    published_by: str | None
    first_published_at: Time | None
    reviewers: list[ReviewerOut]
    meeting: MeetingOut | None
    public_text: str
    is_public: bool = Field(description="Whether a public version was published.")
    created_at: Time
    url: str = Field(description="The page of the postmortem.")

    @classmethod
    def of(cls, row: Postmortem, promised: Mapping[str, SeverityPolicy]) -> PostmortemOut:
        """Reads what ``resources.postmortems`` has fetched with it."""
        incident = row.incident
        events = [event for event in row.events.all() if event.is_kept]
        parts = reading.parts_of(row.sections.all(), events, list(incident.action_items.all()))
        due = due_at(incident, within_days=promised[incident.severity].postmortem_within_days)
        return cls(
            id=row.pk,
            incident=incident.reference,
            title=incident.title,
            severity=cast("SeverityName", incident.severity),
            state=cast("StateName", row.state),
            owner=row.owner.username if row.owner else None,
            sections=[
                SectionOut(
                    key=part.section.key,
                    title=part.section.title,
                    body=part.text,
                    is_required=part.section.is_required,
                )
                for part in parts
            ],
            unwritten=[part.section.key for part in parts if part.section.is_required and part.is_unwritten],
            factors=[factor.name for factor in row.factors.all()],
            due_at=due,
            started_at=row.started_at,
            in_review_at=row.in_review_at,
            published_at=row.published_at,
            published_by=row.published_by.username if row.published_by else None,
            first_published_at=row.first_published_at,
            reviewers=[ReviewerOut.of(reviewer) for reviewer in row.reviewers.all()],
            meeting=_meeting_of(row),
            public_text=row.public_text,
            is_public=row.public_update_id is not None,
            created_at=row.created_at,
            url=settings.MUSTER.base_url + row.get_absolute_url(),
        )


def _meeting_of(row: Postmortem) -> MeetingOut | None:
    if row.meeting_at is None:
        return None
    return MeetingOut(at=row.meeting_at, minutes=row.meeting_minutes, place=row.meeting_place)


class NewComment(Input):
    """What somebody says, in Markdown."""

    text: Annotated[str, Field(min_length=1, max_length=comments.TEXT_LIMIT)]
    section: SectionKey | None = Field(None, description="Its key; null for the whole.")


class CommentChange(Input):
    """Whether it is dealt with."""

    settled: Boolean


class CommentOut(Output):
    """What somebody said of a section, or of the whole."""

    id: int
    section: str | None
    text: str
    created_at: Time
    created_by: str | None = Field(description="A username.")
    settled_at: Time | None
    settled_by: str | None

    @classmethod
    def of(cls, row: Comment) -> CommentOut:
        """Reads ``section`` and the people, which the caller has fetched."""
        return cls(
            id=row.pk,
            section=row.section.key if row.section else None,
            text=row.text,
            created_at=row.at,
            created_by=row.by.username if row.by else None,
            settled_at=row.settled_at,
            settled_by=row.settled_by.username if row.settled_by else None,
        )


class NewEvent(Input):
    """An event of your own (`text` and `at`), or an entry of the incident's timeline that is to be told (`entry`)."""

    entry: Id | None = Field(None, description="The id of an entry of the timeline.")
    text: EventText | None = None
    at: TimeIn | None = None


class EventChange(Input):
    """Keep an event or leave it out, or correct its words and its time; the timeline stays what it is."""

    is_kept: Boolean = LEFT_OUT
    text: EventText = LEFT_OUT
    at: TimeIn = LEFT_OUT


class EventOut(Output):
    """An event that the postmortem tells, or leaves out."""

    id: int
    at: Time
    text: str
    is_kept: bool
    is_corrected: bool
    entry: int | None = Field(description="The entry of the timeline that it comes from.")
    source_at: Time | None
    source_text: str = Field(description="What the timeline says.")
    changed_at: Time | None
    changed_by: str | None = Field(description="Who decided on it or corrected it; a username.")

    @classmethod
    def of(cls, row: KeyEvent) -> EventOut:
        """Reads ``changed_by``, which the caller has fetched."""
        return cls(
            id=row.pk,
            at=row.at,
            text=row.text,
            is_kept=row.is_kept,
            is_corrected=row.is_corrected,
            entry=row.entry_id,
            source_at=row.source_at,
            source_text=row.source_text,
            changed_at=row.changed_at,
            changed_by=row.changed_by.username if row.changed_by else None,
        )


class RevisionQuery(ListQuery):
    """What narrows the list."""

    section: str | None = Field(None, description="A section's key.")


class RevisionOut(Output):
    """What a section said from one save on, before live lists were filled in."""

    section: str
    number: int
    at: Time
    by: str | None = Field(description="A username; null for what Muster wrote.")
    note: str
    body: str

    @classmethod
    def of(cls, row: Revision) -> RevisionOut:
        """Reads ``section`` and ``by``, which the caller has fetched."""
        return cls(
            section=row.section.key,
            number=row.number,
            at=row.at,
            by=row.by.username if row.by else None,
            note=row.note,
            body=row.body,
        )


class ExportQuery(Input):
    """As what it is saved."""

    format: Literal["md", "html", "pdf"] = "md"
