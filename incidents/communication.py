"""Status updates: how far we are, in words for those who wait for it.

An update waits until it is due, so that it can be taken back, and is then published once (``publish_due``): it is on
the timeline, and whoever wants to hear of it is told. From then on it can be edited, and keeps what it said before.
Waiting ones are written with the incident locked, so that nothing is published and taken back at once.
"""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from core import live
from core.text import clean
from core.work import db_now, each, give_back_when_frozen, nudge
from incidents import audience, cadence, update_words
from incidents.consequences import Consequences, Kind
from incidents.models import Incident, StatusUpdate, UpdateRevision
from incidents.models import Status as Lifecycle
from incidents.models.incident import NotAllowedNow

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User

PUBLIC_LIMIT = update_words.PUBLIC_LIMIT
HOLD = timedelta(seconds=60)
BATCH = 50

WORDS = ("status", "title", "message")  # of an update that is published these change alone
EDITABLE = (*WORDS, "visibility", "affects", "next_at", "publish_at", "even_when_over")

Status = StatusUpdate.Status
Visibility = StatusUpdate.Visibility

# What to say at each stage of the work, and the one word that stays if it was said already. While people mitigate, the
# cause is known and the fix is not in place yet, which status pages call "identified"; "monitoring" would promise more.
_SUGGESTED: dict[str, tuple[Status, Status | None]] = {
    Lifecycle.TRIGGERED: (Status.INVESTIGATING, None),
    Lifecycle.ACKNOWLEDGED: (Status.INVESTIGATING, None),
    Lifecycle.INVESTIGATING: (Status.INVESTIGATING, Status.IDENTIFIED),
    Lifecycle.MITIGATING: (Status.IDENTIFIED, Status.MONITORING),
    Lifecycle.RESOLVED: (Status.RESOLVED, None),
    Lifecycle.POSTMORTEM: (Status.POSTMORTEM, None),
}

# What an update says that may go out after the end of the incident, whenever it was written.
OF_THE_END = (Status.RESOLVED, Status.POSTMORTEM)


def suggested_status(incident: Incident, *, last: StatusUpdate | None) -> Status:
    """The status that the next update most likely has, after the ``last`` one."""
    usual, kept = _SUGGESTED[incident.status]
    return kept if kept and last and last.status == kept else usual


# ---- writing -------------------------------------------------------------------------------------------------------


@transaction.atomic
def post_update(
    incident: Incident,
    *,
    message: str,
    status: str,
    by: User | None,
    visibility: str = Visibility.INTERNAL,
    title: str = "",
    affects: dict[str, str] | None = None,
    next_at: datetime | None = None,
    publish_at: datetime | None = None,
    hold: bool = False,
    even_when_over: bool = False,
    now: datetime | None = None,
) -> StatusUpdate:
    """Say how it stands, in Markdown: at once, with ``hold`` in a minute, or at ``publish_at``. The incident's own
    status stays what it is.

    The first external update needs a ``title``, what the incident is called in public; later ones keep it. ``affects``,
    ``next_at`` and ``even_when_over`` are as in the model. Raises ValidationError for what cannot be said or not so.
    """
    incident = Incident.objects.locked(incident.pk)
    out = Consequences(now or db_now())
    update = draft(
        incident,
        message=message,
        status=status,
        visibility=visibility,
        title=title,
        affects=affects,
        next_at=next_at,
        publish_at=publish_at,
        hold=hold,
        even_when_over=even_when_over,
        by=by,
        now=out.now,
    )
    if update.due_at > out.now:
        update.save()
        live.changed(incident.topic)
    else:
        _publish(update, out=out)
    out.write()
    return update


def draft(
    incident: Incident,
    *,
    message: str,
    status: str,
    visibility: str,
    title: str,
    affects: dict[str, str] | None,
    next_at: datetime | None,
    publish_at: datetime | None,
    hold: bool,
    even_when_over: bool,
    by: User | None,
    now: datetime,
) -> StatusUpdate:
    """The update that ``post_update`` would write, checked and unsaved: for who looks at it before."""
    message = update_words.message(message)
    update_words.check_status(status)
    update_words.check_visibility(incident, visibility)
    due_at = update_words.due_at(publish_at, hold_for=HOLD if hold else None, now=now)
    return StatusUpdate(
        incident=incident,
        status=status,
        visibility=visibility,
        title=update_words.title(incident, visibility, title),
        message=message,
        affects=update_words.affects(visibility, affects),
        next_at=update_words.next_at(next_at, after=due_at),
        even_when_over=even_when_over,
        at=now,
        by=by,
        due_at=due_at,
    )


