"""Status updates and action items."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from api.paging import ListQuery
from api.schemas.base import LEFT_OUT, Boolean, Input, Output, Reference, Time, TimeIn
from api.schemas.incidents import SeverityName
from followups.summary import Summary
from incidents.action_items import REASON_LIMIT, TITLE_LIMIT
from incidents.models.updates import TITLE_LIMIT as UPDATE_TITLE_LIMIT
from incidents.update_words import MESSAGE_LIMIT

if TYPE_CHECKING:
    from incidents.models import ActionItem, StatusUpdate, UpdateRevision, UpdateTemplate

UpdateStatus = Literal["investigating", "identified", "monitoring", "resolved", "postmortem"]
Visibility = Literal["internal", "external"]
Message = Annotated[str, Field(min_length=1, max_length=MESSAGE_LIMIT)]
ItemTitle = Annotated[str, Field(min_length=1, max_length=TITLE_LIMIT)]


ItemKind = Literal["preventive", "detective", "mitigating"]
ItemKindOrNone = Literal["preventive", "detective", "mitigating", "none"]
ItemState = Literal["open", "done", "accepted"]
ItemAge = Literal["week", "month", "quarter", "older"]
ItemSort = Literal["due", "-due", "age", "-age", "severity", "-severity"]


def _says_something(reason: str) -> str:
    if not reason.strip():
        raise ValueError("Say why we can live with it.")
    return reason


Reason = Annotated[
    str,
    Field(max_length=REASON_LIMIT, description="Closes it undone: why we can live with the risk."),
    AfterValidator(_says_something),
]


def _read_day(value: object) -> date:
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        day = None
    if day is None or day.isoformat() != value:  # Python also reads weeks and days without dashes
        raise ValueError("Enter a day as text, such as 2026-10-21")
    return day


_DAY_SCHEMA = WithJsonSchema({"type": "string", "format": "date"})

DayIn = Annotated[date, BeforeValidator(_read_day), _DAY_SCHEMA]
Day = Annotated[date, PlainSerializer(date.isoformat, return_type=str), _DAY_SCHEMA]


class NewStatusUpdate(Input):
    """How it stands, in Markdown. `status` is a word for those who read it and never moves the incident. It is
    published at once, unless `hold` or `publish_at` says otherwise."""

    message: Message
    status: UpdateStatus
    visibility: Visibility = Field("internal", description="`external`: the public status page tells it.")
    title: str = Field(
        "",
        max_length=UPDATE_TITLE_LIMIT,
        description="What the incident is called in public. The first external update needs one; left out, later ones "
        "keep it.",
    )
    affects: dict[str, str] | None = Field(
        None,
        description="How components of the status page are: the id of each with `operational`, `degraded_performance`, "
        "`partial_outage` or `major_outage`. External updates only.",
    )
    next_update_at: TimeIn | None = Field(None, description="When readers hear more.")
    publish_at: TimeIn | None = Field(None, description="It waits until then; at most 90 days.")
    hold: Boolean = Field(default=False, description="It waits for 60 seconds, and can be withdrawn meanwhile.")
    even_when_over: Boolean = Field(
        default=False,
        description="With `publish_at`: it goes out even if the incident is resolved by then. Otherwise only one with "
        "the status `resolved` or `postmortem` does.",
    )

    def words(self) -> dict[str, Any]:
        """What the domain takes."""
        return in_our_names(self.given())


class StatusUpdateChange(Input):
    """What a PATCH may change; what is left out stays. Of a published update that is `message`, `status` and `title`
    alone, and it keeps what it said before; of one that waits it is everything."""

    message: Message = LEFT_OUT
    status: UpdateStatus = LEFT_OUT
    title: str = Field(default=LEFT_OUT.default, max_length=UPDATE_TITLE_LIMIT)
    visibility: Visibility = LEFT_OUT
    affects: dict[str, str] = LEFT_OUT
    next_update_at: TimeIn | None = Field(None, description="Null: nobody says when.")
    publish_at: TimeIn = LEFT_OUT
    even_when_over: Boolean = LEFT_OUT
    based_on: Reference = Field(
        default=LEFT_OUT.default, description="The `version` that you read: 409 where it has another one by now."
    )

    def words(self) -> dict[str, Any]:
        """What the domain takes."""
        return in_our_names(self.given())


def in_our_names(given: dict[str, Any]) -> dict[str, Any]:
    """Fields of an update as the domain calls them."""
    return {("next_at" if name == "next_update_at" else name): value for name, value in given.items()}


class UpdateRevisionOut(Output):
    """What an update said before it was edited."""

    status: UpdateStatus
    title: str
    message: str
    replaced_at: Time
    replaced_by: str | None = Field(description="A username.")

    @classmethod
    def of(cls, revision: UpdateRevision) -> UpdateRevisionOut:
        """Reads ``replaced_by``, which the caller has fetched."""
        return cls(
            status=cast("UpdateStatus", revision.status),
            title=revision.title,
            message=revision.message,
            replaced_at=revision.replaced_at,
            replaced_by=revision.replaced_by.username if revision.replaced_by else None,
        )


class StatusUpdateOut(Output):
    """What was said about how it stands. Without `published_at` and `cancelled_at` it still waits."""

    id: int
    incident_id: str = Field(examples=["INC-42"])
    message: str
    status: UpdateStatus
    visibility: Visibility
    title: str = Field(description="What the incident is called in public from then on; empty: as before.")
    created_by: str | None = Field(description="A username.")
    created_at: Time
    publish_at: Time = Field(description="When it is due, or was.")
    published_at: Time | None
    cancelled_at: Time | None = Field(description="It was withdrawn, or withheld, and nobody has read it.")
    edited_at: Time | None
    next_update_at: Time | None
    affects: dict[str, str]
    even_when_over: bool
    version: str = Field(description="Another one once anything that it says was changed.")
    revisions: list[UpdateRevisionOut] = Field(description="What it said before, oldest first.")

    @classmethod
    def of(cls, update: StatusUpdate) -> StatusUpdateOut:
        """Reads ``by`` and the revisions, which the caller has fetched."""
        return cls(
            id=update.pk,
            incident_id=f"INC-{update.incident_id}",
            message=update.message,
            status=cast("UpdateStatus", update.status),
            visibility=cast("Visibility", update.visibility),
            title=update.title,
            created_by=update.by.username if update.by else None,
            created_at=update.at,
            publish_at=update.due_at,
            published_at=update.published_at,
            cancelled_at=update.cancelled_at,
            edited_at=update.edited_at,
            next_update_at=update.next_at,
            affects=update.affects,
            even_when_over=update.even_when_over,
            version=update.version,
            revisions=[UpdateRevisionOut.of(revision) for revision in update.revisions.all()],
        )


TemplateName = Annotated[str, Field(min_length=1, max_length=80)]


class NewUpdateTemplate(Input):
    """Words to begin an update with. Placeholders in braces are filled in while somebody writes."""

    name: TemplateName
    visibility: Visibility = "external"
    status: UpdateStatus
    title: str = Field("", max_length=UPDATE_TITLE_LIMIT)
    message: Message


class UpdateTemplateChange(Input):
    """What a PATCH may change; what is left out stays."""

    name: TemplateName = LEFT_OUT
    visibility: Visibility = LEFT_OUT
    status: UpdateStatus = LEFT_OUT
    title: str = Field(default=LEFT_OUT.default, max_length=UPDATE_TITLE_LIMIT)
    message: Message = LEFT_OUT


class UpdateTemplateOut(Output):
    """Words to begin an update with."""

    id: int
    name: str
    visibility: Visibility
    status: UpdateStatus
    title: str
    message: str
    updated_at: Time

    @classmethod
    def of(cls, template: UpdateTemplate) -> UpdateTemplateOut:
        """Reads nothing else."""
        return cls(
            id=template.pk,
            name=template.name,
            visibility=cast("Visibility", template.visibility),
            status=cast("UpdateStatus", template.status),
            title=template.title,
            message=template.message,
            updated_at=template.updated_at,
        )


class ActionItemScope(BaseModel):
    """Whose items, after which incidents, of which kind."""

    model_config = ConfigDict(extra="forbid")

    kind: ItemKindOrNone | None = Field(None, description="What it is for.")
    incident: str | None = Field(None, description="Such as INC-42.")
    severity: SeverityName | None = Field(None, description="Of the incident.")
    service: str | None = Field(None, description="The slug of a service that the incident affects.")
    team: str | None = Field(
        None, description="The slug of the team of such a service, `mine` for one's own teams, or `none`."
    )


class ActionItemQuery(ActionItemScope, ListQuery):
    """What narrows the list of all incidents' items, and its order."""

    owner: str | None = Field(None, description="A username, `me` or `none`.")
    done: bool | None = Field(None, description="Only those that are done, or only those that are not.")
    state: ItemState | None = Field(None, description="`accepted` is left undone for a reason.")
    overdue: bool | None = Field(None, description="Open and past their day where you are, or everything else.")
    age: ItemAge | None = Field(
        None, description="Written down less than a week ago, 1 to 4 weeks, 4 to 12 weeks, or longer."
    )
    sort: ItemSort | None = Field(
        None,
        description="By its day, by how old it is, or by how bad the incident was; `-severity` has the worst first. "
        "Left out: by id, the newest first.",
    )


