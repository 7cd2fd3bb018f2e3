"""Actions: defined, listed, read and changed."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ninja import Query, Router
from ninja.responses import Status as Answer

from api import lookups, paging
from api.auth import ApiRequest, actor, admin
from api.idempotency import idempotent
from api.paging import Page
from api.schemas.automation import ActionChange, ActionOut, ActionQuery, ActionWithSecret, NewAction
from api.schemas.base import Name
from api.schemas.incidents import Nothing
from automation import defining, fetching
from automation.models import Action

if TYPE_CHECKING:
    from accounts.models import User
    from automation.querysets import ActionQuerySet

router = Router(tags=["actions"])


@router.get("", response=Page[ActionOut])
def list_actions(request: ApiRequest, query: Query[ActionQuery]) -> Page[ActionOut]:
    """What may be asked for, newest first."""
    user = actor(request)
    rows = _narrowed(Action.objects.visible_to(user), query).for_list()
    return paging.answer(request, rows, query, Page[ActionOut], partial(ActionOut.of, user=user))


@router.post("", auth=admin, response={201: ActionWithSecret})
@idempotent(hide=("signing_secret",))
def create_action(request: ApiRequest, body: NewAction) -> Answer[ActionWithSecret]:
    """Define an action. The secret of a request is shown in this answer only; a repeated one (Idempotency-Key) has
    null."""
    user = actor(request)
    _, secret = defining.create(by=user, **_found(dict(body), body, user))
    return Answer(201, ActionWithSecret.with_secret(fetching.action_for(user, body.slug), user, secret))


@router.get("/{slug}", response=ActionOut)
def read_action(request: ApiRequest, slug: Name) -> ActionOut:
    """One action, by its slug."""
    user = actor(request)
    return ActionOut.of(fetching.action_for(user, slug), user)


@router.patch("/{slug}", auth=admin, response=ActionOut)
def change_action(request: ApiRequest, slug: Name, body: ActionChange) -> ActionOut:
    """Change an action. What was asked for before it did something else, and has not begun, is not run."""
    user, given = actor(request), body.given()
    action, archived = fetching.action_for_admin(user, slug), given.pop("archived", None)
    if given:
        defining.change(action, by=user, **_found(given, body, user))
    if archived is not None:
        (defining.archive if archived else defining.restore)(action, by=user)
    return ActionOut.of(fetching.action_for(user, slug), user)


@router.post("/{slug}/signing-secret", auth=admin, response=ActionWithSecret)
def renew_signing_secret(request: ApiRequest, slug: Name, body: Nothing | None = None) -> ActionWithSecret:
    """Replace the secret that requests are signed with; the old one is used no more. 409 for what a runner does."""
    user = actor(request)
    action = fetching.action_for_admin(user, slug)
    return ActionWithSecret.with_secret(action, user, defining.rotate_secret(action, by=user))


def _found(given: dict[str, Any], body: NewAction | ActionChange, user: User) -> dict[str, Any]:
    """The fields, with what they name instead of ids and slugs."""
    if "parameters" in given:
        given["parameters"] = [one.declared() for one in body.parameters]
    if "services" in given:
        given["services"] = lookups.services(body.services, user=user, field="services")
    if "runner" in given:
        given["runner"] = lookups.runner(body.runner, user=user)
    if given.get("rollback") is not None:
        given["rollback"] = lookups.action(given["rollback"], user=user, field="rollback")
    return given


def _narrowed(rows: ActionQuerySet, query: ActionQuery) -> ActionQuerySet:
    rows = rows.exclude(archived_at=None) if query.archived else rows.current()
    if query.q is not None:
        rows = rows.matching(query.q)
    if query.service is not None:
        rows = rows.filter(services__slug=query.service)
    return rows if query.kind is None else rows.filter(kind=query.kind)
