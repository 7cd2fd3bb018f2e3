"""What people say of a postmortem, of one of its sections or of the whole: flat, and settled when it is dealt with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction

from core import live
from core.text import clean
from core.work import db_now
from incidents.consequences import Consequences
from postmortems import telling
from postmortems.editing import locked_postmortem
from postmortems.models import Comment
from postmortems.wording import quoted

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from postmortems.models import Postmortem, Section

TEXT_LIMIT = 10_000
ONCE_WITHIN = timedelta(minutes=1)  # the same words again are a second press of the button
QUOTED = 1_000


@transaction.atomic
def add(
    postmortem: Postmortem, *, text: str, by: User | None, section: Section | None = None, now: datetime | None = None
) -> Comment:
    """Say something, in Markdown, of a section or of the whole. The owner is told, and who commented there before.

    Raises ValidationError for a text that is empty or too long, or a section of another postmortem.
    """
    text = clean(text).replace("\r\n", "\n").strip()
    if not text:
        raise ValidationError({"text": "Write what you want to say."})
    if len(text) > TEXT_LIMIT:
        raise ValidationError({"text": f"A comment has at most {TEXT_LIMIT:,} characters; this has {len(text):,}."})
    if section is not None and section.postmortem_id != postmortem.pk:
        raise ValidationError({"section": "This section belongs to another postmortem."})
    postmortem = locked_postmortem(postmortem.pk, even_published=True)
    out = Consequences(now or db_now())
    earlier: list[Comment] = list(postmortem.comments.filter(section=section).select_related("by"))
    for comment in earlier:
        if comment.by == by and comment.text == text and out.now - comment.at < ONCE_WITHIN:
            return comment
    comment = Comment.objects.create(postmortem=postmortem, section=section, text=text, at=out.now, by=by)
    _tell(comment, [postmortem.owner, *(each.by for each in earlier)], out=out)
    out.write()
    live.changed(postmortem.incident.topic)
    return comment


@transaction.atomic
def settle(comment: Comment, *, by: User | None, now: datetime | None = None) -> Comment:
    """It is dealt with. One that is settled already stays as it is."""
    comment = _locked(comment)
    if comment.settled_at is None:
        _set(comment, now or db_now(), by)
    return comment


@transaction.atomic
def unsettle(comment: Comment, *, by: User | None) -> Comment:
    """It is not dealt with after all."""
    comment = _locked(comment)
    if comment.settled_at is not None:
        _set(comment, None, None)
    return comment


def _locked(comment: Comment) -> Comment:
    postmortem = locked_postmortem(comment.postmortem_id, even_published=True)
    found: Comment = Comment.objects.select_for_update(of=("self",)).get(pk=comment.pk)
    found.postmortem = postmortem
    return found


def _set(comment: Comment, at: datetime | None, by: User | None) -> None:
    comment.settled_at, comment.settled_by = at, by
    comment.save(update_fields=["settled_at", "settled_by"])
    live.changed(comment.postmortem.incident.topic)


def _tell(comment: Comment, people: list[User | None], *, out: Consequences) -> None:
    postmortem, section = comment.postmortem, comment.section
    about = f"“{section.title}”" if section else "the postmortem"
    said = f"{comment.by or 'Muster'} on {about}:\n\n{quoted(comment.text, limit=QUOTED)}"
    message = telling.message_of(postmortem, "Comment on the postmortem", said, place=f"#comment-{comment.pk}")
    key, reason = f"comment/{comment.pk}", "It is your postmortem, or you commented there"
    telling.tell(postmortem, people, message, key=key, reason=reason, by=comment.by, out=out)
