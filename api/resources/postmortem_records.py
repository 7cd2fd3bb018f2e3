"""What belongs to a postmortem: comments, the events that it tells, and what its sections said before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ninja import Query, Router
from ninja.responses import Status as Answer

from api import paging
from api.auth import ApiRequest, actor, responder, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem, invalid, mistakes
from api.resources.postmortems import found, found_for_reviewer
from api.schemas.base import Name, Number
from api.schemas.postmortems import (
    CommentChange,
    CommentOut,
    EventChange,
    EventOut,
    NewComment,
    NewEvent,
    RevisionOut,
    RevisionQuery,
)
from postmortems import comments, events
from postmortems.models import Comment, KeyEvent, Revision

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from postmortems.models import Postmortem

router = Router(tags=["postmortems"])

CHRONOLOGICAL = ("at", "pk")


@router.get("/{postmortem_id}/comments", response=Page[CommentOut])
def list_postmortem_comments(request: ApiRequest, postmortem_id: Name, query: Query[ListQuery]) -> Page[CommentOut]:
    """What was said of it, in order."""
    postmortem = found(actor(request), postmortem_id)
    rows = _comments(postmortem)  # by the index postmortems_comments
    return paging.answer(request, rows, query, Page[CommentOut], CommentOut.of, sort=CHRONOLOGICAL)


@router.post("/{postmortem_id}/comments", auth=writer, response={201: CommentOut})
@idempotent()
def add_postmortem_comment(request: ApiRequest, postmortem_id: Name, body: NewComment) -> Answer[CommentOut]:
    """Say something of a section, or of the whole. Its owner is told, and who commented there before."""
    user = actor(request)
    postmortem = found_for_reviewer(request, postmortem_id)
    section = next((each for each in postmortem.sections.all() if each.key == body.section), None)
    if body.section is not None and section is None:
        raise invalid("section", "There is no such section.")
    comment = comments.add(postmortem, text=body.text, section=section, by=user)
    return Answer(201, CommentOut.of(_comments(postmortem).get(pk=comment.pk)))


@router.patch("/{postmortem_id}/comments/{comment_id}", auth=writer, response=CommentOut)
def change_postmortem_comment(
    request: ApiRequest, postmortem_id: Name, comment_id: Number, body: CommentChange
) -> CommentOut:
    """Say that it is dealt with, or that it is not after all."""
    user = actor(request)
    rows = _comments(found_for_reviewer(request, postmortem_id))
    comment = rows.filter(pk=comment_id).first()
    if comment is None:
        raise Problem(404, "There is no such comment.")
    if body.settled:
        comments.settle(comment, by=user)
    else:
        comments.unsettle(comment, by=user)
    return CommentOut.of(rows.get(pk=comment_id))


@router.get("/{postmortem_id}/events", response=Page[EventOut])
def list_postmortem_events(request: ApiRequest, postmortem_id: Name, query: Query[ListQuery]) -> Page[EventOut]:
    """The events that it tells and those that it leaves out, in order."""
    rows = _events(found(actor(request), postmortem_id))  # by the index postmortems_events
    return paging.answer(request, rows, query, Page[EventOut], EventOut.of, sort=CHRONOLOGICAL)


@router.post("/{postmortem_id}/events", auth=responder, response={201: EventOut})
@idempotent()
def add_postmortem_event(request: ApiRequest, postmortem_id: Name, body: NewEvent) -> Answer[EventOut]:
    """Tell something that the timeline does not have, or an entry that was left out."""
    user = actor(request)
    postmortem = found(user, postmortem_id)
    if body.entry is not None:
        if body.text is not None or body.at is not None:
            raise invalid("entry", "Send an entry, or a text and its time; not both.")
        taken = events.take_in(postmortem, [body.entry], by=user)
        if not taken:
            raise invalid("entry", "The incident's timeline has no such entry.")
        return Answer(201, EventOut.of(_events(postmortem).get(pk=taken[0].pk)))
    missing = [(name, "This field is required.") for name in ("text", "at") if getattr(body, name) is None]
    if body.text is None or body.at is None:
        raise mistakes(missing)
    event = events.add(postmortem, text=body.text, at=body.at, by=user)
    return Answer(201, EventOut.of(_events(postmortem).get(pk=event.pk)))


@router.patch("/{postmortem_id}/events/{event_id}", auth=responder, response=EventOut)
def change_postmortem_event(request: ApiRequest, postmortem_id: Name, event_id: Number, body: EventChange) -> EventOut:
    """Keep it or leave it out; correct its words and its time."""
    user, given = actor(request), body.given()
    rows = _events(found(user, postmortem_id))
    event = rows.filter(pk=event_id).first()
    if event is None:
        raise Problem(404, "There is no such event.")
    if "is_kept" in given:
        (events.keep if body.is_kept else events.leave_out)(event, by=user)
    if given.keys() & {"text", "at"}:
        events.correct(event, text=given.get("text", event.text), at=given.get("at", event.at), by=user)
    return EventOut.of(rows.get(pk=event_id))


@router.get("/{postmortem_id}/revisions", response=Page[RevisionOut])
def list_postmortem_revisions(
    request: ApiRequest, postmortem_id: Name, query: Query[RevisionQuery]
) -> Page[RevisionOut]:
    """What its sections said after each save, the newest first."""
    rows = Revision.objects.filter(section__postmortem=found(actor(request), postmortem_id).pk)
    if query.section is not None:
        rows = rows.filter(section__key=query.section)
    rows = rows.select_related("section", "by")
    return paging.answer(request, rows, query, Page[RevisionOut], RevisionOut.of)


def _comments(postmortem: Postmortem) -> QuerySet[Comment]:
    return Comment.objects.filter(postmortem=postmortem.pk).select_related("section", "by", "settled_by")


def _events(postmortem: Postmortem) -> QuerySet[KeyEvent]:
    return KeyEvent.objects.filter(postmortem=postmortem.pk).select_related("changed_by", "postmortem__incident")
