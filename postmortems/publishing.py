"""Publishing a postmortem: what is still missing, who hears of it, what the public may read, and taking it back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from accounts import audit
from core import live
from core.digests import digest_of
from core.text import clean
from core.work import db_now
from incidents import communication
from incidents.communication import PUBLIC_LIMIT
from incidents.consequences import Consequences, Kind
from incidents.models.incident import NotAllowedNow
from incidents.telling import Reach
from postmortems import audience, drafting, reading, reviewing, telling
from postmortems.editing import locked_postmortem
from postmortems.models import Postmortem
from postmortems.places import ACTION_ITEMS, EVENTS

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from postmortems.audience import Audience
    from postmortems.models import Reviewer, Section
    from postmortems.reading import Part, Reading

State = Postmortem.State

SUGGESTION = """\
## What happened

## Who was affected, and how

## What we did

## What we change so that it does not happen again
"""


class Incomplete(ValidationError):
    """A required section is not written yet; ``missing`` says which and why. Nothing was published."""

    def __init__(self, missing: list[Missing]) -> None:
        said = "; ".join(f"{each.section.title}: {each.why}" for each in missing)
        super().__init__({"sections": f"These sections are not finished: {said}"})
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Missing:
    """A section that keeps a postmortem from being published."""

    section: Section
    why: str


@dataclass(frozen=True, slots=True)
class Outlook:
    """What publishing would do now. ``public_mark`` names the public text: one that has changed has another."""

    missing: list[Missing]
    reviewers: list[Reviewer]
    unapproved: list[Reviewer]
    unsettled: int
    audience: Audience
    public_text: str
    public_mark: str
    may_be_public: bool

    @property
    def doubt(self) -> str:
        """Why one may want to wait; empty without a reason."""
        return doubt_of(len(self.unapproved), len(self.reviewers))


def doubt_of(unapproved: int, reviewers: int) -> str:
    """What is said of reviewers who have not approved."""
    if not unapproved:
        return ""
    if reviewers == 1:
        return "The reviewer has not approved"
    return f"{unapproved} of {reviewers} reviewers {'has' if unapproved == 1 else 'have'} not approved"


def outlook(postmortem: Postmortem, *, by: User, now: datetime | None = None) -> Outlook:
    """What publishing would do now, and what speaks against it."""
    reviewers = list(postmortem.reviewers.select_related("user"))
    for row in reviewers:
        row.postmortem = postmortem
    return Outlook(
        missing=missing_of(reading.read(postmortem)),
        reviewers=reviewers,
        unapproved=[row for row in reviewers if row.approved_at is None or reviewing.is_stale(row)],
        unsettled=postmortem.comments.filter(settled_at=None).count(),
        audience=audience.of(postmortem, by=by, now=now or timezone.now()),
        public_text=postmortem.public_text,
        public_mark=mark_of(postmortem.public_text),
        may_be_public=not postmortem.incident.is_private,
    )


def missing_of(read: Reading) -> list[Missing]:
    """The required sections that are not finished, in their order, and why."""
    found = []
    for part in read.parts:
        if part.section.is_required and (why := _why_not(part, read)):
            found.append(Missing(part.section, why))
    return found


def _why_not(part: Part, read: Reading) -> str:
    if not part.text.strip():
        return "is empty"
    if part.is_unwritten:
        return "still has a gap, marked “To write”"
    if part.before.strip() or part.after.strip() or not part.place:
        return ""
    if part.place == ACTION_ITEMS and not read.action_items:
        return "has no action item; add one, or write why none is needed"
    if part.place == EVENTS and not read.events:
        return "has no event; keep one, or write what there is to know"
    return ""


@transaction.atomic
def publish(
    postmortem: Postmortem,
    *,
    by: User | None,
    with_public: bool = False,
    public_mark: str | None = None,
    now: datetime | None = None,
) -> Postmortem:
    """Let it stand as it is, and tell everybody whom it concerns; ``with_public`` also publishes the public text.

    ``public_mark`` is the mark of the public text that was looked at. What the same person has published already
    stays as it is. Raises Incomplete, ValidationError for a public text that is empty, and NotAllowedNow while the
    incident is open, where somebody else was faster, or where the public text is another one by now.
    """
    postmortem = locked_postmortem(postmortem.pk, even_published=True)
    if postmortem.is_published:
        if by is None or postmortem.published_by_id != by.pk:
            raise NotAllowedNow(f"{postmortem.published_by or 'Somebody'} has published this postmortem already.")
        return postmortem
    incident = postmortem.incident
    if incident.is_open:
        raise NotAllowedNow(f"{incident.reference} is {incident.status} again; publish when it is resolved.")
    if missing := missing_of(reading.read(postmortem)):
        raise Incomplete(missing)
    out = Consequences(now or db_now())
    drafting.begin(postmortem, incident, by=by, now=out.now)
    if with_public:
        _publish_public(postmortem, by=by, mark=public_mark, out=out)
    _set_published(postmortem, by=by, now=out.now)
    count = incident.timeline.filter(kind=Kind.POSTMORTEM_PUBLISHED).count() + 1
    out.record(incident, Kind.POSTMORTEM_PUBLISHED, by=by, postmortem=postmortem.pk, count=count, is_public=with_public)
    _tell_everybody(postmortem, count, by=by, out=out)
    out.write()
    live.changed(incident.topic)
    return postmortem


def _set_published(postmortem: Postmortem, *, by: User | None, now: datetime) -> None:
    postmortem.state, postmortem.published_at, postmortem.published_by = State.PUBLISHED, now, by
    postmortem.first_published_at = postmortem.first_published_at or now
    postmortem.save(update_fields=["state", "published_at", "published_by", "first_published_at", "updated_at"])


def _tell_everybody(postmortem: Postmortem, count: int, *, by: User | None, out: Consequences) -> None:
    reach = Reach.of([postmortem.incident], now=out.now)
    told = audience.of(postmortem, by=by, now=out.now, reach=reach)
    word = "Postmortem published" if count == 1 else "Postmortem published again"
    said = "What happened, why, and what changes." if count == 1 else "It was changed since it was last published."
    message = telling.message_of(postmortem, word, f"{by or 'Muster'} published the postmortem. {said}")
    key, reason = f"published/{count}", "You had to do with the incident"
    telling.tell(postmortem, told.people, message, key=key, reason=reason, by=by, out=out, reach=reach)
    telling.tell_teams(postmortem, told.teams, message, key=key, reason="A service of yours", out=out, reach=reach)


@transaction.atomic
def take_back(postmortem: Postmortem, *, by: User | None, now: datetime | None = None) -> Postmortem:
    """Make it a draft again, to be changed. When it was first published stays, and so does a public version."""
    postmortem = locked_postmortem(postmortem.pk, even_published=True)
    if postmortem.state == State.DRAFT:
        return postmortem
    before = {"state": postmortem.state, "published_at": str(postmortem.published_at or "")}
    postmortem.state, postmortem.published_at, postmortem.published_by = State.DRAFT, None, None
    postmortem.save(update_fields=["state", "published_at", "published_by", "updated_at"])
    audit.record(by=by, action="taken back", on=postmortem, before=before, after={"state": State.DRAFT.value})
    out = Consequences(now or db_now())
    message = telling.message_of(
        postmortem, "Postmortem taken back", f"{by or 'Muster'} took it back to change it; it is a draft again."
    )
    key = f"taken-back/{int(out.now.timestamp() * 1000)}"
    telling.tell(postmortem, [postmortem.owner], message, key=key, reason="It is your postmortem", by=by, out=out)
    out.write()
    live.changed(postmortem.incident.topic)
    return postmortem


# ---- the public version ------------------------------------------------------------------------------------------


def mark_of(text: str) -> str:
    """Names a public text."""
    return digest_of(text)[:16]


@transaction.atomic
def write_public(postmortem: Postmortem, *, text: str, by: User | None, base: str | None = None) -> Postmortem:
    """Keep what the public is to read, in Markdown; nobody reads it outside until it is published.

    ``base`` is the mark of the text that the writer began with. Raises NotAllowedNow where it is another one by now,
    and ValidationError.
    """
    text = clean(text).replace("\r\n", "\n").strip()
    if len(text) > PUBLIC_LIMIT:
        raise ValidationError(
            {"public_text": f"A public version has at most {PUBLIC_LIMIT:,} characters; this has {len(text):,}."}
        )
    postmortem = locked_postmortem(postmortem.pk, even_published=True)
    _refuse_private(postmortem)
    if base is not None and base != mark_of(postmortem.public_text) and text != postmortem.public_text:
        raise NotAllowedNow("Somebody else has changed the public version meanwhile. Nothing was saved.")
    if text != postmortem.public_text:
        before, postmortem.public_text = postmortem.public_text, text
        postmortem.save(update_fields=["public_text", "updated_at"])
        audit.record(by=by, action="public version", on=postmortem, before=_said(before), after=_said(text))
        live.changed(postmortem.incident.topic)
    return postmortem


@transaction.atomic
def publish_public(
    postmortem: Postmortem, *, by: User | None, mark: str | None = None, now: datetime | None = None
) -> Postmortem:
    """Let the public read the public version of a published postmortem, or its newer text. ``mark`` is that of the
    text that was looked at. Raises NotAllowedNow and ValidationError as ``publish`` does."""
    postmortem = locked_postmortem(postmortem.pk, even_published=True)
    if not postmortem.is_published:
        raise NotAllowedNow("Publish the postmortem first; its public version can go out with it.")
    out = Consequences(now or db_now())
    _publish_public(postmortem, by=by, mark=mark, out=out)
    out.write()
    live.changed(postmortem.incident.topic)
    return postmortem


def _publish_public(postmortem: Postmortem, *, by: User | None, mark: str | None, out: Consequences) -> None:
    _refuse_private(postmortem)
    if mark is not None and mark != mark_of(postmortem.public_text):
        raise NotAllowedNow("The public version has changed since you looked at it. Read it again before it goes out.")
    if not postmortem.public_text.strip():
        raise ValidationError({"public_text": "There is no public version yet. Write one, or publish without it."})
    update = communication.publish_postmortem(
        postmortem.incident, message=postmortem.public_text, by=by, update=postmortem.public_update, out=out
    )
    if postmortem.public_update_id != update.pk:
        postmortem.public_update = update
        postmortem.save(update_fields=["public_update", "updated_at"])


def _refuse_private(postmortem: Postmortem) -> None:
    if postmortem.incident.is_private:
        raise NotAllowedNow(f"{postmortem.incident.reference} is private; it has no public version.")


def _said(text: str) -> dict[str, str]:
    return {"public_text": text[:2_000]}
