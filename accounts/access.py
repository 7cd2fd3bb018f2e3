"""Who asks, and whether they may: for the fetch helpers of views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from accounts.models import Role, Team, User

if TYPE_CHECKING:
    from django.http import HttpRequest


def person(request: HttpRequest) -> User:
    """The signed-in person; views behind ``login_required`` have one."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user


def require_role(user: User, role: Role) -> None:
    """Raise PermissionDenied unless the person has the role or a higher one."""
    if not user.has_role(role):
        raise PermissionDenied(f"This needs the role {role.label.lower()} or a higher one.")


def require_manager(user: User, team: Team | None) -> None:
    """Raise PermissionDenied unless the person manages the team, or everything."""
    if not user.manages(team):
        raise PermissionDenied(
            f"This needs a manager of {team}, or of the whole site." if team else "This needs a manager of the site."
        )


def manages_anything(user: User) -> bool:
    """Whether the person manages the site or a team, and so may add what belongs to one."""
    return user.manages(None) or Team.objects.managed_by(user).exists()