class Overtaken(NotAllowedNow):
    """An update is not what somebody looked at before they changed it; ``update`` is what it is now."""

    def __init__(self, words: str, update: StatusUpdate) -> None:
        super().__init__(words)
        self.update = update


@transaction.atomic
def edit(
    update: StatusUpdate, *, by: User | None, based_on: str | None = None, now: datetime | None = None, **said: Any
) -> StatusUpdate:
    """Say it otherwise; ``said`` are ``EDITABLE`` arguments of ``post_update``, and what is left out stays. What waits
    is just changed. What is published changes its ``WORDS`` alone, keeps what it said before, and nobody is told again.

    ``based_on`` is the ``version`` that was changed. Raises Overtaken for another one, and for more than words of what
    is published; NotAllowedNow for what was taken back, or is changed in its postmortem; and ValidationError.
    """
    if unknown := said.keys() - set(EDITABLE):
        raise TypeError(f"an update has no {', '.join(sorted(unknown))}")
    update = _locked(update)
    if update.cancelled_at:
        raise NotAllowedNow("It was taken back; write another one.")
    if update.is_postmortem:
        raise NotAllowedNow("It is the public version of a postmortem; change it there.")
    if based_on not in (None, update.version):
        raise Overtaken(f"{update.edited_by or 'Somebody'} has changed this update meanwhile.", update)
    out = Consequences(now or db_now())
    if update.published_at:
        said = _words_alone(update, said)
    edited = update_words.edited(update, now=out.now, **said)
    if edited.version == update.version:
        return update
    edited.edited_by = by
    if edited.published_at:
        _keep(edited, _words(update), by=by, now=out.now)
        out.record(edited.incident, Kind.UPDATE_CHANGED, by=by, text=edited.message, did="edited", **facts(edited))
        _tell_pages(edited)
    edited.save()
    live.changed(edited.incident.topic)
    out.write()
    return edited


def _words_alone(update: StatusUpdate, said: dict[str, Any]) -> dict[str, Any]:
    """What may still be said of a published update. Raises Overtaken where more than that was to change."""
    is_so = {name: getattr(update, "due_at" if name == "publish_at" else name) for name in EDITABLE}
    if any((said[name] or None) != (is_so[name] or None) for name in said.keys() - set(WORDS)):
        words = f"It was published at {_clock(update)}: its words and its status can be changed, and nothing else."
        raise Overtaken(words, update)
    return {name: said[name] for name in said.keys() & set(WORDS)}


def _words(update: StatusUpdate) -> tuple[str, str, str]:
    return update.status, update.title, update.message


def _clock(update: StatusUpdate) -> str:
    assert update.published_at is not None
    return f"{timezone.localtime(update.published_at):%H:%M:%S}"


@transaction.atomic
def withdraw(update: StatusUpdate, *, by: User | None, now: datetime | None = None) -> StatusUpdate:
    """Take back what waits, before anybody has read it; doing so twice is nothing new. Raises NotAllowedNow for what is
    published."""
    update = _locked(update)
    if update.published_at:
        raise NotAllowedNow(f"It was published at {_clock(update)} and cannot be taken back; edit it instead.")
    if update.is_waiting:
        update.cancelled_at, update.cancelled_by = now or db_now(), by
        update.save(update_fields=["cancelled_at", "cancelled_by"])
        live.changed(update.incident.topic)
    return update


# ---- publishing ----------------------------------------------------------------------------------------------------


@transaction.atomic
def publish_now(update: StatusUpdate, *, by: User | None, now: datetime | None = None) -> StatusUpdate:
    """Publish what waits without waiting longer; doing so twice is nothing new. Raises NotAllowedNow for what was taken
    back, and for the public text of an incident that is private by now."""
    update = _locked(update)
    if update.cancelled_at:
        raise NotAllowedNow("It was taken back; write another one.")
    if update.published_at:
        return update
    if is_secret(update):
        raise NotAllowedNow(update_words.private(update.incident))
    out = Consequences(now or db_now())
    _publish(update, out=out)
    out.write()
    return update


def publish_due(*, now: datetime) -> int:
    """Publish the updates whose time has come, each incident's in order; returns how many were looked at."""
    concerned = StatusUpdate.objects.due(now=now).order_by().values("incident").annotate(first=Min("due_at"))
    incidents = list(concerned.order_by("first", "incident").values_list("incident", flat=True)[:BATCH])
    return sum(each(incidents, partial(_publish_due_of, now=now)))


