"""Who sees to a postmortem, who reads it before it is published, and what they say to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from accounts.models import Role
from core import live
from core.work import db_now
from incidents import seeing
from incidents.consequences import Consequences
from incidents.models.incident import NotAllowedNow
from postmortems import drafting, meeting, telling
from postmortems.editing import locked_postmortem
from postmortems.models import Postmortem, Reviewer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from notifications.message import Message

State = Postmortem.State
MOST_REVIEWERS = 20


@transaction.atomic
def send_for_review(
    postmortem: Postmortem, *, by: User | None, reviewers: Iterable[User], now: datetime | None = None
) -> Postmortem:
    """Ask people to read a draft; where it is in review already, ask these too. Each who is new is told, and in a
    second round whoever was asked in the first one is asked again.

    Raises ValidationError without reviewers or for one who may not see the incident, NotAllowedNow when published.
    """
    postmortem = locked_postmortem(postmortem.pk)
    out = Consequences(now or db_now())
    known = {row.user_id: row for row in postmortem.reviewers.select_for_update(of=("self",)).select_related("user")}
    wanted = _checked(postmortem, reviewers, known.keys())
    is_new_round = postmortem.state == State.DRAFT
    asked = [user for user in wanted if user.pk not in known]
    if is_new_round:
        asked = [*(row.user for row in known.values()), *asked]
    for user in asked:
        row = known.get(user.pk) or Reviewer(postmortem=postmortem, user=user)
        row.asked_at, row.asked_by, row.approved_at = out.now, by, None
        row.save()
    if is_new_round:
        postmortem.state, postmortem.in_review_at = State.IN_REVIEW, out.now
        postmortem.save(update_fields=["state", "in_review_at", "updated_at"])
    drafting.begin(postmortem, postmortem.incident, by=by, now=out.now)
    said = f"{by or 'Muster'} asks you to read it before it is published. Comment on what is missing, or approve it."
    message = telling.message_of(postmortem, "Postmortem to review", said)
    _tell(postmortem, asked, message, key="review", reason="You are asked to review it", by=by, out=out)
    meeting.invite(postmortem, asked, by=by, out=out)
    _finish(postmortem, out)
    return postmortem


@transaction.atomic
def remove_reviewer(postmortem: Postmortem, user: User, *, by: User | None, now: datetime | None = None) -> Postmortem:
    """Somebody need not read it after all, and is told so. One who was not asked stays as they are."""
    postmortem = locked_postmortem(postmortem.pk)
    if not postmortem.reviewers.filter(user=user).delete()[0]:
        return postmortem
    out = Consequences(now or db_now())
    message = telling.message_of(
        postmortem, "Postmortem: no review needed", f"{by or 'Muster'} took you off the list of reviewers."
    )
    _tell(postmortem, [user], message, key="not-review", reason="You were asked to review it", by=by, out=out)
    _finish(postmortem, out)
    return postmortem


@transaction.atomic
def approve(postmortem: Postmortem, *, by: User, is_approved: bool = True, now: datetime | None = None) -> Reviewer:
    """A reviewer says that it can be published as it stands; ``is_approved=False`` takes that back. Its owner is told.

    Raises NotAllowedNow for somebody who was not asked, and unless it is in review.
    """
    postmortem = locked_postmortem(postmortem.pk)
    row: Reviewer | None = postmortem.reviewers.select_for_update(of=("self",)).filter(user=by).first()
    if row is None:
        raise NotAllowedNow("You are not one of its reviewers. Add yourself first.")
    if postmortem.state != State.IN_REVIEW:
        raise NotAllowedNow("This postmortem is a draft again; send it for review first.")
    out = Consequences(now or db_now())
    if (row.approved_at is not None) == is_approved and not (is_approved and is_stale(row)):
        return row
    row.approved_at = out.now if is_approved else None
    row.save(update_fields=["approved_at"])
    left = postmortem.reviewers.filter(approved_at=None).count()
    word = "approved it" if is_approved else "took their approval back"
    rest = f"{left} of {postmortem.reviewers.count()} reviewers have not approved yet." if left else "Everybody has."
    message = telling.message_of(postmortem, f"Postmortem: {by} {word}", f"{by} {word}. {rest}")
    _tell(postmortem, [postmortem.owner], message, key="approval", reason="It is your postmortem", by=by, out=out)
    _finish(postmortem, out)
    return row


def is_stale(row: Reviewer) -> bool:
    """Whether the text has changed since a reviewer approved it."""
    if row.approved_at is None:
        return False
    return any(section.edited_at and section.edited_at > row.approved_at for section in row.postmortem.sections.all())


@transaction.atomic
def give(postmortem: Postmortem, *, owner: User | None, by: User | None, now: datetime | None = None) -> Postmortem:
    """Somebody else sees to it from now on, and is told. Raises ValidationError for somebody who may not see the
    incident or not write."""
    postmortem = locked_postmortem(postmortem.pk, even_published=True)
    if owner == postmortem.owner:
        return postmortem
    if owner and not (owner.has_role(Role.RESPONDER) and seeing.may_see(postmortem.incident, owner)):
        raise ValidationError({"owner": f"{owner} cannot work on {postmortem.incident.reference}."})
    out = Consequences(now or db_now())
    postmortem.owner = owner
    postmortem.save(update_fields=["owner", "updated_at"])
    message = telling.message_of(
        postmortem, "Postmortem for you", f"{by or 'Muster'} made you the owner of this postmortem: you see to it."
    )
    _tell(postmortem, [owner], message, key="owner", reason="It is your postmortem", by=by, out=out)
    _finish(postmortem, out)
    return postmortem


def _checked(postmortem: Postmortem, reviewers: Iterable[User], known: Iterable[int]) -> list[User]:
    wanted = {user.pk: user for user in reviewers}
    if not wanted and not known:
        raise ValidationError({"reviewers": "Choose at least one person to read it."})
    if len(wanted.keys() | set(known)) > MOST_REVIEWERS:
        raise ValidationError({"reviewers": f"{MOST_REVIEWERS} people can review it at most."})
    able = set(seeing.people_of(postmortem.incident).filter(pk__in=wanted).values_list("pk", flat=True))
    if unable := [str(user) for pk, user in wanted.items() if pk not in able]:
        reference = postmortem.incident.reference
        raise ValidationError({"reviewers": f"{', '.join(unable)} cannot see {reference}, and so cannot review it."})
    return list(wanted.values())


def _tell(
    postmortem: Postmortem,
    people: Iterable[User | None],
    message: Message,
    *,
    key: str,
    reason: str,
    by: User | None,
    out: Consequences,
) -> None:
    key = f"{key}/{int(out.now.timestamp() * 1000)}"
    telling.tell(postmortem, people, message, key=key, reason=reason, by=by, out=out)


def _finish(postmortem: Postmortem, out: Consequences) -> None:
    out.write()
    live.changed(postmortem.incident.topic)
