"""The meeting about a postmortem: when and where, and an invitation that calendars keep up to date."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import prefetch_related_objects
from django.urls import reverse
from django.utils import dateformat, timezone

from core import live, time_zones
from core.text import single_line
from core.work import db_now
from incidents import seeing
from incidents.consequences import Consequences
from incidents.messages import absolute
from incidents.models.incident import NotAllowedNow
from notifications.models import Notification
from postmortems import audience, invitation, telling
from postmortems.editing import locked_postmortem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from notifications.message import Message
    from postmortems.models import Postmortem

SHORTEST, LONGEST = 5, 600  # minutes
PLACE_LIMIT = 300
FARTHEST = timedelta(days=365)
KEY = "meeting"
FIELDS = ["meeting_at", "meeting_minutes", "meeting_place", "meeting_changes", "updated_at"]


@transaction.atomic
def arrange(
    postmortem: Postmortem,
    *,
    at: datetime,
    by: User | None,
    minutes: int = 60,
    place: str = "",
    now: datetime | None = None,
) -> Postmortem:
    """Set the meeting, or move it, and send everybody the invitation. One that is as it was is sent to nobody.

    Raises ValidationError for a time that has passed or is too far ahead, and for other values that make no sense.
    """
    out = Consequences(now or db_now())
    place = single_line(place)
    postmortem = locked_postmortem(postmortem.pk, even_published=True)
    if (at, minutes, place) == (postmortem.meeting_at, postmortem.meeting_minutes, postmortem.meeting_place):
        return postmortem
    _check(at, minutes, place, now=out.now)
    was = postmortem.meeting_at
    if was or postmortem.meeting_changes:
        postmortem.meeting_changes += 1
    postmortem.meeting_at, postmortem.meeting_minutes, postmortem.meeting_place = at, minutes, place
    postmortem.save(update_fields=FIELDS)
    _send(
        postmortem, "Postmortem meeting moved" if was else "Postmortem meeting", people_of(postmortem), by=by, out=out
    )
    _finish(postmortem, out)
    return postmortem


@transaction.atomic
def cancel(postmortem: Postmortem, *, by: User | None, now: datetime | None = None) -> Postmortem:
    """It does not take place; whoever was invited is told. Where none is set nothing happens.

    Raises NotAllowedNow for one that has begun.
    """
    postmortem = locked_postmortem(postmortem.pk, even_published=True)
    if postmortem.meeting_at is None:
        return postmortem
    out = Consequences(now or db_now())
    if postmortem.meeting_at <= out.now:
        raise NotAllowedNow("The meeting has begun already; it cannot be cancelled any more.")
    postmortem.meeting_changes += 1
    people = people_of(postmortem)
    _send(postmortem, "Postmortem meeting cancelled", people, by=by, out=out, is_cancelled=True)
    postmortem.meeting_at, postmortem.meeting_place = None, ""
    postmortem.save(update_fields=FIELDS)
    _finish(postmortem, out)
    return postmortem


def invite(postmortem: Postmortem, people: Iterable[User], *, by: User | None, out: Consequences) -> None:
    """Send the invitation as it stands to people who come to it later; those who have it are sent nothing. The caller
    holds the lock and writes ``out``."""
    if postmortem.meeting_at is None or postmortem.meeting_at <= out.now:
        return
    invited = _invited(postmortem)
    _send(postmortem, "Postmortem meeting", [user for user in people if user.pk not in invited], by=by, out=out)


def people_of(postmortem: Postmortem) -> list[User]:
    """Who is invited: owner, reviewers and who took part, and whoever was invited before, as far as they see it."""
    people = {user.pk: user for user in audience.attendees(postmortem)}
    before = seeing.people_of(postmortem.incident).filter(pk__in=_invited(postmortem) - people.keys())
    return [*people.values(), *before]


def text_of(
    postmortem: Postmortem, *, reader: User | None = None, now: datetime | None = None, is_cancelled: bool = False
) -> str:
    """The invitation as iCalendar. A ``reader`` who is not invited gets their own address in it and no other."""
    people = people_of(postmortem)
    if reader is not None and reader not in people:
        people = [reader]
    return invitation.text(postmortem, people, reader=reader, now=now or timezone.now(), is_cancelled=is_cancelled)


def _send(
    postmortem: Postmortem,
    what: str,
    people: Iterable[User],
    *,
    by: User | None,
    out: Consequences,
    is_cancelled: bool = False,
) -> None:
    """Each in their own time zone, whoever arranged it too: their calendar needs it as well."""
    people, invited = list(people), people_of(postmortem)
    prefetch_related_objects(people, "contact_methods")
    file = "" if is_cancelled else reverse("postmortems:meeting_ics", args=[postmortem.incident.reference])

    def message_for(user: User) -> Message:
        said = _words(postmortem, user, by=by) + (f"\nFor your calendar: {absolute(file)}" if file else "")
        calendar = invitation.text(postmortem, invited, reader=user, now=out.now, is_cancelled=is_cancelled)
        return telling.message_of(postmortem, what, said, attachment=calendar)

    key = f"{KEY}/{postmortem.meeting_changes}"
    telling.tell(postmortem, people, message_for, key=key, reason="You are invited", by=None, out=out)


def _words(postmortem: Postmortem, user: User, *, by: User | None) -> str:
    assert postmortem.meeting_at is not None
    at = timezone.localtime(postmortem.meeting_at, time_zones.zone(user.time_zone))
    when = f"{dateformat.format(at, 'D j M Y, H:i')} {at:%Z}, {postmortem.meeting_minutes} minutes"
    return "\n".join(
        [f"From {by or 'Muster'}.", f"When: {when}", f"Where: {postmortem.meeting_place or 'not said yet'}"]
    )


def _invited(postmortem: Postmortem) -> set[int]:
    """Who was sent an invitation so far."""
    incident = postmortem.incident
    prefix = f"{incident.topic}/postmortem/{postmortem.pk}/{KEY}/"
    rows = Notification.objects.filter(topic=incident.topic, key__startswith=prefix).exclude(user=None)
    return set(rows.order_by().values_list("user", flat=True))


def _check(at: datetime, minutes: int, place: str, *, now: datetime) -> None:
    wrong = {}
    if at <= now:
        wrong["at"] = "This time has passed. Choose one to come."
    elif at > now + FARTHEST:
        wrong["at"] = "This is more than a year ahead."
    if not SHORTEST <= minutes <= LONGEST:
        wrong["minutes"] = f"A meeting lasts {SHORTEST} to {LONGEST} minutes."
    if len(place) > PLACE_LIMIT:
        wrong["place"] = f"A place has at most {PLACE_LIMIT} characters."
    if wrong:
        raise ValidationError(wrong)


def _finish(postmortem: Postmortem, out: Consequences) -> None:
    out.write()
    live.changed(postmortem.incident.topic)
