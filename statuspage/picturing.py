"""The picture of a page: what it tells at one moment, read in a few queries whatever there is to tell.

Of incidents only reports, impacts and external updates are read here, and of those only what is public.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Q

from catalog.models import MaintenanceWindow
from core import time_zones
from incidents.models import StatusUpdate
from statuspage import uptime
from statuspage.impacts import worst
from statuspage.models import Component, Health, Impact, Report, Taken
from statuspage.picture import Part, Picture, Said, Section, Told, Works

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from incidents.models import Incident
    from statuspage.models import StatusPage
    from statuspage.querysets import ReportQuerySet

State = MaintenanceWindow.State

IMPACT: dict[str, str] = {
    Health.OPERATIONAL: "none",
    Health.DEGRADED: "minor",
    Health.PARTIAL: "major",
    Health.MAJOR: "critical",
    Health.MAINTENANCE: "maintenance",
}


@dataclass
class _Rows:
    """What the database has of a page: reports by primary key, and what belongs to reports and components by theirs."""

    page: StatusPage
    zone: ZoneInfo
    now: datetime
    components: list[Component]
    reports: dict[int, Report]
    merged: dict[int, Report]
    taken: dict[int, list[Taken]]
    impacts: list[Impact]
    windows: list[tuple[MaintenanceWindow, set[int]]]


def of(page: StatusPage, *, now: datetime) -> Picture:
    """Everything that readers of the page see now."""
    rows = _read(page, now=now)
    parts = {component.public_id: _part(component, rows) for component in rows.components}
    sections = _sections(rows, parts)
    told = tuple(_told(report, rows, parts) for report in rows.reports.values())
    merged = tuple(_merged(report, rows, parts) for report in rows.merged.values())
    works = tuple(_works(window, ids, rows, parts) for window, ids in rows.windows)
    return Picture(
        page=page,
        at=now,
        indicator=_indicator(parts.values(), told),
        sections=sections,
        told=told,
        works=works,
        updated_at=page.changed_at,
        changes_at=_changes_at(works, zone=rows.zone, now=now),
        merged=merged,
    )


# ---- reading -----------------------------------------------------------------------------------------------------


def _since(page: StatusPage, *, now: datetime) -> datetime:
    zone = time_zones.zone(page.time_zone)
    return uptime.midnight(uptime.first_day(zone, now=now), zone)


def _reports(page: StatusPage, *, since: datetime) -> ReportQuerySet:
    """Those of the last ``DAYS`` days that may be told, and all that are open."""
    return (
        Report.objects.filter(page=page)
        .told()
        .filter(Q(resolved_at=None) | Q(resolved_at__gt=since) | Q(created_at__gt=since))
    )


def _read(page: StatusPage, *, now: datetime) -> _Rows:
    since = _since(page, now=now)
    components = list(page.components.select_related("group"))
    reports = {report.pk: report for report in _reports(page, since=since)}
    gone_on = Report.objects.filter(page=page, created_at__gt=since, incident__merged_into__isnull=False).readable()
    merged = {report.pk: report for report in gone_on.select_related("incident__merged_into")}
    return _Rows(
        page=page,
        zone=time_zones.zone(page.time_zone),
        now=now,
        components=components,
        reports=reports,
        merged=merged,
        taken=_taken(reports | merged),
        impacts=list(Impact.objects.filter(report__in=reports, component__page=page)),
        windows=_windows(components, since=since),
    )


def _taken(reports: dict[int, Report]) -> dict[int, list[Taken]]:
    """What each report says, by its primary key, the oldest first."""
    by_incident = {report.incident_id: report.pk for report in reports.values()}
    rows = Taken.objects.filter(update__incident__in=by_incident, update__visibility=StatusUpdate.Visibility.EXTERNAL)
    found: dict[int, list[Taken]] = defaultdict(list)
    for taken in rows.select_related("update").order_by("update__published_at", "update"):
        found[by_incident[taken.update.incident_id]].append(taken)
    return found


def _windows(components: list[Component], *, since: datetime) -> list[tuple[MaintenanceWindow, set[int]]]:
    """Announced maintenance of the components' services, each with the components that it concerns."""
    mapped = Component.services.through.objects.filter(component__in=components)
    by_service: dict[int, set[int]] = defaultdict(set)
    for component, service in mapped.values_list("component", "service"):
        by_service[service].add(component)
    links = MaintenanceWindow.services.through.objects.filter(service__in=by_service)
    concerned: dict[int, set[int]] = defaultdict(set)
    for window, service in links.values_list("maintenancewindow", "service"):
        concerned[window] |= by_service[service]
    rows = MaintenanceWindow.objects.filter(pk__in=concerned, is_public=True, ends_at__gt=since)
    return [(window, concerned[window.pk]) for window in rows.order_by("starts_at", "id")]


# ---- making ------------------------------------------------------------------------------------------------------