class AgeOut(Output):
    """How many open items are so old."""

    age: ItemAge
    open: int


class TeamItemsOut(Output):
    """How many open items a team has; an item of two teams counts for both."""

    team: str = Field(description="Its slug.")
    name: str
    open: int
    overdue: int


class ActionItemSummaryOut(Output):
    """How it stands with the items that you may see."""

    open: int
    overdue: int
    unowned: int
    done_in_30_days: int = Field(description="At most 10000 are counted.")
    median_age_days: int | None = Field(description="Of what is open, in whole days.")
    ages: list[AgeOut]
    teams: list[TeamItemsOut] = Field(description="At most 12, those with the most that is overdue first.")
    without_team: int = Field(description="Open after incidents of no team; at most 10000 are counted.")

    @classmethod
    def of(cls, found: Summary) -> ActionItemSummaryOut:
        """The figures of the page."""
        return cls(
            open=found.open,
            overdue=found.overdue,
            unowned=found.unowned,
            done_in_30_days=found.done_lately,
            median_age_days=found.median_days,
            ages=[AgeOut(age=cast("ItemAge", each.key), open=each.open) for each in found.ages],
            teams=[
                TeamItemsOut(team=each.slug, name=each.name, open=each.open, overdue=each.overdue)
                for each in found.teams
            ],
            without_team=found.teamless,
        )


