"""Who asks: API tokens in the Authorization header, and nothing else. Rights are the scope and the owner's role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpRequest
from ninja.security import HttpBearer

from accounts import tokens
from accounts.models import Role, Scope
from api.problems import Problem

if TYPE_CHECKING:
    from accounts.models import ApiToken, User


class ApiRequest(HttpRequest):
    """A request whose token has been checked."""

    auth: ApiToken


class BearerToken(HttpBearer):
    """Lets a request through whose token may do what ``role`` may do.

    Without a role the token must be allowed to write, and the operation decides about its owner: a team's manager
    manages what the team owns, and everybody their own contact methods.
    """

    def __init__(self, role: Role | None) -> None:
        super().__init__()
        self.role = role

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        """Raises the problems 401 and 403."""
        found = tokens.find(token)
        if found is None:
            raise Problem(
                401,
                "This token is unknown, expired or revoked.",
                headers={"WWW-Authenticate": 'Bearer realm="Muster", error="invalid_token"'},
            )
        if self.role is None:
            if not _writes(found):
                raise _forbidden("This token may only read.")
        elif not tokens.allows(found, self.role):
            raise _forbidden(_why_not(found, self.role))
        request.user = found.user
        return found


def _writes(token: ApiToken) -> bool:
    return token.scope != Scope.READ


def _why_not(token: ApiToken, role: Role) -> str:
    if not token.user.has_role(role):
        return f"This needs the role {role}; {token.user.username} has the role {token.user.role}."
    return f"This token's scope is {token.scope}, which is too little."


def _forbidden(detail: str) -> Problem:
    return Problem(403, detail, headers={"WWW-Authenticate": 'Bearer realm="Muster", error="insufficient_scope"'})


reader = BearerToken(Role.VIEWER)
responder = BearerToken(Role.RESPONDER)
manager = BearerToken(Role.MANAGER)
admin = BearerToken(Role.ADMIN)
writer = BearerToken(None)


def actor(request: ApiRequest) -> User:
    """The person whose token it is."""
    return request.auth.user


def may_write(request: ApiRequest) -> bool:
    """Whether the token may change what its owner may change."""
    return _writes(request.auth)


def may(request: ApiRequest, role: Role) -> bool:
    """Whether the token may do what the role may do."""
    return tokens.allows(request.auth, role)


def require(request: ApiRequest, role: Role) -> None:
    """Raises the problem 403 unless the token may do what the role may do."""
    if not may(request, role):
        raise _forbidden(_why_not(request.auth, role))
