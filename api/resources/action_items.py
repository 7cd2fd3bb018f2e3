"""Action items of all incidents: listed, read, changed, ticked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ninja import Query, Router

from api import lookups, paging
from api.auth import ApiRequest, actor, responder
from api.paging import Page
from api.problems import Problem, invalid
from api.schemas.base import Number
from api.schemas.communication import ActionItemChange, ActionItemOut, ActionItemQuery
from incidents import action_items
from incidents.fetching import number_of
from incidents.models import ActionItem, Incident

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from accounts.models import User

router = Router(tags=["action items"])

EDITABLE = ("title", "due_on")


@router.get("", response=Page[ActionItemOut])
def list_action_items(request: ApiRequest, query: Query[ActionItemQuery]) -> Page[ActionItemOut]:
    """Action items of the incidents that you may see, newest first."""
    rows = with_people(_narrowed(ActionItem.objects.visible_to(actor(request)), query, user=actor(request)))
    return paging.answer(request, rows, query, Page[ActionItemOut], ActionItemOut.of)


@router.get("/{item_id}", response=ActionItemOut)
def read_action_item(request: ApiRequest, item_id: Number) -> ActionItemOut:
    """One action item, by its id."""
    return ActionItemOut.of(_item_for(actor(request), item_id))


@router.patch("/{item_id}", auth=responder, response=ActionItemOut)
def change_action_item(request: ApiRequest, item_id: Number, body: ActionItemChange) -> ActionItemOut:
    """Change what it says, whose it is and when it is due; tick it with `done`, and take the tick away."""
    user, given = actor(request), body.given()
    item = _item_for(user, item_id)
    changes = {name: given[name] for name in EDITABLE if name in given}
    if "owner" in given:
        changes["owner"] = lookups.person(body.owner, user=user, field="owner")
    if given.get("done") is False:
        action_items.reopen(item, by=user)
    if changes:
        action_items.change(item, by=user, **changes)
    if given.get("done") is True:
        action_items.set_done(item, by=user)
    return ActionItemOut.of(_item_for(user, item_id))


def with_people(rows: QuerySet[ActionItem]) -> QuerySet[ActionItem]:
    """With everybody whom an item names."""
    return rows.select_related("owner", "done_by", "created_by")


def _item_for(user: User, pk: int) -> ActionItem:
    """The item, for somebody who sees its incident. Raises the problem 404."""
    item: ActionItem | None = with_people(ActionItem.objects.visible_to(user)).filter(pk=pk).first()
    if item is None:
        raise Problem(404, "There is no such action item.")
    return item


def _narrowed(rows: QuerySet[ActionItem], query: ActionItemQuery, *, user: User) -> QuerySet[ActionItem]:
    if query.owner is not None:
        owners: dict[str, dict[str, Any]] = {"me": {"owner": user}, "none": {"owner": None}}
        rows = rows.filter(**owners.get(query.owner, {"owner__username": query.owner}))
    if query.done is not None:
        rows = rows.filter(done_at__isnull=not query.done)
    if query.incident is not None:
        number = number_of(query.incident)
        if number is None:
            raise invalid("incident", "Write an incident as INC-42.")
        rows = rows.filter(incident__in=Incident.objects.visible_to(user).filter(pk=number))
    return rows
