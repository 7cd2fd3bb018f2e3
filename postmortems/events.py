"""Which events a postmortem tells, and in which words. What the timeline itself says is never changed here.

The first decision of a person moves the incident to its postmortem, as their first edit of a text does. All of these
raise NotAllowedNow for a published postmortem.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from core import live
from core.text import clean, single_line
from core.work import db_now
from incidents.models import TimelineEntry
from postmortems import drafting, editing
from postmortems.models import EVENT_LIMIT, KeyEvent, Postmortem

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from django.db.models import QuerySet

    from accounts.models import User

MOST_KEPT = 500
EARLIEST_YEAR = 1970
ONCE_WITHIN = timedelta(minutes=1)  # the same event again is a second press of the button


@transaction.atomic
def decide(
    postmortem: Postmortem, pks: Collection[int], *, is_kept: bool, by: User | None, now: datetime | None = None
) -> int:
    """Keep these of its events, or leave them out; how many were changed. Raises ValidationError for too many."""
    postmortem, now = _begun(postmortem, by=by, now=now)
    rows = postmortem.events.filter(pk__in=pks)
    other = rows.filter(is_kept=not is_kept)
    if is_kept:
        _room(postmortem, other.count())
    changed = other.update(is_kept=is_kept, is_generated=False, changed_at=now, changed_by=by)
    rows.filter(is_generated=True).update(is_generated=False)  # decided too: a rule chose the same
    live.changed(postmortem.incident.topic)
    return changed


def keep(event: KeyEvent, *, by: User | None, now: datetime | None = None) -> None:
    """The postmortem tells it."""
    decide(event.postmortem, [event.pk], is_kept=True, by=by, now=now)


def leave_out(event: KeyEvent, *, by: User | None, now: datetime | None = None) -> None:
    """The postmortem does not tell it; it can be kept again."""
    decide(event.postmortem, [event.pk], is_kept=False, by=by, now=now)


@transaction.atomic
def correct(event: KeyEvent, *, text: str, at: datetime, by: User | None, now: datetime | None = None) -> KeyEvent:
    """Tell it in other words or at another time; its source stays. With the words and the time of its source it is
    not a correction any more. Raises ValidationError for an empty text or a time in the future."""
    postmortem, now = _begun(event.postmortem, by=by, now=now)
    event = KeyEvent.objects.select_for_update(of=("self",)).get(pk=event.pk, postmortem=postmortem)
    text, at = _checked(text, at, now=now)
    if (text, at) == (event.text, event.at):
        return event
    event.text, event.at, event.is_generated = text, at, False
    event.changed_at, event.changed_by = now, by
    event.save(update_fields=["text", "at", "is_generated", "changed_at", "changed_by"])
    live.changed(postmortem.incident.topic)
    return event


@transaction.atomic
def add(postmortem: Postmortem, *, text: str, at: datetime, by: User | None, now: datetime | None = None) -> KeyEvent:
    """Tell something that the timeline does not have; what the same person has just added is there once. Raises
    ValidationError like ``correct``."""
    postmortem, now = _begun(postmortem, by=by, now=now)
    text, at = _checked(text, at, now=now)
    same = postmortem.events.filter(entry=None, at=at, text=text, changed_by=by, is_kept=True, source_text="")
    just_added: KeyEvent | None = same.filter(changed_at__gt=now - ONCE_WITHIN).first()
    if just_added:
        return just_added
    _room(postmortem, 1)
    event = KeyEvent.objects.create(
        postmortem=postmortem, at=at, text=text, is_generated=False, changed_at=now, changed_by=by
    )
    live.changed(postmortem.incident.topic)
    return event


@transaction.atomic
def take_in(
    postmortem: Postmortem, entry_pks: Collection[int], *, by: User | None, now: datetime | None = None
) -> list[KeyEvent]:
    """Tell these entries of the incident's timeline too; those that are events already are kept. Raises
    ValidationError for too many."""
    postmortem, now = _begun(postmortem, by=by, now=now)
    entries = list(postmortem.incident.timeline.filter(pk__in=entry_pks).select_related("by"))
    known = {event.entry_id: event for event in postmortem.events.filter(entry__in=entries)}
    _room(postmortem, sum(1 for entry in entries if not (event := known.get(entry.pk)) or not event.is_kept))
    new = [drafting.event_of(postmortem, entry) for entry in entries if entry.pk not in known]
    for event in new:
        event.is_generated, event.changed_at, event.changed_by = False, now, by
    KeyEvent.objects.bulk_create(new)
    decide(postmortem, [event.pk for event in known.values()], is_kept=True, by=by, now=now)
    live.changed(postmortem.incident.topic)
    return list(postmortem.events.filter(entry__in=entries))


def not_told(postmortem: Postmortem, *, q: str = "", kind: str = "") -> QuerySet[TimelineEntry]:
    """What the timeline has besides the events, by ``at`` (index incidents_timeline): with all these words in what
    was written, in its facts or in a name, and of one kind."""
    events = postmortem.events.exclude(entry=None).values("entry")
    rows = postmortem.incident.timeline.exclude(pk__in=events).select_related("by")
    if kind:
        rows = rows.filter(kind=kind)
    if words := clean(q).split():
        rows = rows.annotate(facts=Cast("data", TextField()))
    for word in words:
        rows = rows.filter(
            Q(text__icontains=word)
            | Q(facts__icontains=word)
            | Q(source__icontains=word)
            | Q(by__name__icontains=word)
            | Q(by__username__icontains=word)
            | Q(kind__in=[known for known, label in TimelineEntry.Kind.choices if word.casefold() in label.casefold()])
        )
    return rows


def _begun(postmortem: Postmortem, *, by: User | None, now: datetime | None) -> tuple[Postmortem, datetime]:
    """The postmortem, locked and worked on by a person."""
    postmortem, now = editing.locked_postmortem(postmortem.pk), now or db_now()
    drafting.begin(postmortem, postmortem.incident, by=by, now=now)
    return postmortem, now


def _room(postmortem: Postmortem, more: int) -> None:
    if more and postmortem.events.filter(is_kept=True).count() + more > MOST_KEPT:
        raise ValidationError(f"A postmortem tells at most {MOST_KEPT} events. Leave some out first.")


def _checked(text: str, at: datetime, *, now: datetime) -> tuple[str, datetime]:
    text = single_line(text)
    if not text:
        raise ValidationError({"text": "Say what happened."})
    if len(text) > EVENT_LIMIT:
        raise ValidationError({"text": f"An event has at most {EVENT_LIMIT:,} characters; this has {len(text):,}."})
    if at > now:
        raise ValidationError({"at": "This time is in the future."})
    if at.year < EARLIEST_YEAR:
        raise ValidationError({"at": f"This time is before {EARLIEST_YEAR}."})
    return text, at
