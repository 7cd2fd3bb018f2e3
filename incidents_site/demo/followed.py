"""Runbooks that Finchlight follows: one in the middle of the work, and one that led to the end of a past incident."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from incidents.models import Incident, Status
from runbooks import panel, running

if TYPE_CHECKING:
    from datetime import datetime

    from accounts.models import User
    from incidents_site.demo.company import Company
    from runbooks.models import Run, Runbook

MINUTE = timedelta(minutes=1)
LOOKED_AT = 60  # past incidents, from the newest on
LONG_ENOUGH = 15 * MINUTE

SEEN = ("As described. It began at once, not slowly.", "", "Better than expected.")
NOT_NEEDED = "Not needed: it was clear by then what it is."


def load(company: Company, *, now: datetime) -> list[Run]:
    """Follow the guides that fit, with the functions that pages use, at the moments at which it is said to have been.
    Without a guide that fits there is no run."""
    sam, jonas = company.users["sam"], company.users["jonas"]
    late = Incident.objects.filter(is_demo=True, status=Status.INVESTIGATING, merged_into=None).latest("id")
    runs = []
    if book := _best(late, sam):
        runs.append(_begin(late, book, by=sam, helped_by=jonas))
    past = Incident.objects.filter(is_demo=True, acknowledged_at__isnull=False, resolved_at__lt=now)
    for incident in past.exclude(timeline__kind="reopened").order_by("-id")[:LOOKED_AT]:
        book = _best(incident, sam)
        if book and incident.resolved_at - incident.acknowledged_at > LONG_ENOUGH:
            runs.append(_finish(incident, book, company))
            break
    return runs


def _best(incident: Incident, user: User) -> Runbook | None:
    return next((one.runbook for one in panel.fitting(incident, user=user)), None)


def _begin(incident: Incident, book: Runbook, *, by: User, helped_by: User) -> Run:
    at = incident.created_at
    run, _ = running.start(incident, book, by=by, now=at + 7 * MINUTE)
    running.tick(run, 1, by=by, text="Only **kafka-3, -5 and -7** fall behind.", now=at + 10 * MINUTE)
    if run.steps.count() > 2:
        running.tick(run, 2, by=helped_by, now=at + 13 * MINUTE)
        running.add_text(run, 3, by=helped_by, text="The disks are busy, the network is not.", now=at + 17 * MINUTE)
    return run


def _finish(incident: Incident, book: Runbook, company: Company) -> Run:
    service = incident.affected_services.order_by("incident_links__id").first()
    people = company.members(service) if service else [company.users["sam"]]
    assert incident.acknowledged_at is not None
    assert incident.resolved_at is not None
    run, _ = running.start(incident, book, by=people[0], now=incident.acknowledged_at + MINUTE)
    count = run.steps.count()
    each = (incident.resolved_at - run.started_at - MINUTE) / count
    for position in range(1, count + 1):
        now, by = run.started_at + position * each, people[position % len(people)]
        if position == count - 1 and count > 2:
            running.skip(run, position, by=by, reason=NOT_NEEDED, now=now)
        else:
            running.tick(run, position, by=by, text=SEEN[position % len(SEEN)], now=now)
    return run
