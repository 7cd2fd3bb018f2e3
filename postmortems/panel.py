"""What the postmortem panel of an incident shows, for the page that embeds it and for the address that refreshes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from accounts.models import Role, User
from core.together import Rows, attach, together
from core.versions import version_of
from incidents.models import SeverityPolicy
from incidents.policy import DEFAULTS
from postmortems import outline
from postmortems.listing import Standing
from postmortems.models import Comment, Postmortem, Reviewer, Section, due_at

if TYPE_CHECKING:
    from datetime import datetime

    from incidents.models import Incident


@dataclass(frozen=True, slots=True)
class Panel:
    """How far the postmortem is, the sections that are still to be written, and what may be done about it."""

    incident: Incident
    standing: Standing
    gaps: list[Section]
    sections: int
    reviewers: int
    approvals: int
    unsettled: int
    may_write: bool
    version: str

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say yet: it is open and nothing has been written, or it was merged."""
        return self.standing.postmortem is None and (self.incident.is_open or self.incident.merged_into_id is not None)

    @property
    def written(self) -> int:
        """How many of the required sections are written."""
        return self.sections - len(self.gaps)


def of(incident: Incident, *, user: User, now: datetime | None = None) -> Panel:
    """The panel for ``user``, who sees the incident; one query."""
    now = now or timezone.now()
    rows = _read(incident)
    attach(rows["postmortems"], "owner", {person.pk: person for person in rows["people"]})
    postmortem = next(iter(rows["postmortems"]), None)
    sections = [section for section in rows["sections"] if section.is_required]
    gaps = [section for section in sections if outline.is_unwritten(section.body)]
    policy = next(iter(rows["policies"]), None) or SeverityPolicy(**DEFAULTS[incident.severity])
    due = due_at(incident, within_days=policy.postmortem_within_days)
    may_write = user.has_role(Role.RESPONDER)
    standing = Standing(incident, postmortem, due, len(gaps), now)
    return Panel(
        incident=incident,
        standing=standing,
        gaps=gaps,
        sections=len(sections),
        reviewers=len(rows["reviewers"]),
        approvals=sum(row.approved_at is not None for row in rows["reviewers"]),
        unsettled=len(rows["unsettled"]),
        may_write=may_write,
        version=_version(rows, standing, gaps, may_write=may_write),
    )


def _read(incident: Incident) -> Rows:
    """Everything in one statement."""
    mine = Postmortem.objects.filter(incident=incident)
    pks = mine.values("pk")
    return together(
        postmortems=mine.defer("document", "public_text"),
        sections=Section.objects.filter(postmortem__in=pks).order_by("position").defer("generated", "prompt"),
        reviewers=Reviewer.objects.filter(postmortem__in=pks),
        unsettled=Comment.objects.filter(postmortem__in=pks, settled_at=None).only("pk"),
        people=User.objects.filter(pk__in=mine.values("owner")).only("username", "name", "email"),
        policies=SeverityPolicy.objects.filter(severity=incident.severity),
    )


def _version(rows: Rows, standing: Standing, gaps: list[Section], *, may_write: bool) -> str:
    incident = standing.incident
    own = (str(incident.status), str(incident.severity), incident.merged_into_id, standing.due_words, may_write)
    state = [(row.state, row.owner_id, row.published_at, row.meeting_at) for row in rows["postmortems"]]
    missing = [(section.key, section.title) for section in gaps]
    return version_of(f"{own!r}\n{state!r}\n{missing!r}\n{rows.text('reviewers', 'unsettled')}")
