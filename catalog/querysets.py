"""Reads of services."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from accounts.models import Role, Team

if TYPE_CHECKING:
    from accounts.models import User
    from catalog.models import Service  # noqa: F401 - named in strings


class ServiceQuerySet(models.QuerySet["Service"]):
    """Reads of services."""

    def visible_to(self, user: User) -> ServiceQuerySet:
        """Every signed-in person sees every service."""
        return self

    def for_list(self) -> ServiceQuerySet:
        """With what the list shows of each."""
        return self.select_related("team", "escalation_policy").order_by("tier", "name", "slug")

    def matching(self, word: str) -> ServiceQuerySet:
        """Those whose name or slug contains a word."""
        return self.filter(Q(name__icontains=word) | Q(slug__icontains=word))

    def managed_by(self, user: User) -> ServiceQuerySet:
        """Those that the person may change: of the teams they manage, or all of them for a manager of the site."""
        if user.has_role(Role.MANAGER):
            return self
        return self.filter(team__in=Team.objects.managed_by(user)) if user.is_active else self.none()

    def with_policy(self) -> ServiceQuerySet:
        """With the whole escalation policy and the neighbours, for the page of one service."""
        return self.select_related("team", "escalation_policy").prefetch_related(
            "escalation_policy__steps__targets__user",
            "escalation_policy__steps__targets__team__members",
            "depends_on",
            "dependents",
        )
