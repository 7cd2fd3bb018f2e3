"""What postmortems are made with: contributing factors, and templates."""

from __future__ import annotations

from typing import Any

from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.access import require_manager
from accounts.models import User
from api import lookups, paging
from api.auth import ApiRequest, actor, responder, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem, invalid
from api.schemas.base import Number
from api.schemas.postmortem_templates import FactorOut, NewFactor, NewTemplate, TemplateChange, TemplateOut
from core.text import single_line
from postmortems import factors, templating
from postmortems.fetching import template_for_manager
from postmortems.models import Factor, Template

router = Router(tags=["postmortems"])
factors_router = Router(tags=["postmortems"])


@factors_router.get("", response=Page[FactorOut])
def list_postmortem_factors(request: ApiRequest, query: Query[ListQuery]) -> Page[FactorOut]:
    """Contributing factors, newest first."""
    return paging.answer(request, Factor.objects.visible_to(actor(request)), query, Page[FactorOut], FactorOut.of)


@factors_router.post("", auth=responder, response={200: FactorOut, 201: FactorOut})
@idempotent()
def create_postmortem_factor(request: ApiRequest, body: NewFactor) -> Answer[FactorOut]:
    """Add a contributing factor. 200 where there is one of this name, whatever its capitals."""
    name = single_line(body.name)
    if not name:
        raise invalid("name", "Say in a few words what contributed.")
    was_there = Factor.objects.filter(name__iexact=name).exists()
    return Answer(200 if was_there else 201, FactorOut.of(factors.named(name, by=actor(request))))


@router.get("", response=Page[TemplateOut])
def list_postmortem_templates(request: ApiRequest, query: Query[ListQuery]) -> Page[TemplateOut]:
    """Templates, newest first, with those that are put away."""
    rows = Template.objects.visible_to(actor(request)).select_related("team")
    return paging.answer(request, rows, query, Page[TemplateOut], TemplateOut.of)


@router.post("", auth=writer, response={201: TemplateOut})
@idempotent()
def create_postmortem_template(request: ApiRequest, body: NewTemplate) -> Answer[TemplateOut]:
    """Make a template; for managers of the site or of the team."""
    user = actor(request)
    given = {"severity": None, "team": None} | body.given()
    return Answer(201, TemplateOut.of(templating.create(by=user, **_fields(given, user))))


@router.get("/{template_id}", response=TemplateOut)
def read_postmortem_template(request: ApiRequest, template_id: Number) -> TemplateOut:
    """One template."""
    row = Template.objects.visible_to(actor(request)).select_related("team").filter(pk=template_id).first()
    if row is None:
        raise Problem(404, "There is no such template.")
    return TemplateOut.of(row)


@router.patch("/{template_id}", auth=writer, response=TemplateOut)
def change_postmortem_template(request: ApiRequest, template_id: Number, body: TemplateChange) -> TemplateOut:
    """Change what later drafts ask for, or put a template away; drafts that there are stay as they are."""
    user = actor(request)
    template = template_for_manager(user, template_id)
    return TemplateOut.of(templating.change(template, by=user, **_fields(body.given(), user)))


def _fields(given: dict[str, Any], user: User) -> dict[str, Any]:
    """What the domain takes. Raises the problem 403 for a team, or for every team, that the person does not manage."""
    fields = dict(given)
    if "severity" in fields:
        fields["severity"] = fields["severity"] or ""
    if "sections" in fields:
        fields["sections"] = [part.model_dump() for part in fields["sections"]]
    if "team" in fields:
        fields["team"] = lookups.team(fields["team"], user=user)
        require_manager(user, fields["team"])
    return fields
