"""Finding a team or a token for somebody who may have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.shortcuts import get_object_or_404

from accounts.access import require_manager
from accounts.models import ApiToken, Team

if TYPE_CHECKING:
    from accounts.models import User


def team_for(user: User, slug: str) -> Team:
    """The team; 404 where there is none."""
    team: Team = get_object_or_404(Team.objects.visible_to(user), slug=slug)
    return team


def team_for_manager(user: User, slug: str) -> Team:
    """The team, for a manager of it or of the site; 404 or 403 otherwise."""
    team = team_for(user, slug)
    require_manager(user, team)
    return team


def own_token(user: User, pk: int) -> ApiToken:
    """One of the person's own tokens; 404 otherwise, for admins too: theirs is Django admin."""
    token: ApiToken = get_object_or_404(ApiToken.objects.filter(user=user), pk=pk)
    return token
