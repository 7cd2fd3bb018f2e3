"""Finding a notification, a contact method or a team's inbox for somebody who may have it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404

from accounts.access import require_manager
from accounts.models import Team
from notifications.models import ContactMethod, Drill, Notification

if TYPE_CHECKING:
    from accounts.models import User


def notification_for(user: User, pk: int) -> Notification:
    """One that went to the person or to their team; for admins any. 404 otherwise."""
    rows = Notification.objects.visible_to(user).for_list()
    notification: Notification = get_object_or_404(rows, pk=pk)
    return notification


def own_method(user: User, pk: int) -> ContactMethod:
    """One of the person's own contact methods; 404 otherwise, for admins too: theirs is Django admin."""
    method: ContactMethod = get_object_or_404(ContactMethod.objects.filter(user=user), pk=pk)
    return method


def drill_for(user: User, pk: int) -> Drill:
    """One's own drill; for admins any. 404 otherwise."""
    drill: Drill = get_object_or_404(Drill.objects.visible_to(user).select_related("user"), pk=pk)
    return drill


def inbox_of(user: User, slug: str) -> Team:
    """A team whose inbox the person may read: its members and admins. 404 otherwise."""
    mine = Q() if user.is_staff else Q(memberships__user=user)
    team: Team | None = Team.objects.visible_to(user).filter(mine, slug=slug).first()
    if team is None:
        raise Http404
    return team


def team_for_manager(user: User, slug: str) -> Team:
    """A team whose addresses the person may change; 404 or 403 otherwise."""
    team: Team = get_object_or_404(Team.objects.visible_to(user), slug=slug)
    require_manager(user, team)
    return team
