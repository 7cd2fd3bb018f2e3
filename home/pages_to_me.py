"""The pages that somebody got, newest first, each with its reason and who answered.

Read by the index ``notifications_user``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.together import grouped
from incidents.ledger_facts import ANSWERS
from incidents.models import Incident, TimelineEntry
from notifications.models import Notification

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from accounts.models import User

MOST_SHOWN = 50
MOST_READ = 200  # rows: a page is one for each contact method


@dataclass(frozen=True, slots=True)
class PageToMe:
    """One page: its messages, and the answer that came after it, if any."""

    at: datetime
    incident: Incident
    reason: str
    rows: list[Notification]
    answer: TimelineEntry | None


def latest(user: User) -> list[PageToMe]:
    """The last pages to a person, about incidents that they may still see. Three statements."""
    rows = Notification.objects.filter(user=user, purpose=Notification.Purpose.PAGE).order_by("-id")
    found: dict[tuple[int, datetime, str], list[Notification]] = {}
    for row in rows.defer("title", "body", "url", "actions")[:MOST_READ]:
        if (number := row.topic.removeprefix("incident/")).isdecimal():
            found.setdefault((int(number), row.created_at, row.reason), []).append(row)
    keys = list(found)[:MOST_SHOWN]
    incidents = Incident.objects.visible_to(user).in_bulk({number for number, _, _ in keys})
    answers = grouped(_answers(incidents), "incident_id")
    return [
        PageToMe(at, incidents[number], reason, found[number, at, reason], _first_after(answers.get(number, ()), at))
        for number, at, reason in keys
        if number in incidents
    ]


def _answers(incidents: Iterable[int]) -> list[TimelineEntry]:
    entries = TimelineEntry.objects.filter(incident__in=incidents, kind__in=ANSWERS)
    return list(entries.select_related("by").order_by("at", "id"))


def _first_after(answers: Iterable[TimelineEntry], at: datetime) -> TimelineEntry | None:
    return next((entry for entry in answers if entry.at >= at), None)
