"""Maintenance as iCalendar (RFC 5545), for calendars to follow. Times are UTC: daylight saving moves none of them."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from icalendar import Calendar, Event

from catalog.models import MaintenanceWindow
from core.text import without_controls
from statuspage import addresses

if TYPE_CHECKING:
    from statuspage.picture import Picture, Works

PATH = "maintenance.ics"
REFRESH = timedelta(hours=1)

_STATUS = {MaintenanceWindow.State.CANCELLED: "CANCELLED"}


def documents(picture: Picture) -> dict[str, tuple[str, bytes]]:
    """The calendar; nothing in it depends on when it was written."""
    calendar = Calendar()
    calendar.add("prodid", "-//Muster//Maintenance//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("name", without_controls(picture.page.name))
    calendar.add("x-wr-calname", without_controls(picture.page.name))
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for works in picture.works:
        calendar.add_component(_event(works, picture))
    return {PATH: ("text/calendar; charset=utf-8", calendar.to_ical())}


def _event(works: Works, picture: Picture) -> Event:
    page, event = picture.page, Event()
    event.add("uid", f"{works.public_id}@{addresses.host_of(page)}")
    event.add("sequence", max(0, int((works.updated_at - works.created_at).total_seconds())))
    event.add("dtstamp", works.updated_at.astimezone(UTC))
    event.add("last-modified", works.updated_at.astimezone(UTC))
    event.add("dtstart", works.starts_at.astimezone(UTC))
    event.add("dtend", works.ends_at.astimezone(UTC))
    event.add("summary", without_controls(works.title))
    named = ", ".join(part.name for part in works.parts)
    lines = [line for line in works.description.splitlines() if line.strip()]
    event.add("description", "\n".join(without_controls(line) for line in (*lines, named) if line))
    event.add("url", addresses.maintenance_of(page, works.public_id))
    event.add("status", _STATUS.get(works.state, "CONFIRMED"))  # type: ignore[call-overload]
    event.add("transp", "TRANSPARENT")
    return event
