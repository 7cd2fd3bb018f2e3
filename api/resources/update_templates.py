"""Words to begin status updates with."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts.access import require_manager
from api import paging
from api.auth import ApiRequest, actor, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem
from api.schemas.base import Number
from api.schemas.communication import NewUpdateTemplate, UpdateTemplateChange, UpdateTemplateOut
from incidents import wordings
from incidents.fetching import template_for_manager
from incidents.models import UpdateTemplate

router = Router(tags=["incidents"])


@router.get("", response=Page[UpdateTemplateOut])
def list_update_templates(request: ApiRequest, query: Query[ListQuery]) -> Page[UpdateTemplateOut]:
    """Templates of status updates, newest first."""
    rows = UpdateTemplate.objects.visible_to(actor(request))
    return paging.answer(request, rows, query, Page[UpdateTemplateOut], UpdateTemplateOut.of)


@router.post("", auth=writer, response={201: UpdateTemplateOut})
@idempotent()
def create_update_template(request: ApiRequest, body: NewUpdateTemplate) -> Answer[UpdateTemplateOut]:
    """Make a template; for managers of the site."""
    user = actor(request)
    require_manager(user, None)
    return Answer(201, UpdateTemplateOut.of(wordings.create(by=user, **body.model_dump())))


@router.get("/{template_id}", response=UpdateTemplateOut)
def read_update_template(request: ApiRequest, template_id: Number) -> UpdateTemplateOut:
    """One template."""
    template = UpdateTemplate.objects.visible_to(actor(request)).filter(pk=template_id).first()
    if template is None:
        raise Problem(404, "There is no such template.")
    return UpdateTemplateOut.of(template)


@router.patch("/{template_id}", auth=writer, response=UpdateTemplateOut)
def change_update_template(request: ApiRequest, template_id: Number, body: UpdateTemplateChange) -> UpdateTemplateOut:
    """Change what later updates begin with; for managers of the site."""
    user = actor(request)
    return UpdateTemplateOut.of(wordings.change(template_for_manager(user, template_id), by=user, **body.given()))


@router.delete("/{template_id}", auth=writer, response={204: None})
def remove_update_template(request: ApiRequest, template_id: Number) -> HttpResponse:
    """Delete a template; for managers of the site."""
    user = actor(request)
    wordings.remove(template_for_manager(user, template_id), by=user)
    return HttpResponse(status=204)
