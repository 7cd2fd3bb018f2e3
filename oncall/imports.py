"""Layers whose turns are the events of somebody else's calendar: read every hour, people found in the events."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from accounts.models import User
from core import http
from core.time_zones import zone
from oncall import ical_events
from oncall.ical_events import LONGEST_FEED, Unreadable
from oncall.models import CalendarSource, ImportedTurn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from oncall.ical_events import Happening

EVERY = timedelta(hours=1)
BEFORE = timedelta(days=60)
AHEAD = timedelta(days=400)


def read_due(*, now: datetime) -> int:
    """Read one calendar that is due; how many were. It is put off first, so that nobody else reads it meanwhile."""
    with transaction.atomic():
        rows = CalendarSource.objects.due(now).select_for_update(of=("self",), skip_locked=True)
        source = rows.select_related("schedule").first()
        if source is None:
            return 0
        CalendarSource.objects.filter(pk=source.pk).update(due_at=now + EVERY)
    try:
        found = ical_events.read(
            _fetched(source.url), start=now - BEFORE, end=now + AHEAD, zone=zone(source.schedule.time_zone)
        )
    except (http.HttpError, Unreadable) as error:
        CalendarSource.objects.filter(pk=source.pk).update(problem=str(error)[:300])
    else:
        _keep(source, found, now=now)
    return 1


def _fetched(url: str) -> bytes:
    answer = http.get(url, headers={"accept": "text/calendar"}, limit=LONGEST_FEED)
    if answer.status != 200:
        raise Unreadable(f"The address answers with status {answer.status}.")
    return answer.body


@transaction.atomic
def _keep(source: CalendarSource, found: list[Happening], *, now: datetime) -> None:
    """The turns of everybody who is known take the place of those read before."""
    if not CalendarSource.objects.select_for_update(of=("self",)).filter(pk=source.pk).exists():
        return  # no layer names it any more
    known = known_words()
    named = [(event, whose(event, known)) for event in found]
    rows = [ImportedTurn(source=source, user=who, starts_at=e.start, ends_at=e.end) for e, who in named if who]
    before = source.turns.order_by("id").values_list("user", "starts_at", "ends_at")
    if list(before) != [(row.user_id, row.starts_at, row.ends_at) for row in rows]:
        source.turns.all().delete()
        ImportedTurn.objects.bulk_create(rows)
        type(source.schedule).objects.filter(pk=source.schedule_id).update(updated_at=now)
    strangers = sum(who is None for _, who in named)
    problem = f"{strangers} of {len(named)} events name nobody whom Muster knows." if strangers else ""
    CalendarSource.objects.filter(pk=source.pk).update(read_at=now, problem=problem)


def known_words() -> dict[str, User]:
    """Active people by username, e-mail address and name in lower case; what two have stands for neither."""
    found: dict[str, User | None] = {}
    for user in User.objects.active().order_by("id"):
        for word in {user.username.lower(), user.email.lower(), user.name.lower()} - {""}:
            found[word] = None if word in found else user
    return {word: user for word, user in found.items() if user is not None}


def whose(event: Happening, known: Mapping[str, User]) -> User | None:
    """Whom an event names: the first guest who is known, or who stands first in the title, as whole words."""
    for text in event.words:
        text = " ".join(text.lower().split())
        if text in known:
            return known[text]
    title = f" {' '.join(event.words[-1].lower().split())} " if event.words else ""
    places = [
        (match.start(), -len(word), user)
        for word, user in known.items()
        if word in title and (match := re.search(rf"(?<![\w.@-]){re.escape(word)}(?![\w@-])", title))
    ]
    return min(places, key=lambda place: place[:2])[2] if places else None
