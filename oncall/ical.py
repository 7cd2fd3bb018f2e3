"""Shifts as iCalendar (RFC 5545, with the refresh interval of RFC 7986).

Nothing depends on when it is read but which shifts are in it, so a calendar that has them already sees no change.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse
from icalendar import Calendar, Event

from core.text import without_controls
from oncall import rotas
from oncall.shifts import Shift, shifts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from accounts.models import User
    from oncall.models import Schedule
    from oncall.querysets import ScheduleQuerySet
    from oncall.shifts import Rota

BEFORE = timedelta(days=30)
AHEAD = timedelta(days=180)
WIDEST = timedelta(days=400)  # how far a shift is followed beyond the first and the last day
STEPS = (timedelta(days=2), timedelta(days=16), timedelta(days=100), WIDEST)
REFRESH_HOURS = 1
STAMP = "%Y%m%dT%H%M%SZ"
REVISIONS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
NAMESPACE = uuid.UUID("6f2c3ad1-4b5b-4c0e-9a43-2b6f0c7f6e11")


def text(schedules: ScheduleQuerySet, *, name: str, now: datetime, only: User | None = None) -> bytes:
    """A calendar of every shift of some schedules that touches the time from 30 days ago to 180 days ahead, or of one
    person's. Gaps are left out, and so is how to reach anybody."""
    start, end = now - BEFORE, now + AHEAD
    rows = list(schedules)
    known, users = rotas.read(schedules, start=start - WIDEST, end=end + WIDEST)
    events: list[bytes] = []
    for schedule in rows:
        held = [
            shift
            for shift in whole_shifts(known[schedule.pk], start, end)
            if shift.holder is not None and (only is None or shift.holder == only.pk)
        ]
        events += _events(schedule, held, users, is_own=only is not None)
    head, last, _ = _calendar(name).to_ical().rpartition(b"END:VCALENDAR\r\n")
    return b"".join((head, *events, last))


def whole_shifts(rota: Rota, start: datetime, end: datetime) -> list[Shift]:
    """Every shift and gap that touches an interval; the first and the last are not clipped to it, so that they stay
    the same from one reading to the next. One of more than 400 days beyond may still be."""
    found = shifts(rota, start, end)
    first, last = found[0], found[-1]
    if first.holder is not None:
        found[0] = first = Shift(_beginning(rota, first), first.end, first.holder, first.layer)
    if last.holder is not None:
        begins = first.start if len(found) == 1 else last.start
        found[-1] = Shift(begins, _ending(rota, last), last.holder, last.layer)
    return found


def _beginning(rota: Rota, shift: Shift) -> datetime:
    """When a shift that is clipped at its start began."""
    for step in STEPS:
        earliest = shift.start - step
        began = shifts(rota, earliest, shift.end)[-1].start
        if began > earliest:
            break
    return began


def _ending(rota: Rota, shift: Shift) -> datetime:
    """When a shift that is clipped at its end ends."""
    for step in STEPS:
        latest = shift.end + step
        ends = shifts(rota, shift.start, latest)[0].end
        if ends < latest:
            break
    return ends


def _calendar(name: str) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Muster//On-call//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("name", without_controls(name))
    calendar.add("x-wr-calname", without_controls(name))
    calendar.add("refresh-interval", timedelta(hours=REFRESH_HOURS), parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", f"PT{REFRESH_HOURS}H")
    return calendar


def _events(schedule: Schedule, held: Iterable[Shift], users: Mapping[int, User], *, is_own: bool) -> Iterator[bytes]:
    """Shifts as they are written, without those that do not last a second, which a calendar cannot show.

    Those of one person by one layer differ in three lines, so that the others are written once: an hourly rotation
    has thousands of shifts.
    """
    written: dict[tuple[int | None, str], list[bytes]] = {}
    for shift in held:
        begins, ends = shift.start.replace(microsecond=0), shift.end.replace(microsecond=0)
        if begins == ends:
            continue
        user = users[shift.holder or 0]
        kind = (shift.holder, shift.layer)
        if kind not in written:
            written[kind] = _event(schedule, shift, user, is_own=is_own).to_ical().split(b"\r\n")
        own = {
            b"UID": _uid(schedule, shift, user).encode(),
            b"DTSTART": f"{begins.astimezone(UTC):{STAMP}}".encode(),
            b"DTEND": f"{ends.astimezone(UTC):{STAMP}}".encode(),
        }
        lines = [(line, line.partition(b":")[0]) for line in written[kind]]
        yield b"\r\n".join(name + b":" + own[name] if name in own else line for line, name in lines)


def _event(schedule: Schedule, shift: Shift, user: User, *, is_own: bool) -> Event:
    """One shift."""
    event = Event()
    event.add("uid", _uid(schedule, shift, user))
    event.add("dtstamp", schedule.updated_at.astimezone(UTC))
    event.add("last-modified", schedule.updated_at.astimezone(UTC))
    event.add("sequence", (schedule.updated_at - REVISIONS_SINCE) // timedelta(seconds=1))
    event.add("dtstart", shift.start.astimezone(UTC))
    event.add("dtend", shift.end.astimezone(UTC))
    event.add("summary", without_controls(f"On call: {schedule}" if is_own else f"On call: {schedule} ({user})"))
    event.add("description", without_controls(f"{user}, by layer {shift.layer}"))
    event.add("url", settings.MUSTER.base_url + reverse("oncall:schedule_detail", args=[schedule.pk]))
    event.add("transp", "TRANSPARENT")
    return event


def _uid(schedule: Schedule, shift: Shift, user: User) -> str:
    """The same for the same schedule, start and person, and of no other installation."""
    parts = (schedule.pk, schedule.created_at.isoformat(), shift.start.astimezone(UTC).isoformat(), user.pk)
    return str(uuid.uuid5(NAMESPACE, " ".join(map(str, parts))))