def _part(component: Component, rows: _Rows) -> Part:
    impacts = [impact for impact in rows.impacts if impact.component_id == component.pk]
    windows = [window for window, ids in rows.windows if component.pk in ids]
    history = uptime.history_of(
        [_fault(impact, rows) for impact in impacts],
        [(each.starts_at, each.over_at) for each in windows if each.cancelled_at is None and _is_announced(each)],
        since=component.since,
        zone=rows.zone,
        now=rows.now,
    )
    is_busy = any(window.state_at(rows.now) == State.IN_PROGRESS for window in windows)
    health = worst(impact.health for impact in impacts if impact.ended_at is None)
    moved = [at for impact in impacts for at in (impact.started_at, impact.ended_at) if at is not None]
    return Part(
        public_id=component.public_id,
        name=component.name,
        description=component.description,
        health=str(Health.MAINTENANCE if is_busy and health == Health.OPERATIONAL else health),
        group_id=component.group.public_id if component.group else "",
        position=component.position,
        since=component.since,
        created_at=component.created_at,
        updated_at=max([component.updated_at, *moved]),
        uptime=history.uptime,
        days=history.days,
    )


def _fault(impact: Impact, rows: _Rows) -> uptime.Fault:
    return uptime.Fault(impact.health, rows.reports[impact.report_id].public_id, impact.started_at, impact.ended_at)


def _is_announced(window: MaintenanceWindow) -> bool:
    """Before it began: what is announced later is an excuse."""
    return window.created_at <= window.starts_at


def _sections(rows: _Rows, parts: dict[str, Part]) -> tuple[Section, ...]:
    """Components without a group first, then the groups in their order; a group without components is left out."""
    groups = {component.group for component in rows.components if component.group is not None}
    found = []
    for group in [None, *sorted(groups, key=lambda group: (group.position, group.pk))]:
        own = tuple(parts[each.public_id] for each in rows.components if each.group == group)
        if own:
            public_id, name = (group.public_id, group.name) if group else ("", "")
            found.append(Section(public_id, name, str(worst(part.health for part in own)), own))
    return tuple(found)


def _told(report: Report, rows: _Rows, parts: dict[str, Part]) -> Told:
    taken = rows.taken[report.pk]
    impacts = [impact for impact in rows.impacts if impact.report_id == report.pk]
    now = {impact.component_id: impact.health for impact in impacts if impact.ended_at is None}
    concerned = {name for each in taken for name in each.changes}
    monitoring = [each.update.published_at for each in taken if each.update.status == StatusUpdate.Status.MONITORING]
    return Told(
        public_id=report.public_id,
        name=report.name,
        status=report.status,
        impact=IMPACT[worst(impact.health for impact in impacts)],
        started_at=report.started_at,
        created_at=report.created_at,
        updated_at=report.updated_at,
        monitoring_at=monitoring[-1] if monitoring else None,
        resolved_at=report.resolved_at,
        parts=tuple(
            (parts[each.public_id], str(now.get(each.pk, Health.OPERATIONAL)))
            for each in rows.components
            if each.public_id in concerned
        ),
        said=tuple(_said(each, parts) for each in reversed(taken)),
    )


def _merged(report: Report, rows: _Rows, parts: dict[str, Part]) -> Told:
    """What was said of it. How it goes on is said of the incident that it is part of."""
    target = _end_of_merging(report.incident)
    part_of = next((each.public_id for each in rows.reports.values() if each.incident_id == target), "")
    return replace(_told(report, rows, parts), is_merged=True, part_of=part_of, parts=())


def _end_of_merging(incident: Incident) -> int:
    """The incident that it is part of in the end: what it was merged into may have been merged itself."""
    seen = {incident.pk}
    while incident.merged_into is not None and incident.merged_into.pk not in seen:
        incident = incident.merged_into
        seen.add(incident.pk)
    return incident.pk


def _said(taken: Taken, parts: dict[str, Part]) -> Said:
    update = taken.update
    assert update.published_at is not None
    return Said(
        public_id=taken.public_id,
        status=update.status,
        message=update.message,
        at=update.published_at,
        edited_at=update.edited_at,
        next_at=update.next_at,
        changes=tuple(
            (part, *taken.changes[name])
            for name, part in parts.items()
            if name in taken.changes and taken.changes[name][0] != taken.changes[name][1]
        ),
    )


def _works(window: MaintenanceWindow, ids: set[int], rows: _Rows, parts: dict[str, Part]) -> Works:
    return Works(
        public_id=window.public_id,
        title=window.title,
        description=window.description,
        state=window.state_at(rows.now),
        starts_at=window.starts_at,
        ends_at=window.over_at,
        created_at=window.created_at,
        updated_at=window.updated_at,
        parts=tuple(parts[each.public_id] for each in rows.components if each.pk in ids),
    )


def _indicator(parts: Iterable[Part], told: tuple[Told, ...]) -> str:
    health = worst(part.health for part in parts)
    is_quiet = any(each.is_open and all(health == Health.OPERATIONAL for _, health in each.parts) for each in told)
    return "minor" if is_quiet and health in (Health.OPERATIONAL, Health.MAINTENANCE) else IMPACT[health]


def _changes_at(works: tuple[Works, ...], *, zone: ZoneInfo, now: datetime) -> datetime:
    tomorrow = uptime.midnight(now.astimezone(zone).date() + timedelta(days=1), zone)
    planned = (at for each in works if each.state != State.CANCELLED for at in (each.starts_at, each.ends_at))
    return min([tomorrow, *(at for at in planned if at > now)])
