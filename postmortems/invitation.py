"""The meeting about a postmortem as iCalendar: RFC 5545, sent as RFC 5546 says. Times are UTC, so that no daylight
saving moves them."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta
from email.utils import parseaddr
from typing import TYPE_CHECKING

from django.conf import settings
from icalendar import Calendar, Event, vCalAddress, vText

from core.text import without_controls
from incidents.messages import absolute

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User
    from postmortems.models import Postmortem

NAMESPACE = uuid.UUID("b1b0a7d6-55f0-4b0e-8a35-5b6e4a1c2d90")


def text(
    postmortem: Postmortem,
    people: Iterable[User],
    *,
    reader: User | None,
    now: datetime,
    is_cancelled: bool = False,
) -> str:
    """The invitation as ``reader`` gets it, or with ``is_cancelled`` that it does not take place.
    ``postmortem.meeting_at`` is set."""
    calendar = Calendar()
    calendar.add("prodid", "-//Muster//Postmortems//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "CANCEL" if is_cancelled else "REQUEST")
    calendar.add_component(_event(postmortem, people, reader=reader, now=now, is_cancelled=is_cancelled))
    said: str = calendar.to_ical().decode()
    return said


def uid_of(postmortem: Postmortem) -> str:
    """The same for every invitation to the meeting of a postmortem, and of no other installation."""
    return str(uuid.uuid5(NAMESPACE, f"{postmortem.pk} {postmortem.created_at.isoformat()}"))


def address_of(user: User, *, reader: User | None) -> str:
    """Where calendars know a person; empty where nothing is known. A contact method is theirs alone: nobody else's copy
    has it. Those of ``reader`` are fetched."""
    address = user.email
    if not address and user == reader:
        address = next((each.address for each in user.contact_methods.all() if each.kind == "email"), "")
    return address if address.isascii() else ""


def _event(
    postmortem: Postmortem, people: Iterable[User], *, reader: User | None, now: datetime, is_cancelled: bool
) -> Event:
    assert postmortem.meeting_at is not None
    incident, start = postmortem.incident, postmortem.meeting_at.astimezone(UTC)
    page = absolute(postmortem.get_absolute_url())
    event = Event()
    event.add("uid", uid_of(postmortem))
    event.add("sequence", postmortem.meeting_changes)
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", start)
    event.add("dtend", start + timedelta(minutes=postmortem.meeting_minutes))
    event.add("summary", without_controls(f"Postmortem of {incident.reference}: {incident.title}"))
    event.add("description", f"What happened, why, and what changes. Read it first: {page}")
    if postmortem.meeting_place:
        event.add("location", without_controls(postmortem.meeting_place))
    event.add("url", page)
    event.add("status", "CANCELLED" if is_cancelled else "CONFIRMED")
    event.add("transp", "OPAQUE")
    name, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    event.add("organizer", _person(name or "Muster", address))
    for user in people:
        if address := address_of(user, reader=reader):
            attendee = _person(str(user), address)
            attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
            attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
            attendee.params["RSVP"] = vText("FALSE")  # nobody reads the organizer's mailbox
            event.add("attendee", attendee, encode=False)
    return event


def _person(name: str, address: str) -> vCalAddress:
    found = vCalAddress(f"mailto:{address}")
    found.params["CN"] = vText(without_controls(name).replace('"', "'"))
    return found
