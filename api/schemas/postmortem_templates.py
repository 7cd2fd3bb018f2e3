"""What postmortems are made with: contributing factors, and templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, cast

from django.conf import settings
from pydantic import Field

from api.schemas.base import LEFT_OUT, Boolean, Input, Output, Reference, Time, TimeIn
from api.schemas.incidents import SeverityName
from api.schemas.postmortems import FactorName
from postmortems import outline

if TYPE_CHECKING:
    from postmortems.models import Factor, Template

PartKey = Annotated[str, Field(max_length=outline.KEY_LIMIT, pattern=r"^[-a-zA-Z0-9_]+$", examples=["customers_told"])]
PartTitle = Annotated[str, Field(min_length=1, max_length=outline.TITLE_LIMIT)]
Prompt = Annotated[str, Field(max_length=outline.PROMPT_LIMIT, description="What its writer is asked for.")]
TemplateName = Annotated[str, Field(min_length=1, max_length=80)]


class NewFactor(Input):
    """What contributed, in a few words."""

    name: FactorName


class FactorOut(Output):
    """A contributing factor."""

    id: int
    name: str
    description: str

    @classmethod
    def of(cls, row: Factor) -> FactorOut:
        """Reads nothing else."""
        return cls(id=row.pk, name=row.name, description=row.description)


class PartIn(Input):
    """One section of a template."""

    key: PartKey | None = Field(None, description="Null: made of the title.")
    title: PartTitle
    prompt: Prompt = ""
    is_required: Boolean = Field(default=True, description="Summary and root cause always are.")


Parts = Annotated[
    list[PartIn],
    Field(max_length=outline.MOST_SECTIONS, description="In order, among them the seven that every postmortem has."),
]


class NewTemplate(Input):
    """What later drafts ask for."""

    name: TemplateName
    severity: SeverityName | None = Field(None, description="Null: every severity.")
    team: Reference | None = Field(None, description="The slug of a team of an affected service. Null: every team.")
    sections: Parts = Field(default=LEFT_OUT.default, description="Left out: the seven that every postmortem has.")
    is_active: Boolean = Field(default=True, description="Whether new drafts use it.")


class TemplateChange(Input):
    """What a PATCH may change; what is left out stays."""

    name: TemplateName = LEFT_OUT
    severity: SeverityName | None = None
    team: Reference | None = None
    sections: Parts = LEFT_OUT
    is_active: Boolean = Field(default=LEFT_OUT.default, description="False puts it away.")
    based_on: TimeIn = Field(
        default=LEFT_OUT.default, description="The `updated_at` that you read: 409 where it was saved since."
    )


class PartOut(Output):
    """One section of a template."""

    key: str
    title: str
    prompt: str
    is_required: bool


class TemplateOut(Output):
    """What new drafts ask for, by severity and team."""

    id: int
    name: str
    severity: SeverityName | None = Field(description="Null: every severity.")
    team: str | None = Field(description="A slug. Null: every team.")
    sections: list[PartOut]
    is_active: bool
    updated_at: Time
    url: str

    @classmethod
    def of(cls, row: Template) -> TemplateOut:
        """Reads ``team``, which the caller has fetched."""
        return cls(
            id=row.pk,
            name=row.name,
            severity=cast("SeverityName", row.severity) if row.severity else None,
            team=row.team.slug if row.team else None,
            sections=[
                PartOut(key=part.key, title=part.title, prompt=part.prompt, is_required=part.is_required)
                for part in outline.parts_of(row.sections)
            ],
            is_active=row.is_active,
            updated_at=row.updated_at,
            url=settings.MUSTER.base_url + row.get_absolute_url(),
        )
