"""Runbooks: written, listed, read and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.access import require_manager
from api import lookups, paging
from api.auth import ApiRequest, actor, writer
from api.idempotency import idempotent
from api.paging import Page
from api.schemas.base import Name
from api.schemas.runbooks import FactIn, NewRunbook, RunbookChange, RunbookOut, RunbookQuery, StepIn
from runbooks import editing, fetching
from runbooks.guides import Guide, Step
from runbooks.models import Runbook

if TYPE_CHECKING:
    from accounts.models import User
    from runbooks.querysets import RunbookQuerySet

router = Router(tags=["runbooks"])

SAID = ("title", "summary", "services", "severities", "facts", "steps")


@router.get("", response=Page[RunbookOut])
def list_runbooks(request: ApiRequest, query: Query[RunbookQuery]) -> Page[RunbookOut]:
    """Runbooks with all their steps, newest first."""
    rows = _narrowed(Runbook.objects.visible_to(actor(request)), query).for_list()
    return paging.answer(request, rows, query, Page[RunbookOut], RunbookOut.of)


@router.post("", auth=writer, response={201: RunbookOut})
@idempotent()
def create_runbook(request: ApiRequest, body: NewRunbook) -> Answer[RunbookOut]:
    """Write a runbook; for a manager of the site or of the team that owns it."""
    user = actor(request)
    team = lookups.team(body.team, user=user)
    require_manager(user, team)
    lookups.services(body.services, user=user, field="services")
    guide = _with(Guide(title=""), {name: getattr(body, name) for name in SAID})
    runbook = editing.create(guide, slug=body.slug, team=team, review_every_days=body.review_every_days, by=user)
    return Answer(201, _shown(user, runbook.slug))


@router.get("/{slug}", response=RunbookOut)
def read_runbook(request: ApiRequest, slug: Name) -> RunbookOut:
    """One runbook, by its slug."""
    return _shown(actor(request), slug)


@router.patch("/{slug}", auth=writer, response=RunbookOut)
def change_runbook(request: ApiRequest, slug: Name, body: RunbookChange) -> RunbookOut:
    """Change a runbook; for a manager of the site or of its team."""
    user, given = actor(request), body.given()
    runbook = fetching.runbook_for_manager(user, slug)
    own = {name: given[name] for name in editing.EDITABLE if name in given}
    if "team" in own:
        own["team"] = lookups.team(own["team"], user=user)
        require_manager(user, own["team"])
    said = {name: given[name] for name in SAID if name in given}
    if new := set(said.get("services", ())) - set(runbook.all_slugs):
        lookups.services(sorted(new), user=user, field="services")
    guide = _with(editing.guide_of(runbook), said) if said else None
    what, based_on = given.get("what_changed", ""), given.get("based_on")
    editing.change(runbook, guide, by=user, based_on=based_on, what_changed=what, **own)
    if "reviewed" in given:
        editing.mark_reviewed(runbook, by=user)
    if "archived" in given:
        (editing.archive if given["archived"] else editing.restore)(runbook, by=user)
    return _shown(user, slug)


def _shown(user: User, slug: str) -> RunbookOut:
    return RunbookOut.of(fetching.runbook_for(user, slug))


def _with(guide: Guide, said: dict[str, Any]) -> Guide:
    """The guide with what a body says instead."""
    values = {name: getattr(guide, name) for name in SAID} | said
    steps: list[StepIn | Step] = values["steps"]
    facts: list[FactIn | tuple[str, str]] = values["facts"]
    values["steps"] = tuple(Step(step.title, step.body, step.action or "") for step in steps)
    values["facts"] = tuple((fact.name, fact.pattern) if isinstance(fact, FactIn) else fact for fact in facts)
    return Guide(**values | {name: tuple(values[name]) for name in ("services", "severities")})


def _narrowed(rows: RunbookQuerySet, query: RunbookQuery) -> RunbookQuerySet:
    rows = rows.exclude(archived_at=None) if query.archived else rows.current()
    if query.q is not None:
        rows = rows.matching(query.q.replace("\x00", ""))
    if query.service is not None:
        rows = rows.of_service(query.service)
    if query.severity is not None:
        rows = rows.filter(severities__contains=[query.severity])
    if query.team is not None:
        rows = rows.filter(team__slug=query.team)
    return rows.stale(now=timezone.now()) if query.stale else rows
