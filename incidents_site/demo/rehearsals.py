"""The fire drills of the responder who may sign in: one begun by hand and then a monthly one, both answered."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING

from core import time_zones
from incidents_site.demo import history
from notifications import drill_times, drills
from notifications.models import Attempt, Channel, Notification

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from incidents_site.demo.company import Company

RESPONDER = "priya"
DAY = timedelta(days=1)


def load(company: Company, *, now: datetime) -> None:
    """Hold the drills with the functions that pages use, at the moments at which they are said to have been held."""
    rng = random.Random(history.SEED)
    person = company.users[RESPONDER]
    zone = time_zones.zone(person.time_zone)
    this_month = drill_times.moment(person.pk, now.astimezone(zone).date(), zone)
    last_month = drill_times.moment(person.pk, now.astimezone(zone).date().replace(day=1) - DAY, zone)
    monthly = this_month if this_month < now - DAY else last_month
    by_hand = drill_times.next_fit(monthly - 9 * DAY + timedelta(minutes=40), zone)
    _hold(person, rng, at=by_hand, answered_after=timedelta(seconds=71))
    _hold(person, rng, at=monthly, answered_after=timedelta(seconds=12.4), is_monthly=True)
    drills.set_monthly(person, is_on=True, by=person, now=now)


def _hold(
    person: User, rng: random.Random, *, at: datetime, answered_after: timedelta, is_monthly: bool = False
) -> None:
    drill = drills.start(person, by=person, is_monthly=is_monthly, now=at)
    rows = list(Notification.objects.pending().filter(topic=drill.topic))
    attempts = history.kept(rows, rng)
    Notification.objects.bulk_update(rows, ["state", "attempt_count", "finished_at"])
    Attempt.objects.bulk_create(attempts)
    method = person.contact_methods.get(kind=Channel.EMAIL)
    drills.answer(drills.Answer(drill, method.pk), now=at + answered_after)
