"""Loading the demo: people, company, history, what is under way, runbooks and fire drills, in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from accounts import audit
from accounts.models import User
from incidents.models import Incident, IncidentSettings
from incidents.policy import ensure_defaults
from incidents_site.demo import (
    automated,
    company,
    counted,
    followed,
    hearing,
    history,
    in_public,
    people,
    rehearsals,
    tracked,
    under_way,
)
from runbooks import starter

if TYPE_CHECKING:
    from datetime import datetime


@transaction.atomic
def load(*, now: datetime) -> int | None:
    """Write everything; returns the number of incidents, or None when the demo is there already."""
    ensure_defaults()
    settings = IncidentSettings.objects.select_for_update().get(pk=1)  # of two that load at once, one does
    if User.objects.filter(is_demo=True).exists() or Incident.objects.filter(is_demo=True).exists():
        return None
    made = company.load(people.load(now=now), now=now)
    starter.load(now=now)
    in_public.load_page(made, now=now)
    count = history.load(made, now=now) + len(under_way.load(made, now=now))
    followed.load(made, now=now)
    automated.load(made, now=now)
    tracked.load(now=now)
    rehearsals.load(made, now=now)
    in_public.load_rest(made, now=now)
    hearing.load(made, now=now)
    counted.load(now=now)
    people.give_passwords()
    audit.record(by=None, action="loaded demo data", on=settings, after={"incidents": count})
    return count
