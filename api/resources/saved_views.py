"""Saved views of the list: one's own, whatever one's role."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router
from ninja.responses import Status as Answer

from api import paging
from api.auth import ApiRequest, actor, writer
from api.idempotency import idempotent
from api.paging import ListQuery, Page
from api.problems import Problem
from api.schemas.base import Number
from api.schemas.saved_views import NewSavedView, SavedViewOut
from incidents import saved_views
from incidents.models import SavedView

router = Router(tags=["saved views"])


@router.get("", response=Page[SavedViewOut])
def list_saved_views(request: ApiRequest, query: Query[ListQuery]) -> Page[SavedViewOut]:
    """One's views, newest first."""
    rows = SavedView.objects.visible_to(actor(request))
    return paging.answer(request, rows, query, Page[SavedViewOut], SavedViewOut.of)


@router.post("", auth=writer, response={201: SavedViewOut, 200: SavedViewOut})
@idempotent()
def save_view(request: ApiRequest, body: NewSavedView) -> Answer[SavedViewOut]:
    """Keep a view; one that has this name already is replaced and answers 200."""
    view, is_replaced = saved_views.save(name=body.name, query=body.query, by=actor(request))
    return Answer(200 if is_replaced else 201, SavedViewOut.of(view))


@router.delete("/{view_id}", auth=writer, response={204: None})
def delete_view(request: ApiRequest, view_id: Number) -> HttpResponse:
    """Forget a view."""
    user = actor(request)
    view = SavedView.objects.visible_to(user).filter(pk=view_id).first()
    if view is None:
        raise Problem(404, "There is no such view of yours.")
    saved_views.delete(view, by=user)
    return HttpResponse(status=204)