@transaction.atomic
def _publish_due_of(pk: int, *, now: datetime) -> int:
    incident = Incident.objects.locked_if_free(pk)
    if incident is None:
        return 0
    give_back_when_frozen()
    updates = StatusUpdate.objects.due(now=now).filter(incident=incident)
    rows = list(updates.select_related("by").select_for_update(of=("self",)))
    out = Consequences(now)
    for place, update in enumerate(rows):
        update.incident = incident
        if why := _why_withheld(update):
            _withhold(update, why, out=out)
        else:
            _publish(update, out=out, at=now + timedelta(microseconds=place))  # in this order for who sorts by it
    out.write()
    return len(rows)


def is_secret(update: StatusUpdate) -> bool:
    """Whether it was meant for the public before its incident was made private."""
    return update.visibility == Visibility.EXTERNAL and update.incident.is_private


def is_scheduled(update: StatusUpdate) -> bool:
    """Whether it was written for a time of its own, not only held for a minute."""
    return update.due_at - update.at > HOLD


def _why_withheld(update: StatusUpdate) -> str:
    if is_secret(update):
        return "private"
    is_over = update.incident.status in (Lifecycle.RESOLVED, Lifecycle.POSTMORTEM)
    if not is_over or update.even_when_over or update.status in OF_THE_END or not is_scheduled(update):
        return ""
    ended_at = update.incident.resolved_at
    return "over" if ended_at and ended_at > update.at else ""


def _withhold(update: StatusUpdate, why: str, *, out: Consequences) -> None:
    update.cancelled_at = out.now
    update.save(update_fields=["cancelled_at"])
    out.record(update.incident, Kind.UPDATE_CHANGED, text=update.message, did="withheld", why=why, **facts(update))


def _publish(update: StatusUpdate, *, out: Consequences, at: datetime | None = None) -> None:
    update.published_at = at or out.now
    update.save()
    record(update, out=out)
    _tell_pages(update)
    cadence.follow(update, out=out)
    audience.tell(update, out=out)


def publish_postmortem(
    incident: Incident, *, message: str, by: User | None, out: Consequences, update: StatusUpdate | None = None
) -> StatusUpdate:
    """Publish the public version of a postmortem, at once. With ``update`` the one that was published before says
    something else from now on, and keeps what it said.

    The caller holds the incident's lock and writes ``out``. Raises ValidationError.
    """
    message = clean(message).strip()
    if not 1 <= len(message) <= PUBLIC_LIMIT:
        raise ValidationError({"public_text": f"A public version has 1 to {PUBLIC_LIMIT:,} characters."})
    if update is not None and update.message == message:
        return update
    if update is not None:
        before, update.incident = _words(update), incident
        update.message = message
        _keep(update, before, by=by, now=out.now)
        update.save()
        record(update, by=by, out=out)
        _tell_pages(update)
        return update
    update = StatusUpdate(
        incident=incident,
        status=Status.POSTMORTEM,
        visibility=Visibility.EXTERNAL,
        message=message,
        is_postmortem=True,
        at=out.now,
        due_at=out.now,
        by=by,
    )
    _publish(update, out=out)
    return update


def record(update: StatusUpdate, *, out: Consequences, by: User | None = None) -> None:
    """Put an update on the timeline."""
    out.record(update.incident, Kind.STATUS_UPDATED, by=by or update.by, text=update.message, **facts(update))


def facts(update: StatusUpdate) -> dict[str, Any]:
    """What the timeline keeps of an update beside its text."""
    return {"update": update.pk, "status": str(update.status), "visibility": str(update.visibility)}


def _tell_pages(update: StatusUpdate) -> None:
    if update.visibility == Visibility.EXTERNAL:
        nudge("statuspage.publish_missing")


def _keep(update: StatusUpdate, before: tuple[str, str, str], *, by: User | None, now: datetime) -> None:
    status, title, message = before
    UpdateRevision.objects.create(
        update=update, status=status, title=title, message=message, replaced_at=now, replaced_by=by
    )
    update.edited_at, update.edited_by = now, by


def _locked(update: StatusUpdate) -> StatusUpdate:
    """The update as it is now, with its incident; both are locked, the incident first."""
    incident = Incident.objects.locked(update.incident_id)
    rows = StatusUpdate.objects.select_related("by", "edited_by").select_for_update(of=("self",))
    found: StatusUpdate = rows.get(pk=update.pk)
    found.incident = incident
    return found
