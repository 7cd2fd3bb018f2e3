"""From a published external update to what pages tell: taken up once, in the order of an incident's updates.

Nothing that changes in silence, such as a severity, changes what the public was told: it shows with the next update.
What a page itself gains while an incident is open, a component or the services of one, is told as of the last update.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING

import structlog
from django.db import transaction
from django.db.models import F, Min, Q

from core.text import single_line
from core.work import each, nudge
from incidents.models import Incident, StatusUpdate
from statuspage import impacts, news, pages, words
from statuspage.impacts import ENDINGS, SAYABLE, Changes, Course, Step
from statuspage.models import Component, Impact, Report, StatusPage, Taken

if TYPE_CHECKING:
    from collections.abc import Collection

log = structlog.get_logger(__name__)

BATCH = 100
NEWS_UNTIL = timedelta(days=1)  # what is taken up later than that is no news: the page tells it, and nobody is mailed


def publish_missing(*, now: datetime) -> int:
    """Take up external updates that were published, or edited after they were taken up, and tell on pages that gained
    a component what was said last of it; returns how many of these."""
    return sum(each(dict.fromkeys([*_missing(), *_gaining()]), partial(_take_up, now=now)))


def _missing() -> list[int]:
    """Incidents that have such an update, and may be told of."""
    rows = StatusUpdate.objects.external().published().filter(Q(taken=None) | Q(edited_at__gt=F("taken__at")))
    rows = rows.filter(incident__is_private=False, incident__merged_into=None).order_by()
    rows = rows.values("incident").annotate(first=Min("published_at")).order_by("first", "incident")
    return list(rows.values_list("incident", flat=True)[:BATCH])


def _gaining() -> list[int]:
    """Open incidents that concern a component which their last update, published before, does not speak of."""
    told = Taken.objects.filter(update__incident__in=Incident.objects.open().filter(is_private=False))
    told = told.filter(update__visibility=StatusUpdate.Visibility.EXTERNAL).select_related("update")
    told = told.order_by("update__incident_id", "-update__published_at", "-update_id").distinct("update__incident_id")
    last = {taken.update.incident_id: taken for taken in told if taken.update.status not in ENDINGS}
    if not last:
        return []
    links = Component.objects.filter(services__incident_links__incident__in=last).order_by()
    names = ("services__incident_links__incident", "public_id", "updated_at")
    return [pk for pk, name, at in links.values_list(*names) if _is_gained(name, at, last[pk].update, last[pk])]


def _is_gained(name: str, changed_at: datetime, update: StatusUpdate, taken: Taken) -> bool:
    return name not in taken.changes and changed_at > _published(update)


@transaction.atomic
def _take_up(pk: int, *, now: datetime) -> int:
    incident = Incident.objects.locked_if_free(pk)
    if incident is None or incident.is_private or incident.merged_into_id is not None:
        return 0
    _hold_pages()
    story = _read(incident)
    missing = [update for update in story.updates if _is_missing(update, story.taken.get(update.pk))]
    fresh = [update for update in missing if update.pk not in story.taken]
    for update in missing:
        _take(update, story)
    gained = _gain(story)
    if not (missing or gained):
        return 0
    for report in story.reports.values():
        _rewrite(report, story, is_fresh=bool(fresh))
    for update in fresh:
        if now - _published(update) <= NEWS_UNTIL:
            _tell(update, story, now=now)
    pages.changed(story.reports, now=now)
    nudge("statuspage.fan_out_due")
    return len(missing) + gained


def _hold_pages() -> None:
    """Nobody changes or removes a page, or a part of it, until the transaction ends."""
    list(StatusPage.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))


# ---- what there is -----------------------------------------------------------------------------------------------


@dataclass
class _Story:
    """An incident's published external updates in their order, and what pages made of them. Components, and what is
    said of them, by their public id; reports by their page."""

    incident: Incident
    updates: list[StatusUpdate]
    taken: dict[int, Taken]
    components: dict[str, Component]
    mapped: set[str]
    reports: dict[int, Report]

    def pages(self) -> dict[int, StatusPage]:
        """Every page that has components."""
        return {component.page_id: component.page for component in self.components.values()}

    def said_until(self, update: StatusUpdate) -> dict[str, str]:
        """What updates said of components, the last word of each; the end of an incident takes all of it back."""
        said: dict[str, str] = {}
        for each_ in self.updates[: self.updates.index(update) + 1]:
            if each_.status in ENDINGS:
                said.clear()
            else:
                said |= {component: word for component, word in each_.affects.items() if word in SAYABLE}
        return said

    def steps_of(self, report: Report) -> list[Step]:
        """What was taken up since the page tells of it, of its components."""
        return [
            Step(
                at=_published(update),
                is_end=update.status in ENDINGS,
                effect_at=self.taken[update.pk].effect_at,
                changes=self.on_page(report.page_id, self.taken[update.pk]),
            )
            for update in self.updates
            if update.pk in self.taken and _published(update) >= report.created_at
        ]

    def on_page(self, page: int, taken: Taken) -> Changes:
        """What an update did to components of a page."""
        known = {name: pair for name, pair in taken.changes.items() if name in self.components}
        return {
            name: (before, after) for name, (before, after) in known.items() if self.components[name].page_id == page
        }


def _read(incident: Incident) -> _Story:
    updates = StatusUpdate.objects.external().published().filter(incident=incident).order_by("published_at", "id")
    components = Component.objects.select_related("page").defer("page__logo")
    affected = incident.affected_services.order_by().values("pk")
    return _Story(
        incident=incident,
        updates=list(updates),
        taken={taken.update_id: taken for taken in Taken.objects.filter(update__incident=incident)},
        components={component.public_id: component for component in components},
        mapped=set(Component.objects.filter(services__in=affected).order_by().values_list("public_id", flat=True)),
        reports={report.page_id: report for report in incident.reports.select_related("page").defer("page__logo")},
    )


def _is_missing(update: StatusUpdate, taken: Taken | None) -> bool:
    return taken is None or (update.edited_at is not None and update.edited_at > taken.at)


def _published(update: StatusUpdate) -> datetime:
    assert update.published_at is not None
    return update.published_at


# ---- taking ------------------------------------------------------------------------------------------------------


def _take(update: StatusUpdate, story: _Story) -> None:
    """Note what an update does to components; where it is the first that concerns a page, the page has a report."""
    said, old = story.said_until(update), story.taken.get(update.pk)
    is_end, at = update.status in ENDINGS, _published(update)
    if old is None:
        _log_unknown(update, story)
        taken = Taken(update=update, changes=_changes(update, story, said))
        taken.effect_at = _effect_of(update, story.incident)
    else:
        taken, was_end = old, _was_end(update, old)
        taken.changes = _changes_when_edited(update, story, said, was_end=was_end)
        if is_end != was_end:
            taken.effect_at = _effect_of(update, story.incident)
    taken.at = max(at, update.edited_at or at)
    taken.save()
    story.taken[update.pk] = taken


def _gain(story: _Story) -> int:
    """Have the last update speak of what pages gained after it, as if it had been there; returns of how much. Nobody
    is mailed for it."""
    update = story.updates[-1] if story.updates else None
    if update is None or update.status in ENDINGS:
        return 0
    taken = story.taken[update.pk]
    new = {name for name in story.mapped if _is_gained(name, story.components[name].updated_at, update, taken)}
    if new:
        taken.changes |= _changes(update, story, story.said_until(update), only=new)
        taken.save(update_fields=["changes"])
    return len(new)


def _changes(
    update: StatusUpdate, story: _Story, said: dict[str, str], *, only: Collection[str] | None = None
) -> Changes:
    """What an update does to the components that it concerns, or to those of them in ``only``."""
    found: Changes = {}
    for page in story.pages().values():
        report = story.reports.get(page.pk)
        steps = story.steps_of(report) if report else []
        course = impacts.course_of(steps, started_at=report.started_at) if report else Course(story.incident.started_at)
        told = {name for step in steps for name in step.changes}
        wanted = story.mapped | said.keys() | update.affects.keys() | told
        wanted = wanted.intersection(only) if only is not None else wanted
        concerned = [name for name, each_ in story.components.items() if each_.page_id == page.pk and name in wanted]
        if not concerned and (report is None or only is not None):
            continue
        if report is None:
            story.reports[page.pk] = _first_report(update, page, story.incident)
        found |= impacts.changes_of(
            course,
            concerned=concerned,
            mapped=story.mapped,
            said=said,
            severity=story.incident.severity,
            is_first=report is None,
            is_end=update.status in ENDINGS,
        )
    return found


def _changes_when_edited(update: StatusUpdate, story: _Story, said: dict[str, str], *, was_end: bool) -> Changes:
    found: Changes = {}
    for report in story.reports.values():
        found |= impacts.changes_when_edited(
            story.on_page(report.page_id, story.taken[update.pk]),
            said=said,
            was_end=was_end,
            is_end=update.status in ENDINGS,
            is_first=report.created_at == update.published_at,
        )
    return found


def _was_end(update: StatusUpdate, taken: Taken) -> bool:
    """Whether the update ended the incident as it was taken up."""
    before = update.revisions.filter(replaced_at__gt=taken.at).order_by("id").first()
    return (before.status if before else update.status) in ENDINGS


def _effect_of(update: StatusUpdate, incident: Incident) -> datetime:
    """When what it tells came about: an end may be told later than it came."""
    at = _published(update)
    return min(at, incident.resolved_at or at) if update.status in ENDINGS else at


def _log_unknown(update: StatusUpdate, story: _Story) -> None:
    unknown = sorted(
        name for name, word in update.affects.items() if name not in story.components or word not in SAYABLE
    )
    if unknown:
        log.warning("an update says of components what no page understands", update=update.pk, components=unknown)


# ---- telling -----------------------------------------------------------------------------------------------------


def _first_report(update: StatusUpdate, page: StatusPage, incident: Incident) -> Report:
    at = _published(update)
    times = {"started_at": min(incident.started_at, at), "created_at": at, "updated_at": at}
    return Report.objects.create(page=page, incident=incident, status=update.status, **times)


def _rewrite(report: Report, story: _Story, *, is_fresh: bool) -> None:
    """Have a report and its impacts say what the updates said."""
    if is_fresh:
        report.started_at = min(story.incident.started_at, report.created_at)
    updates = [update for update in story.updates if update.pk in story.taken]
    report.status = updates[-1].status
    report.name = next((single_line(each_.title) for each_ in reversed(updates) if each_.title), "") or _unnamed(report)
    report.updated_at = max(update.edited_at or _published(update) for update in updates)
    steps = story.steps_of(report)
    report.resolved_at = None
    for end in reversed(list(takewhile(lambda step: step.is_end, reversed(steps)))):
        report.resolved_at = report.resolved_at or max(end.effect_at, report.started_at)
    report.save()
    course = impacts.course_of(steps, started_at=report.started_at)
    wanted = [
        (story.components[each_.component].pk, each_.health, each_.start, each_.end) for each_ in course.stretches()
    ]
    kept = list(report.impacts.order_by("started_at", "component__public_id"))
    if wanted != [(impact.component_id, impact.health, impact.started_at, impact.ended_at) for impact in kept]:
        report.impacts.all().delete()
        Impact.objects.bulk_create(
            Impact(report=report, component_id=component, health=health, started_at=start, ended_at=end)
            for component, health, start, end in wanted
        )


def _unnamed(report: Report) -> str:
    said = words.of(report.page)
    return said.say("incident_of", date=said.dated(said.local(report.started_at).date()))


def _tell(update: StatusUpdate, story: _Story, *, now: datetime) -> None:
    """A piece of news for the subscribers of each page that tells it."""
    changes = story.taken[update.pk].changes
    for report in story.reports.values():
        if _published(update) >= report.created_at:
            parts = {story.components[name]: changes[name] for name in changes if name in story.components}
            of_page = {part: pair for part, pair in parts.items() if part.page_id == report.page_id}
            news.write(update, report, parts=of_page, public_id=story.taken[update.pk].public_id, now=now)
