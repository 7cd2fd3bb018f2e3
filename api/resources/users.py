"""People: added, listed, read and changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import QuerySet
from ninja import Query, Router
from ninja.responses import Status as Answer

from accounts import people
from accounts.models import Role, User
from api import paging
from api.auth import ApiRequest, actor, admin, require, writer
from api.idempotency import idempotent
from api.paging import Page
from api.problems import Problem
from api.schemas.base import Name
from api.schemas.people import NewUser, UserChange, UserOut, UserQuery

if TYPE_CHECKING:
    Users = QuerySet[User]

router = Router(tags=["users"])

# Not the e-mail address: whoever has it can reset the password, and that belongs into the browser.
OWN_FIELDS = frozenset({"name", "time_zone"})


@router.get("", response=Page[UserOut])
def list_users(request: ApiRequest, query: Query[UserQuery]) -> Page[UserOut]:
    """People, newest first."""
    rows = _visible(request)
    if query.team is not None:
        rows = rows.filter(memberships__team__slug=query.team)
    if query.role is not None:
        rows = rows.filter(role=query.role)
    return paging.answer(request, rows, query, Page[UserOut], UserOut.of)


@router.post("", auth=admin, response={201: UserOut})
@idempotent()
def create_user(request: ApiRequest, body: NewUser) -> Answer[UserOut]:
    """Add a person, who sets a password in the browser. The e-mail address is no contact method."""
    return Answer(201, UserOut.of(people.create_user(by=actor(request), **dict(body))))


@router.get("/{username}", response=UserOut)
def read_user(request: ApiRequest, username: Name) -> UserOut:
    """One person, by username."""
    return UserOut.of(user_of(request, username))


@router.patch("/{username}", auth=writer, response=UserOut)
def change_user(request: ApiRequest, username: Name, body: UserChange) -> UserOut:
    """Change a person; for admins, and for the person the name and the time zone."""
    given, user = body.given(), user_of(request, username)
    if user != actor(request) or not given.keys() <= OWN_FIELDS:
        require(request, Role.ADMIN)
    return UserOut.of(people.update_user(user, by=actor(request), **given))


def user_of(request: ApiRequest, username: str) -> User:
    """The person that an address names. Raises the problem 404."""
    user = _visible(request).filter(username=username).first()
    if user is None:
        raise Problem(404, "There is no such user.")
    return user


def _visible(request: ApiRequest) -> Users:
    return User.objects.visible_to(actor(request)).prefetch_related("teams")
