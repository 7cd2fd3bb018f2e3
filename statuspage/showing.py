"""A status page as those inside see it: its sections, how it stands, and its addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.html import escape

from catalog.models import MaintenanceWindow
from statuspage import addresses, impacts
from statuspage.models import Component, ComponentGroup, Health, Impact, Report, StatusPage, Subscriber

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

# What readers and their programs may open, in the order in which it is shown.
PLACES = (
    ("index.html", "The page", ""),
    ("history.html", "Past incidents", ""),
    ("api/v2/summary.json", "Everything as JSON", "In the shape that Statuspage has: its widgets and clients read it."),
    ("api/v2/status.json", "The status alone as JSON", ""),
    ("history.atom", "Atom feed", "One entry an incident; it moves with each update."),
    ("history.rss", "RSS feed", ""),
    ("maintenance.ics", "Calendar of maintenance", "For a calendar to subscribe to."),
    ("badge.svg", "Badge", ""),
    ("embed.html", "Banner", ""),
)


@dataclass(frozen=True, slots=True)
class Part:
    """A component, and how it is by what was told."""

    component: Component
    health: str


@dataclass(slots=True)
class Section:
    """A group with its components; without a group those that are in none."""

    group: ComponentGroup | None
    parts: list[Part] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Facts:
    """How a page stands. ``waiting`` are subscribers who have not confirmed yet."""

    subscribers: int
    waiting: int
    open_reports: int
    reports: int
    is_current: bool
    rendered_at: datetime | None
    exported_at: datetime | None
    is_exported: bool


@dataclass(frozen=True, slots=True)
class Place:
    """An address of a page; ``snippet`` is HTML to put on another site."""

    name: str
    url: str
    note: str
    snippet: str


def counted(pages: Any) -> Any:
    """With ``component_count``, ``subscriber_count`` and ``open_count``: each counted by itself, for subscribers may be
    many."""
    return pages.annotate(
        component_count=_count(Component.objects.all()),
        subscriber_count=_count(Subscriber.objects.active()),
        open_count=_count(Report.objects.told().filter(resolved_at=None)),
    )


def _count(rows: Any) -> Coalesce:
    of_page = rows.filter(page=OuterRef("pk")).order_by().values("page").annotate(number=Count("pk"))
    return Coalesce(Subquery(of_page.values("number"), output_field=IntegerField()), 0)


def sections_of(page: StatusPage) -> list[Section]:
    """Components without a group first, then the groups, each in its order; six queries."""
    sections: dict[int | None, Section] = {None: Section(None)}
    sections |= {group.pk: Section(group) for group in page.groups.all()}
    rows = list(page.components.select_related("group").prefetch_related("services"))
    healths = health_of(rows)
    for component in rows:
        sections[component.group_id].parts.append(Part(component, healths[component.pk]))
    return [section for section in sections.values() if section.group is not None or section.parts]


def health_of(components: Iterable[Component], *, now: datetime | None = None) -> dict[int, str]:
    """How components are by what was told, by their primary keys: as readers see them; two queries."""
    found: dict[int, list[str]] = {component.pk: [] for component in components}
    still = Impact.objects.filter(component__in=found, ended_at=None, report__in=Report.objects.told())
    for pk, health in still.values_list("component", "health"):
        found[pk].append(health)
    works = MaintenanceWindow.objects.running(now=now or timezone.now()).filter(is_public=True)
    under_way = Component.objects.filter(pk__in=found, services__maintenance_windows__in=works)
    for pk in under_way.order_by().values_list("pk", flat=True):
        found[pk].append(Health.MAINTENANCE)
    return {pk: impacts.worst(healths) for pk, healths in found.items()}


def facts_of(page: StatusPage) -> Facts:
    """How the page stands; three queries."""
    subscribers = Subscriber.objects.filter(page=page).counted()
    reports = Report.objects.told().filter(page=page)
    return Facts(
        subscribers=subscribers["active"],
        waiting=subscribers["waiting"],
        open_reports=reports.filter(resolved_at=None).count(),
        reports=reports.count(),
        is_current=page.rendered_at is not None and page.rendered_at >= page.changed_at,
        rendered_at=page.rendered_at,
        exported_at=page.exported_at,
        is_exported=settings.MUSTER.status_export is not None,
    )


def places_of(page: StatusPage) -> list[Place]:
    """Its addresses, as far as there is something at them yet; one query."""
    there = set(page.documents.values_list("path", flat=True))
    return [
        Place(name, addresses.home_of(page) + ("" if path == "index.html" else path), note, _snippet(page, path))
        for path, name, note in PLACES
        if path in there
    ]


def _snippet(page: StatusPage, path: str) -> str:
    home, name = escape(addresses.home_of(page)), escape(page.name)
    if path == "badge.svg":
        return f'<a href="{home}"><img src="{home}{path}" alt="{name}"></a>'
    if path == "embed.html":
        return f'<iframe src="{home}{path}" title="{name}" width="100%" height="72" loading="lazy"></iframe>'
    return ""
