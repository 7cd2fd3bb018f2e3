"""Action items of all incidents: listed, read, changed, ticked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils import timezone
from ninja import Query, Router

from api import lookups, paging
from api.auth import ApiRequest, actor, responder
from api.paging import Page
from api.problems import Problem, invalid
from api.schemas.base import Number
from api.schemas.communication import (
    ActionItemChange,
    ActionItemOut,
    ActionItemQuery,
    ActionItemScope,
    ActionItemSummaryOut,
)
from catalog.models import Service
from followups import listing, summary
from incidents import action_items
from incidents.fetching import number_of
from incidents.models import ActionItem, Incident

if TYPE_CHECKING:
    from accounts.models import User
    from incidents.models.communication import ActionItemQuerySet

router = Router(tags=["action items"])

EDITABLE = ("title", "due_on")


@router.get("", response=Page[ActionItemOut])
def list_action_items(request: ApiRequest, query: Query[ActionItemQuery]) -> Page[ActionItemOut]:
    """Action items of the incidents that you may see, newest first or as `sort` says."""
    rows = with_people(_narrowed(ActionItem.objects.visible_to(actor(request)), query, user=actor(request)))
    if query.sort is None:
        return paging.answer(request, rows, query, Page[ActionItemOut], ActionItemOut.of)
    lanes, order = listing.in_order(rows, query.sort)
    return paging.answer(request, lanes, query, Page[ActionItemOut], ActionItemOut.of, sort=order)


@router.get("/summary", response=ActionItemSummaryOut)
def read_action_item_summary(request: ApiRequest, query: Query[ActionItemScope]) -> ActionItemSummaryOut:
    """How it stands: the figures of the page of follow-ups."""
    paging.refuse_unknown(request, query)
    user, now = actor(request), timezone.now()
    rows = of_scope(ActionItem.objects.visible_to(user), query, user=user)
    return ActionItemSummaryOut.of(summary.of(rows, now=now, today=action_items.today_of(user, now=now)))


@router.get("/{item_id}", response=ActionItemOut)
def read_action_item(request: ApiRequest, item_id: Number) -> ActionItemOut:
    """One action item, by its id."""
    return ActionItemOut.of(_item_for(actor(request), item_id))


@router.patch("/{item_id}", auth=responder, response=ActionItemOut)
def change_action_item(request: ApiRequest, item_id: Number, body: ActionItemChange) -> ActionItemOut:
    """Change what it says, what it is for, whose it is and when it is due. `done` ticks it and takes the tick away;
    `accepted_reason` closes it undone, as a risk that we live with."""
    user, given = actor(request), body.given()
    if given.get("done") is True and "accepted_reason" in given:
        raise invalid("accepted_reason", "What is done leaves no risk to accept: send one of the two.")
    item = _item_for(user, item_id)
    changes = {name: given[name] for name in EDITABLE if name in given}
    if "kind" in given:
        changes["kind"] = body.kind or ""
    if "owner" in given:
        changes["owner"] = lookups.person(body.owner, user=user, field="owner")
    if given.get("done") is False:
        action_items.reopen(item, by=user)
    if changes:
        action_items.change(item, by=user, **changes)
    if given.get("done") is True:
        action_items.set_done(item, by=user)
    if "accepted_reason" in given:
        action_items.accept_risk(item, reason=body.accepted_reason, by=user)
    return ActionItemOut.of(_item_for(user, item_id))


def with_people(rows: ActionItemQuerySet) -> ActionItemQuerySet:
    """With everybody whom an item names."""
    return rows.select_related("owner", "done_by", "accepted_by", "created_by")


def _item_for(user: User, pk: int) -> ActionItem:
    """The item, for somebody who sees its incident. Raises the problem 404."""
    item: ActionItem | None = with_people(ActionItem.objects.visible_to(user)).filter(pk=pk).first()
    if item is None:
        raise Problem(404, "There is no such action item.")
    return item


def _narrowed(rows: ActionItemQuerySet, query: ActionItemQuery, *, user: User) -> ActionItemQuerySet:
    if query.owner is not None:
        owners: dict[str, dict[str, Any]] = {"me": {"owner": user}, "none": {"owner": None}}
        rows = rows.filter(**owners.get(query.owner, {"owner__username": query.owner}))
    if query.done is not None:
        rows = rows.filter(done_at__isnull=not query.done)
    if query.state is not None:
        rows = {"open": rows.undone, "done": rows.done, "accepted": rows.accepted}[query.state]()
    if query.overdue is not None:
        overdue = rows.overdue(action_items.today_of(user, now=timezone.now()))
        rows = overdue if query.overdue else rows.exclude(pk__in=overdue.values("pk"))
    if query.age is not None:
        rows = rows.filter(**listing.created_within(query.age, now=timezone.now()))
    return of_scope(rows, query, user=user)


def of_scope(rows: ActionItemQuerySet, query: ActionItemScope, *, user: User) -> ActionItemQuerySet:
    """Narrowed by what they are for, and by what is so of their incidents."""
    if query.kind is not None:
        rows = rows.filter(kind="" if query.kind == "none" else query.kind)
    if query.severity is not None:
        rows = rows.of_severity(query.severity)
    if query.service is not None:
        rows = rows.of_services(Service.objects.filter(slug=query.service))
    if query.team == "none":
        rows = rows.without_team()
    elif query.team is not None:
        theirs = {"team__memberships__user": user} if query.team == "mine" else {"team__slug": query.team}
        rows = rows.of_services(Service.objects.filter(**theirs))
    if query.incident is not None:
        number = number_of(query.incident)
        if number is None:
            raise invalid("incident", "Write an incident as INC-42.")
        rows = rows.filter(incident__in=Incident.objects.visible_to(user).filter(pk=number))
    return rows
