"""Postmortems: listed, read, begun, written, reviewed, published and saved as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.models import Role
from api import lookups, paging
from api.auth import ApiRequest, actor, require, responder, writer
from api.idempotency import idempotent
from api.paging import Page
from api.problems import Problem, invalid
from api.schemas.base import Name
from api.schemas.incidents import Nothing
from api.schemas.postmortems import (
    ApprovalIn,
    ExportQuery,
    NewPostmortem,
    PostmortemChange,
    PostmortemOut,
    PostmortemQuery,
    Publication,
    ReviewIn,
    SectionIn,
)
from core import pdf
from incidents.fetching import number_of
from incidents.models import Incident
from incidents.policy import policies
from postmortems import drafting, editing, exporting, factors, listing, meeting, places, publishing, reviewing
from postmortems.listing import Filters
from postmortems.models import Postmortem

if TYPE_CHECKING:
    from accounts.models import User
    from postmortems.querysets import PostmortemQuerySet

router = Router(tags=["postmortems"])

LARGEST_DIGITS = 18
LONGEST_PAGE = 50
RETRY_AFTER = {"Retry-After": "5"}
NARROWING = ("severity", "service", "team", "factor", "owner", "q")


@router.get("", response=Page[PostmortemOut])
def list_postmortems(request: ApiRequest, query: Query[PostmortemQuery]) -> Page[PostmortemOut]:
    """Postmortems of incidents that you may see, with all their sections, newest first."""
    user, promised = actor(request), policies()
    given = {name: value for name in NARROWING if (value := getattr(query, name)) is not None}
    rows = listing.narrowed(user, Filters(**given), state=query.state or "")
    if query.incident is not None:
        number = number_of(query.incident)
        if number is None:
            raise invalid("incident", "Write an incident as INC-42.")
        rows = rows.filter(incident=number)
    query.limit = min(query.limit, LONGEST_PAGE)
    return paging.answer(request, _whole(rows), query, Page[PostmortemOut], lambda row: PostmortemOut.of(row, promised))


@router.post("", auth=responder, response={200: PostmortemOut, 201: PostmortemOut})
@idempotent()
def start_postmortem(request: ApiRequest, body: NewPostmortem) -> Answer[PostmortemOut]:
    """Begin to work on the postmortem of an incident that is over. 200 where a draft was there already."""
    user = actor(request)
    incident = Incident.objects.visible_to(user).filter(pk=number_of(body.incident) or 0).first()
    if incident is None:
        raise invalid("incident", "There is no such incident.")
    was_there = Postmortem.objects.filter(incident=incident).exists()
    postmortem = drafting.start(incident, by=user)
    return Answer(200 if was_there else 201, _shown(user, postmortem))


@router.get("/{postmortem_id}", response=PostmortemOut)
def read_postmortem(request: ApiRequest, postmortem_id: Name) -> PostmortemOut:
    """One postmortem, by its id or by its incident, such as INC-42."""
    user = actor(request)
    return _shown(user, found(user, postmortem_id))


@router.patch("/{postmortem_id}", auth=responder, response=PostmortemOut)
def change_postmortem(request: ApiRequest, postmortem_id: Name, body: PostmortemChange) -> PostmortemOut:
    """Write sections, and change owner, contributing factors, meeting and public version. What a published one says
    stands: 409 until it is taken back."""
    user, given = actor(request), body.given()
    postmortem = found(user, postmortem_id)
    if "sections" in given:
        _write(postmortem, body.sections, by=user)
    if "factors" in given:
        factors.choose(postmortem, factors=(), new=body.factors, by=user)
    if "owner" in given:
        reviewing.give(postmortem, owner=lookups.person(body.owner, user=user, field="owner"), by=user)
    if "meeting" in given and body.meeting is None:
        meeting.cancel(postmortem, by=user)
    elif body.meeting is not None:
        wanted = body.meeting
        meeting.arrange(postmortem, at=wanted.at, minutes=wanted.minutes, place=wanted.place, by=user)
    if "public_text" in given and body.public_text != postmortem.public_text:
        publishing.write_public(postmortem, text=body.public_text, by=user)
    return _shown(user, postmortem)


@router.post("/{postmortem_id}/review", auth=responder, response=PostmortemOut)
def review_postmortem(request: ApiRequest, postmortem_id: Name, body: ReviewIn) -> PostmortemOut:
    """Ask people to read it before it is published; where it is in review already, these too. Each is told."""
    user = actor(request)
    postmortem = found(user, postmortem_id)
    people = lookups.people(body.reviewers, user=user, field="reviewers")
    reviewing.send_for_review(postmortem, reviewers=people, by=user)
    return _shown(user, postmortem)


@router.delete("/{postmortem_id}/reviewers/{username}", auth=responder, response=PostmortemOut)
def remove_postmortem_reviewer(request: ApiRequest, postmortem_id: Name, username: Name) -> PostmortemOut:
    """Somebody need not read it after all."""
    user = actor(request)
    postmortem = found(user, postmortem_id)
    row = next((row for row in postmortem.reviewers.all() if row.user.username == username), None)
    if row is None:
        raise Problem(404, "There is no such reviewer.")
    reviewing.remove_reviewer(postmortem, row.user, by=user)
    return _shown(user, postmortem)


@router.post("/{postmortem_id}/approve", auth=writer, response=PostmortemOut)
def approve_postmortem(request: ApiRequest, postmortem_id: Name, body: ApprovalIn | None = None) -> PostmortemOut:
    """Say, as one of its reviewers, that it can be published as it stands; `approved: false` takes that back."""
    user = actor(request)
    postmortem = found_for_reviewer(request, postmortem_id)
    reviewing.approve(postmortem, is_approved=body.approved if body else True, by=user)
    return _shown(user, postmortem)


@router.post("/{postmortem_id}/publish", auth=responder, response=PostmortemOut)
def publish_postmortem(request: ApiRequest, postmortem_id: Name, body: Publication | None = None) -> PostmortemOut:
    """Let it stand, and tell everybody whom it concerns. 422 with the sections that are not finished. Of a published
    one `with_public` publishes the public version, or its newer text."""
    user, with_public = actor(request), bool(body and body.with_public)
    postmortem = found(user, postmortem_id)
    if postmortem.is_published and with_public:
        publishing.publish_public(postmortem, by=user)
    else:
        publishing.publish(postmortem, with_public=with_public, by=user)
    return _shown(user, postmortem)


@router.post("/{postmortem_id}/take-back", auth=responder, response=PostmortemOut)
def take_back_postmortem(request: ApiRequest, postmortem_id: Name, body: Nothing | None = None) -> PostmortemOut:
    """Make it a draft again, to be changed."""
    user = actor(request)
    postmortem = found(user, postmortem_id)
    publishing.take_back(postmortem, by=user)
    return _shown(user, postmortem)


@router.get("/{postmortem_id}/export", response={200: None})
def export_postmortem(request: ApiRequest, postmortem_id: Name, query: Query[ExportQuery]) -> HttpResponse:
    """The postmortem as a file: Markdown, HTML that stands by itself, or PDF."""
    paging.refuse_unknown(request, query)
    postmortem = found(actor(request), postmortem_id)
    try:
        file = exporting.export(postmortem, query.format, now=timezone.now())
    except pdf.NotMade as error:
        raise Problem(error.status, str(error), headers=RETRY_AFTER if isinstance(error, pdf.Busy) else None) from error
    response = HttpResponse(file.body, content_type=file.content_type)
    response["Content-Disposition"] = f'attachment; filename="{file.name}"'
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = exporting.HTML_POLICY
    return response


def found(user: User, name: str) -> Postmortem:
    """The postmortem that an address names by its id or its incident, with what it shows. Raises the problem 404."""
    by_incident = number_of(name)
    is_number = name.isascii() and name.isdecimal() and len(name) <= LARGEST_DIGITS
    rows: PostmortemQuerySet = Postmortem.objects.visible_to(user)
    row = None
    if by_incident or is_number:
        row = _whole(rows).filter(**({"incident": by_incident} if by_incident else {"pk": int(name)})).first()
    if row is None:
        raise Problem(404, "There is no such postmortem.")
    return row


def found_for_reviewer(request: ApiRequest, name: str) -> Postmortem:
    """The same, for responders and for its reviewers, whatever their role. Raises the problems 404 and 403."""
    user = actor(request)
    postmortem = found(user, name)
    if all(row.user_id != user.pk for row in postmortem.reviewers.all()):
        require(request, Role.RESPONDER)
    return postmortem


def _whole(rows: PostmortemQuerySet) -> PostmortemQuerySet:
    return rows.whole().prefetch_related("events", "incident__action_items__owner", "reviewers__user")


def _shown(user: User, postmortem: Postmortem) -> PostmortemOut:
    """The postmortem as it is now, read again; nothing where its change has hidden it from who made it."""
    return PostmortemOut.of(found(user, str(postmortem.pk)), policies())


def _write(postmortem: Postmortem, sections: list[SectionIn], *, by: User) -> None:
    """Save what is given, merging where it says what it began with. Raises problems."""
    known = {section.key: section for section in postmortem.sections.all()}
    for position, given in enumerate(sections):
        own = known.get(given.key)
        for name in {"title", "is_required"} & given.given().keys() if own else ():
            if getattr(given, name) != getattr(own, name):
                raise invalid(f"sections.{position}.{name}", "This is set by the template and cannot be changed here.")
    if len({given.key for given in sections}) < len(sections):
        raise invalid("sections", "Name each section once.")
    plain = {given.key: given.body for given in sections if "base" not in given.given()}
    begun = [given for given in sections if "base" in given.given()]
    # What there is not is a mistake of those with a base too.
    unknown: dict[str, Any] = {given.key: given.body for given in begun if given.key not in known}
    editing.write_many(postmortem, plain | unknown, by=by)
    lists = editing.lists_of(postmortem) if begun else {}
    for given in begun:
        body, base = (places.folded(text.replace("\r\n", "\n"), lists) for text in (given.body, given.base))
        try:
            editing.write(known[given.key], body=body, base=base, by=by)
        except editing.Overtaken as overtaken:
            section = overtaken.section
            current = places.filled(section.body, lists)
            raise Problem(
                409, f"{overtaken} Nothing was saved.", extra={"current": {"key": section.key, "body": current}}
            ) from overtaken
