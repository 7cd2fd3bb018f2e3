"""What is happening now, in plain words, for everybody in the company who is not responding.

Reads open incidents by ``incidents_open``, what ended lately by ``incidents_ended``, and maintenance by
``catalog_maintenance_by_end``: none of it grows with what is long over.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from accounts.models import User
from catalog.models import MaintenanceWindow, Service
from core.together import attach, grouped, together
from core.versions import version_of
from incidents.models import AffectedService, Incident, SeverityPolicy, SlaClock, StatusUpdate
from incidents.policy import DEFAULTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from core.together import Rows

MOST_SHOWN = 50
MOST_ENDED = 20
LATELY = timedelta(hours=24)
AHEAD = timedelta(days=14)
UNREAD = ("description", "root_cause", "facts", "note_words", "document")

# How far it is, for who does not know the words of responders.
_BY_UPDATE = {
    StatusUpdate.Status.INVESTIGATING: "We are looking into it",
    StatusUpdate.Status.IDENTIFIED: "We know the cause and are working on it",
    StatusUpdate.Status.MONITORING: "A fix is in place, and we are watching it",
    StatusUpdate.Status.RESOLVED: "It is over",
    StatusUpdate.Status.POSTMORTEM: "It is over, and written up",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """An incident as others read it: what was said last, when more is due, and what it touches."""

    incident: Incident
    impact: str
    services: list[Service]
    update: StatusUpdate | None
    promise: SlaClock | None

    @property
    def stage(self) -> str:
        """How far it is, in a sentence."""
        if self.update:
            return _BY_UPDATE[StatusUpdate.Status(self.update.status)]
        return "Somebody is working on it" if self.incident.is_answered else "Nobody has taken it on yet"


@dataclass(frozen=True, slots=True)
class Now:
    """Everything that the page shows, as of ``now``."""

    now: datetime
    happening: list[Happening]
    has_more: bool
    under_way: list[MaintenanceWindow]
    coming: list[MaintenanceWindow]
    ended: list[Happening]

    @property
    def versions(self) -> dict[str, str]:
        """A short name for the state of each panel of the page; one that has the same version looks the same."""
        return {
            "happening": version_of([[*map(_state_of, self.happening)], self.has_more]),
            "maintenance": version_of([[*map(_window, self.under_way)], [*map(_window, self.coming)]]),
            "ended": version_of([*map(_state_of, self.ended)]),
        }


def load(user: User, *, now: datetime) -> Now:
    """Read what a person may know of what is happening: two statements."""
    incidents = Incident.objects.visible_to(user).defer(*UNREAD)
    windows = MaintenanceWindow.objects.visible_to(user)
    soon = windows.upcoming(now=now).filter(starts_at__lte=now + AHEAD)
    over = incidents.filter(status__in=("resolved", "postmortem"), merged_into=None, resolved_at__gt=now - LATELY)
    rows = together(
        open=incidents.open().order_by("severity_rank", "created_at", "id")[: MOST_SHOWN + 1],
        ended=over.order_by("-resolved_at", "-id")[:MOST_ENDED],
        under_way=windows.running(now=now).order_by("ends_at", "id")[:MOST_SHOWN],
        coming=soon.order_by("starts_at", "id")[:MOST_SHOWN],
        policies=SeverityPolicy.objects.all(),
    )
    shown = [*rows["open"][:MOST_SHOWN], *rows["ended"]]
    beside = _beside(shown, [*rows["under_way"], *rows["coming"]])
    impacts = {policy.severity: policy.impact for policy in rows["policies"]}
    told = _told(shown, beside, impacts)
    _tie_services([*rows["under_way"], *rows["coming"]], beside)
    count = len(rows["open"][:MOST_SHOWN])
    has_more = len(rows["open"]) > MOST_SHOWN
    return Now(now, told[:count], has_more, rows["under_way"], rows["coming"], told[count:])


def _beside(incidents: list[Incident], windows: list[MaintenanceWindow]) -> Rows:
    """What belongs to those rows, in one statement."""
    numbers = [incident.pk for incident in incidents]
    links = AffectedService.objects.filter(incident__in=numbers)
    touched = MaintenanceWindow.services.through.objects.filter(maintenancewindow__in=[row.pk for row in windows])
    named = Q(pk__in=links.values("service")) | Q(pk__in=touched.values("service"))
    leads = [incident.assignee_id for incident in incidents if incident.assignee_id]
    latest = StatusUpdate.objects.published().filter(incident__in=numbers)
    return together(
        links=links.order_by("service__name", "service__slug"),
        touched=touched.order_by("id"),
        services=Service.objects.filter(named).defer("description").order_by("name", "slug"),
        updates=latest.order_by("incident_id", "-published_at", "-id").distinct("incident_id"),
        promises=SlaClock.objects.filter(incident__in=numbers, kind=SlaClock.Kind.UPDATE)
        .filter(Q(state=SlaClock.State.RUNNING) | Q(state=SlaClock.State.BREACHED, met_at=None))
        .order_by("incident_id", "id"),
        people=User.objects.filter(pk__in=leads).only("username", "name"),
    )


def _told(incidents: Iterable[Incident], beside: Rows, impacts: Mapping[str, str]) -> list[Happening]:
    incidents = list(incidents)
    attach(incidents, "assignee", {person.pk: person for person in beside["people"]})
    services = {service.pk: service for service in beside["services"]}
    touched = grouped(beside["links"], "incident_id")
    updates = {update.incident_id: update for update in beside["updates"]}
    promises = {clock.incident_id: clock for clock in beside["promises"]}
    return [
        Happening(
            incident=incident,
            impact=impacts.get(incident.severity) or DEFAULTS[incident.severity]["impact"],
            services=[services[link.service_id] for link in touched.get(incident.pk, [])],
            update=updates.get(incident.pk),
            promise=promises.get(incident.pk) if incident.is_open else None,
        )
        for incident in incidents
    ]


def _tie_services(windows: list[MaintenanceWindow], beside: Rows) -> None:
    """Give windows the names of what they touch."""
    services = {service.pk: service for service in beside["services"]}
    touched: dict[int, list[Service]] = defaultdict(list)
    for link in beside.plain("touched"):
        touched[link["maintenancewindow_id"]].append(services[link["service_id"]])
    for window in windows:
        window.shown_services = sorted(touched[window.pk], key=lambda service: service.name.lower())  # type: ignore[attr-defined]


def _state_of(row: Happening) -> list[Any]:
    """What is shown of an incident, as far as it changes."""
    incident, update, promise = row.incident, row.update, row.promise
    return [
        incident.pk,
        incident.title,
        incident.severity,
        incident.status,
        incident.is_private,
        incident.started_at,
        incident.resolved_at,
        str(incident.assignee),
        row.impact,
        [(service.name, service.health) for service in row.services],
        update and (update.pk, update.status, update.message, update.edited_at),
        promise and (promise.due_at, promise.state),
    ]


def _window(window: MaintenanceWindow) -> list[Any]:
    services = [service.name for service in window.shown_services]  # type: ignore[attr-defined]
    return [window.pk, window.title, window.description, window.starts_at, window.ends_at, services]
