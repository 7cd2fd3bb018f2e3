"""Who reads a postmortem, what is said of it, and by when it is due: read for its page in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from accounts.models import User
from core.together import attach, attach_many, together
from incidents.models import SeverityPolicy
from incidents.policy import DEFAULTS
from postmortems.models import Comment, Reviewer, due_at

if TYPE_CHECKING:
    from datetime import datetime

    from postmortems.models import Postmortem, Section


@dataclass(frozen=True, slots=True)
class Discussion:
    """Reviewers and comments in their order, with the people; ``due_at`` is None without a promise."""

    reviewers: list[Reviewer]
    comments: list[Comment]
    due_at: datetime | None

    def on(self, section: Section | None) -> list[Comment]:
        """The comments on a section; on the whole without one."""
        return [comment for comment in self.comments if comment.section_id == (section.pk if section else None)]


def of(postmortem: Postmortem) -> Discussion:
    """The discussion of a postmortem that was read with its sections; one query."""
    reviewers = Reviewer.objects.filter(postmortem=postmortem).order_by("id")
    comments = Comment.objects.filter(postmortem=postmortem).order_by("at", "id")
    named = (comments.order_by().values("by"), comments.order_by().values("settled_by"))
    rows = together(
        reviewers=reviewers,
        comments=comments,
        people=User.objects.filter(
            Q(pk__in=reviewers.order_by().values("user")) | Q(pk__in=named[0]) | Q(pk__in=named[1])
        ).only("username", "name", "email"),
        policies=SeverityPolicy.objects.filter(severity=postmortem.incident.severity),
    )
    people = {user.pk: user for user in rows["people"]}
    attach(rows["reviewers"], "user", people)
    attach(rows["reviewers"], "postmortem", {postmortem.pk: postmortem})
    for name in ("by", "settled_by"):
        attach(rows["comments"], name, people)
    attach(rows["comments"], "section", {section.pk: section for section in postmortem.sections.all()})
    attach_many([postmortem], "reviewers", {postmortem.pk: rows["reviewers"]})
    policy = next(iter(rows["policies"]), None) or SeverityPolicy(**DEFAULTS[postmortem.incident.severity])
    due = due_at(postmortem.incident, within_days=policy.postmortem_within_days)
    return Discussion(rows["reviewers"], rows["comments"], due)
