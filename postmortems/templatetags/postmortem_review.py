"""Review, comments and the meeting on the page of a postmortem; ``{% load postmortem_review %}``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django import template
from django.utils import timezone

from accounts.models import Role
from postmortems import discussion, reviewing
from postmortems.listing import Standing

if TYPE_CHECKING:
    from django.template import Context

    from postmortems.discussion import Discussion
    from postmortems.models import Comment, Postmortem, Reviewer, Section

register = template.Library()

KEPT = "_discussion"


@dataclass(frozen=True, slots=True)
class Review:
    """How far the review is, as one reader sees it. ``mine`` is the reader's own part in it, if they have one."""

    standing: Standing
    rows: list[tuple[Reviewer, bool]]
    mine: Reviewer | None
    is_mine_stale: bool

    @property
    def approvals(self) -> int:
        """How many have approved what it says now."""
        return sum(row.approved_at is not None and not stale for row, stale in self.rows)


@dataclass(frozen=True, slots=True)
class Talk:
    """Comments on a section or on the whole: those that are open and those that are settled."""

    open: list[Comment]
    settled: list[Comment]
    may_comment: bool


@register.simple_tag(takes_context=True)
def review_of(context: Context, postmortem: Postmortem) -> Review:
    """``{% review_of postmortem as review %}``: one query for all tags of this library on a page together."""
    found = _discussion(postmortem)
    rows = [(row, reviewing.is_stale(row)) for row in found.reviewers]
    mine, is_mine_stale = next((each for each in rows if each[0].user_id == context["user"].pk), (None, False))
    return Review(
        standing=Standing(postmortem.incident, postmortem, found.due_at, 0, timezone.now()),
        rows=rows,
        mine=mine,
        is_mine_stale=is_mine_stale,
    )


@register.simple_tag(takes_context=True)
def talk_of(context: Context, postmortem: Postmortem) -> Talk:
    """``{% talk_of postmortem as talk %}``: every comment."""
    return _talk(context, _discussion(postmortem), everything=True)


@register.simple_tag(takes_context=True)
def talk_on(context: Context, postmortem: Postmortem, section: Section | None) -> Talk:
    """``{% talk_on postmortem part.section as talk %}``: the comments on one section; on the whole without one."""
    return _talk(context, _discussion(postmortem), section)


def _discussion(postmortem: Postmortem) -> Discussion:
    """Read once for a page, and kept with the postmortem that it shows."""
    kept: dict[str, Discussion] = vars(postmortem)
    if KEPT not in kept:
        kept[KEPT] = discussion.of(postmortem)
    return kept[KEPT]


def _talk(context: Context, found: Discussion, section: Section | None = None, *, everything: bool = False) -> Talk:
    user, said = context["user"], found.comments if everything else found.on(section)
    is_reviewer = any(row.user_id == user.pk for row in found.reviewers)
    return Talk(
        open=[each for each in said if each.settled_at is None],
        settled=[each for each in said if each.settled_at is not None],
        may_comment=is_reviewer or user.has_role(Role.RESPONDER),
    )