class NewActionItem(Input):
    """What is to be done, by whom, by when."""

    title: ItemTitle
    owner: Reference | None = Field(None, description="A username. They are told.")
    due_on: DayIn | None = Field(None, description="A day that has not passed.")
    kind: ItemKind | None = Field(None, description="What it is for.")


class ActionItemChange(Input):
    """What a PATCH may change; what is left out stays. What has ended is reopened first, with `done: false`."""

    title: ItemTitle = LEFT_OUT
    owner: Reference | None = None
    due_on: DayIn | None = None
    kind: ItemKind | None = None
    done: Boolean = LEFT_OUT
    accepted_reason: Reason = LEFT_OUT


class ActionItemOut(Output):
    """A task that an incident left."""

    id: int
    incident_id: str = Field(examples=["INC-42"])
    title: str
    owner: str | None = Field(description="A username.")
    due_on: Day | None
    kind: ItemKind | None
    state: ItemState
    done: bool
    done_at: Time | None
    done_by: str | None
    accepted_at: Time | None
    accepted_by: str | None
    accepted_reason: str | None
    created_at: Time
    created_by: str | None

    @classmethod
    def of(cls, item: ActionItem) -> ActionItemOut:
        """Reads ``owner``, ``done_by``, ``accepted_by`` and ``created_by``, which the caller has fetched."""
        return cls(
            id=item.pk,
            incident_id=f"INC-{item.incident_id}",
            title=item.title,
            owner=item.owner.username if item.owner else None,
            due_on=item.due_on,
            kind=cast("ItemKind", item.kind) if item.kind else None,
            state=cast("ItemState", item.state),
            done=item.done_at is not None,
            done_at=item.done_at,
            done_by=item.done_by.username if item.done_by else None,
            accepted_at=item.accepted_at,
            accepted_by=item.accepted_by.username if item.accepted_by else None,
            accepted_reason=item.accepted_reason or None,
            created_at=item.created_at,
            created_by=item.created_by.username if item.created_by else None,
        )
